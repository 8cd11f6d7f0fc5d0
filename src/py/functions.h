/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds C functions that Python code can call, with the names that CPython keeps for them: those of
 * modules written in C, methods of their types, and functions in slots of types, but for those that
 * all classes share. It is for stripped programs with all modules inside, where neither symbol nor
 * file tells which module has the code. */
#ifndef PYLEAK_PY_FUNCTIONS_H
#define PYLEAK_PY_FUNCTIONS_H

#include "py/py.h"

/* @addr: run-time address of the function; @name: "compress", "BZ2Compressor.flush",
 * "deque.__init__"; @module: "_bz2", NULL for builtins. */
typedef void (*py_function_visit)(uint64_t addr, const char *name, const char *module, void *ctx);
/* Visits them with some ten thousand small reads: 10 to 30 ms. Bounded; skips unreadable ones. */
void py_functions(const struct py_runtime *rt, py_function_visit visit, void *ctx);

#endif
