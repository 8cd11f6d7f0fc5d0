/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Watches the memory of the process, the limit that binds it, and how both move. */
#ifndef PYLEAK_SESSION_MEMORY_H
#define PYLEAK_SESSION_MEMORY_H

#include <stdbool.h>

struct memory;
struct metrics;

/* Does memory outside of the pools grow? @may: it does, or it is too early to know; or NULL. */
bool memory_malloc_grows(const struct memory *m, bool *may);
void memory_ask_last(struct memory *m); /* as session_ask_last() */
void memory_metrics(const struct memory *m, struct metrics *out);

#endif
