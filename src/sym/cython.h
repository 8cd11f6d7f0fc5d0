/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Turns the names that Cython gives to C functions into those that their authors wrote. */
#ifndef PYLEAK_SYM_CYTHON_H
#define PYLEAK_SYM_CYTHON_H

#include "base/base.h"

/* Writes the name "module.Class.function" of the C function @name into @out. False: it is not
 * Cython's, is not certain or does not fit; @out is undefined then. */
bool sym_cython(const char *name, char *out, size_t size);

#endif
