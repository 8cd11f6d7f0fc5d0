/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts the population of the heap: objects by type with what they own, buffers by size class, and
 * the free memory that the allocator holds. */
#ifndef PYLEAK_CENSUS_POPULATION_H
#define PYLEAK_CENSUS_POPULATION_H

#include "heap/walk.h"

struct heap_type_row {
	uint64_t type;		 /* address */
	uint32_t entry;		 /* not set here: the caller's index of the type's name */
	uint64_t count, tracked; /* objects; those that the collector tracks */
	uint64_t own_bytes;	 /* pre-header, GC head and body of all objects */
	uint64_t owned_bytes;	 /* items, keys, tables, buffers that belong to one object alone */
};

struct heap_buffers {
	uint64_t count, bytes;
};

struct heap_population {
	VEC(struct heap_type_row) row;
	/* Blocks that hold no object, by size class: all of them, and those that objects own. The
	 * others belong to C code. */
	struct heap_buffers buffers[HEAP_CLASSES + 1], owned[HEAP_CLASSES + 1];
	struct heap_walk_stats walk;
	uint64_t t_ns; /* clock_ns() when it began */
};

/* Reads the heap and fills @out, which must be zeroed; heap_population_free() frees it, also after
 * an error. Negative errno, with the sentence: also when the watching function ends it. */
int heap_population(struct heap *h, struct heap_population *out);
void heap_population_free(struct heap_population *p);

/* Buffers of a size class (HEAP_MALLOC: outside of pools) that no object owns. */
struct heap_buffers heap_population_unowned(const struct heap_population *p, unsigned cls);

#endif
