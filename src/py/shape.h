/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds how a CPython was built, from its code and from the file that its Makefile wrote for
 * sysconfig. A fact that neither tells is PY_UNKNOWN, never a guess. */
#ifndef PYLEAK_PY_SHAPE_H
#define PYLEAK_PY_SHAPE_H

#include "py/py.h"

enum py_libc { PY_LIBC_STATIC, PY_LIBC_GLIBC, PY_LIBC_MUSL, PY_LIBC_OTHER };
enum py_libc py_libc_of(const struct proc *p);

struct py_shape {
	char compiler[48]; /* "GCC 12.2.0", "Clang 22.1.8"; "" = not known */
	enum py_fact lto, pgo, bolt, frame_pointers, tail_calls, jit;
	enum py_libc libc;
	int minor; /* 3.minor */
	bool is_library, stripped, free_threaded, debug;
	/* places where objects are born were found; so many that LTO must have inlined them */
	bool has_births, inlines_births;
};

/* Finds all of it, and reads one file of the target's library. @births: places in its file where
 * objects are born, 0 = not known: there are many if link-time optimisation has inlined them.
 * @tail_calls: instructions are functions that jump to each other. */
void py_shape(const struct py_runtime *rt, size_t births, enum py_fact tail_calls,
	      struct py_shape *out);
/* Does the same without that file, so that no watch waits for storage that does not answer, and
 * keeps it in rt->shape. */
void py_find_shape(struct py_runtime *rt, size_t births, enum py_fact tail_calls);

/* "GCC 12.2.0, LTO, shared library, stripped, frame pointers, glibc" */
#define PY_SHAPE_WORDS 200
char *py_shape_words(const struct py_shape *s, char *buf, size_t size);

/* The tested build that it is like in all facts: "Docker's images"; NULL = it is like none, or
 * facts are missing. */
const char *py_shape_tested(const struct py_shape *s);

/* Pure: adds to @s what its code did not tell and sysconfig's text does; nothing if the two
 * contradict each other. */
void py_shape_configured(const char *text, size_t size, struct py_shape *s);

/* Pure: is option @name in the CONFIG_ARGS of sysconfig's text? */
bool py_configured_with(const char *text, size_t size, const char *name);

#endif
