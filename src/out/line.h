/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Builds one line of terminal text: colours, cut to the width of the screen, and with nothing in it
 * from the target that a terminal would obey. */
#ifndef PYLEAK_OUT_LINE_H
#define PYLEAK_OUT_LINE_H

#include <stdio.h>

#include "base/base.h"

enum style {
	STYLE_PLAIN,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_RED,
	STYLE_YELLOW,
	STYLE_CYAN,
	STYLE_GREEN,
	STYLE_MAX
};

struct line {
	FILE *f;
	VEC(char) text;
	int width;   /* columns; 0 = never cut */
	int col;     /* columns used so far */
	size_t mark; /* length of .text to which a long line is cut, so that '>' fits behind it */
	bool want_color, is_cut, is_styled, has_items;
	int err; /* the first error, an errno */
};

void line_init(struct line *l, FILE *f, int width, bool want_color);
void line_fini(struct line *l);

void line_style(struct line *l, enum style s);
/* Adds any text, also of the target: control characters appear as \x1b, bytes that are not UTF-8 as
 * \xff. After 1,000 columns "..." follows. */
void line_text(struct line *l, const char *s);
/* As line_text(), at most 1,023 bytes. */
void line_printf(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As line_printf(), and ends the line. */
void line_put(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds the last @cols columns of @s, with "..." before them if @s is longer. */
void line_tail(struct line *l, const char *s, int cols);
/* Adds blanks up to column @col. */
void line_pad(struct line *l, int col);
/* Adds an item of a list: after a comma if it is not the first, on a new line if it does not fit,
 * and broken at spaces if it is longer than a line. */
void line_item(struct line *l, const char *s);
/* Adds a sentence, broken at spaces where it does not fit. */
void line_words(struct line *l, const char *s);
/* Writes the line to .f; errors stay in .err. */
void line_end(struct line *l);

/* The columns that @s takes when printed by line_text(). */
int line_columns(const char *s);

#endif
