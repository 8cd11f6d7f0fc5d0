/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads names that Cython gives to C functions: __pyx_pw_5cymod_4Book_3feed is the wrapper through
 * which Python calls the method feed of the class Book in the module cymod;
 * __pyx_f_5cymod_4Book_feed is a cdef function. A scope is written as its length and its name, and
 * a wrapper has a number before its name. */
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

/* Returns the text behind the scope that begins at @p; NULL: none begins there. */
static const char *scope_at(const char *p, struct scope *out)
{
	char *end;
	unsigned long len;

	if (!isdigit((unsigned char)*p) || *p == '0')
		return NULL;
	len = strtoul(p, &end, 10);
	if (len > LONGEST || strnlen(end, len + 1) <= len || end[len] != '_')
		return NULL;
	*out = (struct scope){end, len};
	return end + len + 1;
}

/* Returns the name behind a wrapper's number; NULL: it is not certain. Functions and wrappers are
 * counted in turn, so a wrapper's number is odd. Hence "3get_2d" is wrapper 3, get_2d, and not
 * wrapper 2, d, of a class get. "3Foo_1bar" could be read both ways: its capital says that Foo is a
 * class. */
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
		/* "1a_b" is not a scope "a" but wrapper 1, a_b: behind the scopes comes a number */
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
	/* a compiler's suffix begins with a point, which no name of Cython's has */
	return (size_t)snprintf(out + at, size - at, "%.*s", (int)strcspn(p, "."), p) < size - at;
}
