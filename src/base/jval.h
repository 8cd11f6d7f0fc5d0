/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A JSON text as a row of values, each followed by those inside it: one allocation for all of
 * them, and strings stay where they stand in the text. A thousand reports are merged in the time in
 * which a tree with an allocation per value parses two hundred. Any text may come: it is checked
 * to the last byte, and nothing here recurses. */
#ifndef PYLEAK_JVAL_H
#define PYLEAK_JVAL_H

#include "base/base.h"

#define JVAL_DEPTH 32

enum jval_type { JVAL_NULL, JVAL_BOOL, JVAL_NUMBER, JVAL_STRING, JVAL_ARRAY, JVAL_OBJECT };

struct jval {
	const char *key; /* of a member, else NULL */
	const char
		*text; /* string: without escapes, ends with NUL; number, bool: where it begins */
	uint32_t n;    /* array, object: how many are directly inside */
	uint32_t span; /* values from here to the next one that is not inside */
	enum jval_type type;
};

struct jval_doc {
	struct jval *v; /* v[0] is the whole */
	size_t n, cap;
};

/* @text is changed: it holds the strings from then on. @text[@len] must be NUL. -EINVAL with a
 * sentence ("cut short", "no JSON at byte N") or -ENOMEM; @out is then empty. */
int jval_parse(char *text, size_t len, struct jval_doc *out);
void jval_free(struct jval_doc *d);

/* All of these take NULL for a value that is not there, and give it for one that is of another
 * type than asked for; null is not there. */
const struct jval *jval_get(const struct jval *object, const char *key);
const struct jval *jval_object(const struct jval *object, const char *key);
const struct jval *jval_array(const struct jval *object, const char *key);
const char *jval_string(const struct jval *v);
bool jval_is_number(const struct jval *v);
/* NAN and 0 for what is no number; a whole number is clamped. */
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
