/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a CPython was built: read from its code and from what its Makefile wrote down for sysconfig.
 * Each fact is one that was found; a fact that nothing tells of is PY_UNKNOWN, never a guess. */
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
	bool is_library, stripped, free_threaded, debug, has_births;
};

/* @births: places where objects are born in its file, 0 = not known. They are inlined into other
 * files' functions by link-time optimisation only. @tail_calls: instructions are functions that
 * jump to each other. Reads one file of the target's library. */
void py_shape(const struct py_runtime *rt, size_t births, enum py_fact tail_calls,
	      struct py_shape *out);
/* The same, without that file, kept in rt->shape: whose library lies on storage that is silent does
 * not make a watch wait. */
void py_find_shape(struct py_runtime *rt, size_t births, enum py_fact tail_calls);

/* "GCC 12.2.0, LTO, shared library, stripped, frame pointers, glibc" */
#define PY_SHAPE_WORDS 200
char *py_shape_words(const struct py_shape *s, char *buf, size_t size);

/* Which of the builds that the tool is tested on is like it, in all that is known of them:
 * "Docker's images"; NULL = none, or what would tell is not known. */
const char *py_shape_tested(const struct py_shape *s);

/* Pure: adds what sysconfig's text tells to what the code told. */
void py_shape_configured(const char *text, size_t size, struct py_shape *s);

/* Pure: is option @name in the CONFIG_ARGS of sysconfig's text? */
bool py_configured_with(const char *text, size_t size, const char *name);

#endif
