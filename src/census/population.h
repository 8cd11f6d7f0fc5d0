/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The population of the heap: objects by type with what they own, buffers by size class, and what
 * the allocator holds without using it. */
#ifndef PYLEAK_CENSUS_POPULATION_H
#define PYLEAK_CENSUS_POPULATION_H

#include "heap/walk.h"

struct heap_type_row {
	uint64_t type;	/* address */
	uint32_t entry; /* for whoever gives it a name */
	uint64_t count, tracked;
	uint64_t own_bytes;   /* pre-header, GC head, body: as sys.getsizeof counts */
	uint64_t owned_bytes; /* items, keys, tables, buffers that belong to them alone */
};

struct heap_buffers {
	uint64_t count, bytes;
};

struct heap_population {
	VEC(struct heap_type_row) row;
	/* Blocks that hold no object: all of them, and those that the objects account for. What is
	 * left is some C code's. */
	struct heap_buffers buffers[HEAP_CLASSES + 1], owned[HEAP_CLASSES + 1];
	struct heap_walk_stats walk;
	uint64_t t_ns; /* when it began */
};

/* Take one. @out is empty. */
int heap_population(struct heap *h, struct heap_population *out);
void heap_population_free(struct heap_population *p);

/* Buffers that no object accounts for, of a class (HEAP_MALLOC: outside pools). */
struct heap_buffers heap_population_unowned(const struct heap_population *p, unsigned cls);

#endif
