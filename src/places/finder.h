/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which of many processes are CPython: each file is looked into once, however many map it. */
#ifndef PYLEAK_PLACES_FINDER_H
#define PYLEAK_PLACES_FINDER_H

#include "py/py.h"

struct py_finder;

int py_finder_new(struct py_finder **out);
void py_finder_free(struct py_finder *f);
/* Does one of the files that @p executes hold a CPython? 1 or 0; -errno when none of those that we
 * had the means to look into does: ask again. */
int py_finder_has(struct py_finder *f, const struct proc *p);
/* Look into every file anew. */
void py_finder_forget(struct py_finder *f);

#endif
