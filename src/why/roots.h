/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For those who look for roots. */
#ifndef PYLEAK_WHY_ROOTS_H
#define PYLEAK_WHY_ROOTS_H

#include "py/objects.h"
#include "why/reach.h"

#define MAX_ROOTS (4u << 20) /* what a process says beyond is not believed */

/* NULL: at @addr is nothing that a search can begin at. */
struct reach_root *roots_add(struct reach *r, enum reach_kind kind, uint64_t addr, uint64_t owner,
			     uint64_t at);
/* Callbacks of module atexit that the @n words of a state lead to: an interpreter's from 3.10 on,
 * the module's before. */
void roots_atexit(struct reach *r, const uint64_t *state, size_t n);
/* Does word @i of the @n of CPython's own point to something that it does not hold? */
bool roots_is_borrowed(const struct reach *r, const uint64_t *w, uint64_t n, uint64_t i);

#endif
