/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes JSON to a stream, with commas, indentation and escapes; no tree is kept in memory. */
#ifndef PYLEAK_OUT_JSON_WRITER_H
#define PYLEAK_OUT_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_MAX_DEPTH 16

struct out_frames;

struct json {
	FILE *f;
	int err; /* the first error, an errno */
	int depth;
	/* without blanks and '<', so that it can stand in a page's script element, and in ASCII:
	 * one other letter makes a browser keep all of it in twice the memory */
	bool is_dense;
	/* takes the frames of a report, whose stacks then hold numbers; NULL: stacks hold frames */
	struct out_frames *frames;
	struct {
		bool is_array, is_flat, is_empty;
	} level[JSON_MAX_DEPTH];
};

void json_begin(struct json *j, FILE *f);
/* Writes the last newline and flushes. Returns 0 or the first error, a negative errno. */
int json_end(struct json *j);

/* @key is NULL inside arrays. A flat object or array stays on one line. */
void json_object(struct json *j, const char *key, bool is_flat);
void json_array(struct json *j, const char *key, bool is_flat);
void json_close(struct json *j);

/* NULL is written as null. Control characters are escaped; a byte 0xNN that is not part of valid
 * UTF-8 becomes \u00NN, which every parser accepts. */
void json_string(struct json *j, const char *key, const char *s);
/* NAN and the infinities are written as null. Whole numbers are exact, others have six digits, or
 * one decimal from 100,000 on. */
void json_number(struct json *j, const char *key, double v);
void json_integer(struct json *j, const char *key, int64_t v);
/* UINT64_MAX means not known, and is written as null. */
void json_unsigned(struct json *j, const char *key, uint64_t v);
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);

#endif
