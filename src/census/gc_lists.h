/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts the objects in the collector's lists, link by link where these are short, and those in
 * gc.garbage by type. */
#ifndef PYLEAK_CENSUS_GC_LISTS_H
#define PYLEAK_CENSUS_GC_LISTS_H

#include "heap/heap.h"

struct heap_gc_lists {
	/* Objects in each generation, and those set aside by gc.freeze(); UINT64_MAX: too many, or
	 * a link could not be read. */
	uint64_t generation[PY_GENERATIONS], frozen;
	uint64_t garbage; /* objects in gc.garbage */
	struct heap_gc_type {
		uint64_t type, count;
	} * type; /* types of the first million objects in gc.garbage */
	size_t n_types;
	uint64_t others; /* of that million: without a type, or of one more than are kept */
};

/* Fills @out, which heap_gc_lists_free() frees, also after an error. Lists that cannot be read are
 * left out; -ENOMEM is the only error. */
int heap_gc_lists(struct heap *h, const struct py_gc_state *state, struct heap_gc_lists *out);
void heap_gc_lists_free(struct heap_gc_lists *g);

#endif
