/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names that Cython gives to C functions, as their authors wrote them. */
#ifndef PYLEAK_SYM_CYTHON_H
#define PYLEAK_SYM_CYTHON_H

#include "base/base.h"

/* "module.Class.function" of the C function @name; false: it is none of Cython's, or not certain.
 */
bool sym_cython(const char *name, char *out, size_t size);

#endif
