/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Functions in C that Python code can call, with the names that CPython keeps for them: those of
 * modules written in C, methods of their types, and what types do at their slots, but for those
 * that all classes share. For stripped programs that hold all modules, where no symbol and no file
 * tells whose code it is. */
#ifndef PYLEAK_PY_FUNCTIONS_H
#define PYLEAK_PY_FUNCTIONS_H

#include "py/py.h"

/* @addr: where the function begins, at run time. "compress", "BZ2Compressor.flush",
 * "deque.__init__"; @module: "_bz2", NULL for what is in builtins. */
typedef void (*py_function_visit)(uint64_t addr, const char *name, const char *module, void *ctx);
/* Some ten thousand small reads: 10 to 30 ms. Bounded; what cannot be read is left out. */
void py_functions(const struct py_runtime *rt, py_function_visit visit, void *ctx);

#endif
