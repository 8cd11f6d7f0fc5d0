/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For the files that look for roots. */
#ifndef PYLEAK_WHY_ROOTS_H
#define PYLEAK_WHY_ROOTS_H

#include "py/objects.h"
#include "why/reach.h"

#define MAX_ROOTS (4u << 20) /* more than these are not believed */

/* Adds a root. NULL: there is no node at @addr, or it may hold nothing. */
struct reach_root *roots_add(struct reach *r, enum reach_kind kind, uint64_t addr, uint64_t owner,
			     uint64_t at);
/* Adds callbacks of module atexit, from @n words of a state: an interpreter's from 3.10 on, the
 * module's before. */
void roots_atexit(struct reach *r, const uint64_t *state, size_t n);
/* Does word @i of these @n words of CPython's data point to something that it does not hold? */
bool roots_is_borrowed(const struct reach *r, const uint64_t *w, uint64_t n, uint64_t i);

#endif
