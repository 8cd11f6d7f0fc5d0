/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parses a JSON text into a row of values, each followed by those inside it: one allocation for all
 * of them, and strings stay in the text. So a thousand reports are merged in the time in which a
 * tree with an allocation per value parses two hundred. The text may be anything: it is checked to
 * the last byte, and no function recurses. */
#ifndef PYLEAK_JVAL_H
#define PYLEAK_JVAL_H

#include "base/base.h"

#define JVAL_DEPTH 32

enum jval_type { JVAL_NULL, JVAL_BOOL, JVAL_NUMBER, JVAL_STRING, JVAL_ARRAY, JVAL_OBJECT };

struct jval {
	const char *key; /* a member's name; NULL: it is no member */
	const char
		*text; /* string: without escapes, ends with NUL; number, bool: where it begins */
	uint32_t n;    /* array, object: values directly inside; string: its bytes */
	uint32_t span; /* values from here to the next one that is not inside */
	enum jval_type type;
};

struct jval_doc {
	struct jval *v; /* v[0] is the whole */
	size_t n, cap;
};

/* Parses @text, which is changed, and must live as long as @out, whose strings are in it. The byte
 * @text[@len] must be NUL. -EINVAL ("cut short", "no JSON at byte N"), -EFBIG or -ENOMEM, with the
 * sentence, and with @out empty. */
int jval_parse(char *text, size_t len, struct jval_doc *out);
/* The same, in the room of the text that @doc was of, or that of none: {0}. */
int jval_parse_next(char *text, size_t len, struct jval_doc *doc);
void jval_free(struct jval_doc *d);

/* These take NULL for a missing value, and return NULL for one that is missing, null, or of another
 * type than asked for. */
const struct jval *jval_get(const struct jval *object, const char *key);
const struct jval *jval_object(const struct jval *object, const char *key);
const struct jval *jval_array(const struct jval *object, const char *key);
const char *jval_string(const struct jval *v);
bool jval_is_number(const struct jval *v);
/* For a value that is no number these return NAN, or 0. Whole numbers are clamped to the type. */
double jval_double(const struct jval *v);
uint64_t jval_u64(const struct jval *v);
int jval_int(const struct jval *v);
bool jval_bool(const struct jval *v);

/* The values directly inside: members or elements. */
const struct jval *jval_first(const struct jval *outer);
const struct jval *jval_next(const struct jval *outer, const struct jval *v);
#define jval_each(v, outer) \
	for (const struct jval *v = jval_first(outer); v; v = jval_next(outer, v))

#endif
