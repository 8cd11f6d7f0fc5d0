/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Streaming JSON: commas, indentation and escapes, no tree in memory. */
#ifndef PYLEAK_OUT_JSON_WRITER_H
#define PYLEAK_OUT_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_MAX_DEPTH 16

struct out_frames;

struct json {
	FILE *f;
	int err; /* the first errno of the stream */
	int depth;
	bool is_dense; /* no blanks, and no '<': for a script element of a page */
	struct out_frames
		*frames; /* a report's frames go there, and stacks have numbers; NULL: no */
	struct {
		bool is_array, is_flat, is_empty;
	} level[JSON_MAX_DEPTH];
};

void json_begin(struct json *j, FILE *f);
/* Last newline and flush. Returns 0 or the first error of the stream, negative. */
int json_end(struct json *j);

/* @key is NULL inside arrays. A flat object or array stays on one line. */
void json_object(struct json *j, const char *key, bool is_flat);
void json_array(struct json *j, const char *key, bool is_flat);
void json_close(struct json *j);

/* NULL is null. Control characters are escaped; a byte 0xNN that is not part of valid UTF-8
 * becomes \u00NN, which every parser accepts. */
void json_string(struct json *j, const char *key, const char *s);
/* NAN and the infinities are null; whole numbers are exact, others have six digits. */
void json_number(struct json *j, const char *key, double v);
void json_integer(struct json *j, const char *key, int64_t v);
/* UINT64_MAX is "not known": null. */
void json_unsigned(struct json *j, const char *key, uint64_t v);
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);

#endif
