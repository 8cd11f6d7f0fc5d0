/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory that was handed out for the first time between two looks.
 *
 * pymalloc carves a pool into blocks in order, one when it has none to reuse, and the pool's header
 * says how far it has come. What lies between two readings of that was allocated in between, for
 * certain, by whatever code; an object in there was born in between, wherever its birth is. The
 * pools that are looked at are those that blocks are taken from at the moment: what grows fills
 * them. Nothing else of the heap tells so much at this price: 32 headers. */
#ifndef PYLEAK_HEAP_CARVED_H
#define PYLEAK_HEAP_CARVED_H

#include "heap/heap.h"

#define HEAP_CARVED 64 /* objects of one pair of looks */

struct heap_carving {
	uint64_t pool[HEAP_CLASSES]; /* 0 = none */
	uint32_t next[HEAP_CLASSES]; /* offset of the first block that was never handed out */
};

struct heap_carved {
	uint64_t addr, type;
	int cls;
	bool is_fixed; /* no assignment to __class__ can have given it its type */
};

/* -ENODATA: this build's pools cannot be read so (another allocator, debug hooks). */
int heap_carving_begin(struct heap *h, struct heap_carving *out);
/* Objects that are there now in blocks carved since, of each size class as many as there is room
 * for beside the others. What is no object beyond doubt, fills its block as no object of its type
 * does, or has gone again is left out. Returns their number. */
size_t heap_carving_end(struct heap *h, const struct heap_carving *c, struct heap_carved *out,
			size_t max);

#endif
