/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The memory that the process has, which limit binds it, and how that moves. */
#ifndef PYLEAK_SESSION_MEMORY_H
#define PYLEAK_SESSION_MEMORY_H

#include <stdbool.h>

struct memory;
struct metrics;

/* Does what lies outside of the pools grow? */
bool memory_malloc_grows(const struct memory *m);
/* The same; or it is too early to know. */
bool memory_malloc_may_grow(const struct memory *m);
void memory_metrics(const struct memory *m, struct metrics *out);

#endif
