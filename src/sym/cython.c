/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names that Cython gives to C functions: __pyx_pw_5cymod_4Book_3feed calls, from Python, the
 * method feed of the class Book in the module cymod; __pyx_f_5cymod_4Book_feed is a cdef function.
 * A scope is written as its length and its name, and the wrapper of a function has a number before
 * its name. */
#include "sym/cython.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define WRAPPER "__pyx_pw_"
#define CDEF	"__pyx_f_"
#define LONGEST 200
#define SCOPES	8

struct scope {
	const char *name;
	size_t len;
};

/* Behind the scope that begins at @p; NULL = none does. */
static const char *scope_at(const char *p, struct scope *out)
{
	char *end;
	unsigned long len;

	if (!isdigit((unsigned char)*p) || *p == '0')
		return NULL;
	len = strtoul(p, &end, 10);
	if (len > LONGEST || strnlen(end, len + 1) <= len || end[len] != '_' ||
	    isdigit((unsigned char)*end))
		return NULL;
	*out = (struct scope){end, len};
	return end + len + 1;
}

/* The name of a wrapper behind its number, which is odd: functions and wrappers are counted in
 * turn. "3get_2d" may be the third of them, get_2d, or, by its look, the second of a class get: no
 * wrapper has an even number. "3Foo_1bar" is a method of a class, as its capital says. NULL = not
 * certain. */
static const char *wrapper_name(const char *p, const struct scope *v, size_t *n)
{
	const struct scope *last = &v[*n - 1];
	bool is_odd;
	char *name;

	if (!isdigit((unsigned char)*p))
		return NULL;
	is_odd = strtoul(p, &name, 10) % 2;
	if (*n == 1 || !(last->len % 2))
		return is_odd ? name : NULL;
	if (!is_odd) {
		--*n;
		return last->name;
	}
	return isupper((unsigned char)*last->name) ? name : NULL;
}

/* A suffix that a compiler appends comes behind a point, which no name of Cython's has. */
static bool is_sure(const char *p)
{
	return p && *p && !isdigit((unsigned char)*p) && strlen(p) <= LONGEST;
}

bool sym_cython(const char *name, char *out, size_t size)
{
	bool is_wrapper = !strncmp(name, WRAPPER, strlen(WRAPPER));
	struct scope v[SCOPES];
	const char *p, *next;
	size_t n = 0, at = 0;

	if (!is_wrapper && strncmp(name, CDEF, strlen(CDEF)) != 0)
		return false;
	p = name + strlen(is_wrapper ? WRAPPER : CDEF);
	while (n < SCOPES && (next = scope_at(p, &v[n]))) {
		/* "1a_b" is no scope "a", but the first function, a_b: a number comes before its
		 * name. */
		if (is_wrapper && n && !isdigit((unsigned char)*next))
			break;
		p = next;
		n++;
	}
	if (n && is_wrapper)
		p = wrapper_name(p, v, &n);
	if (!n || !is_sure(p))
		return false;
	for (size_t i = 0; i < n; i++) {
		int len = snprintf(out + at, size - at, "%.*s.", (int)v[i].len, v[i].name);

		if (len < 0 || (size_t)len >= size - at)
			return false;
		at += (size_t)len;
	}
	return (size_t)snprintf(out + at, size - at, "%.*s", (int)strcspn(p, "."), p) < size - at;
}
