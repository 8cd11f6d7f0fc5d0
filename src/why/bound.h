/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds how many entries a container may get: what CPython enforces (maxlen of a deque, maxsize of
 * an lru_cache), or a number that the program keeps beside it (cache.max_entries). */
#ifndef PYLEAK_WHY_BOUND_H
#define PYLEAK_WHY_BOUND_H

#include "why/graph.h"

struct heap_bound {
	uint64_t most;
	char name[48]; /* "maxlen", "max_entries" */
	bool enforced; /* by CPython: it cannot be exceeded */
};

/* Finds the bound of the container @node at @addr with @entries, held by the object @owner at @at,
 * or (NODE_NONE) by a module's dict at @at, 0 = none, which calls it @called (NULL = not known).
 * False when none is seen; it may have one nevertheless. */
bool heap_bound(struct graph *g, uint32_t owner, uint64_t at, const char *called, uint32_t node,
		uint64_t addr, uint64_t entries, struct heap_bound *out);

/* Pure: does a number of this name say how many entries fit into a container that is @called so
 * (NULL = not known)? It must be about entries ("max_items"), or about that name ("max_sessions"
 * about "sessions"); in an object, whose numbers are its own, also about a cache, pool or queue. */
bool heap_bound_name(const char *name, const char *called, bool in_module);
/* Pure: is it a number of bytes? A size or length of whole MiB, more than one, is. */
bool heap_bound_is_bytes(const char *name, uint64_t n);
/* Pure: may so many entries be in what is bounded by @most? Programs that throw out in batches
 * are over it now and then: SQLAlchemy and Mako by half of it. */
static inline bool heap_bound_holds(uint64_t most, bool enforced, uint64_t entries)
{
	return entries <= most + (enforced ? 0 : most / 2 + 1);
}

#endif
