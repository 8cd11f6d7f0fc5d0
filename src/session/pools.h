/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts live blocks by size class, from the headers of the pools: how much grows. */
#ifndef PYLEAK_SESSION_POOLS_H
#define PYLEAK_SESSION_POOLS_H

#include "heap/heap.h"

struct pools;

/* The last census, or the first; all zero if the pools could not be counted so far. */
const struct heap_census *pools_census(struct pools *p);
/* The size classes that grow, as bits. */
uint64_t pools_growing(const struct pools *p);
/* Full collections of the target so far. */
uint64_t pools_collections(struct pools *p);

#endif
