/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The collector's lists as far as they are short, and what it could not free. */
#ifndef PYLEAK_CENSUS_GC_LISTS_H
#define PYLEAK_CENSUS_GC_LISTS_H

#include "heap/heap.h"

struct heap_gc_lists {
	/* Objects in each generation, and those set aside by gc.freeze(); UINT64_MAX: too many to
	 * be counted link by link. */
	uint64_t generation[PY_GENERATIONS], frozen;
	uint64_t garbage; /* objects in gc.garbage */
	struct heap_gc_type {
		uint64_t type, count;
	} * type; /* of the garbage */
	size_t n_types;
};

int heap_gc_lists(struct heap *h, const struct py_gc_state *state, struct heap_gc_lists *out);
void heap_gc_lists_free(struct heap_gc_lists *g);

#endif
