/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells which of many processes are CPython: each file is searched once, however many map it. One
 * thread at a time uses a finder. */
#ifndef PYLEAK_PLACES_FINDER_H
#define PYLEAK_PLACES_FINDER_H

#include "py/py.h"

struct py_finder;

int py_finder_new(struct py_finder **out);
void py_finder_free(struct py_finder *f);
/* Is CPython in one of the files that @p executes? 1 or 0. -errno: it was found in none, but one
 * could not be read now; ask again. */
int py_finder_has(struct py_finder *f, const struct proc *p);
/* Forgets all answers, so that each file is searched anew. */
void py_finder_forget(struct py_finder *f);

#endif
