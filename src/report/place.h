/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The place of a frame in its function, as a number that stays when lines above it move: the text
 * of its line, without spaces. If that text is there more than once in the function, the number of
 * those before counts; functions of one name in one block (a property and its setter) count as one.
 */
#ifndef PYLEAK_REPORT_PLACE_H
#define PYLEAK_REPORT_PLACE_H

#include "base/base.h"

/* The sources of a place. The weakest frame of a stack says what its id rests on. */
enum place_by {
	PLACE_BY_LINE,	 /* the line's number: recordings of older versions */
	PLACE_BY_OFFSET, /* the line within its function, where the text cannot be had */
	PLACE_BY_SOURCE,
};

/* The place of line @line (from 1) of source @text in @function (qualified or not), which begins in
 * line @first; 0 = there is no such line, or nothing in it. */
uint32_t place_of_source(const char *text, size_t len, const char *function, int first, int line);
uint32_t place_of_offset(int first, int line); /* 0 = not known */
enum place_by place_by(uint32_t place);

#endif
