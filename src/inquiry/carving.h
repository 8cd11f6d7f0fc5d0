/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds objects in memory that was handed out for the first time between two looks.
 *
 * pymalloc carves a pool into blocks in order, one at a time when it has none to reuse, and the
 * pool's header says how far it has come. What is between two readings of that was allocated in
 * between, by whatever code; an object there was born in between, wherever its birth is. The pools
 * that are read are those that blocks are taken from now: what grows fills them. Nothing else in
 * the heap tells so much at this price: 32 headers. */
#ifndef PYLEAK_INQUIRY_CARVING_H
#define PYLEAK_INQUIRY_CARVING_H

#include "heap/heap.h"

#define CARVED_MAX    64 /* objects that one pair of looks gives */
#define CARVING_PAGES 32 /* of mimalloc */

/* A page of mimalloc, of which all blocks from number @from on are free. */
struct carving_page {
	uint64_t head, start;
	uint32_t size, from;
};

struct carving {
	uint64_t pool[HEAP_CLASSES]; /* 0 = none */
	uint32_t next[HEAP_CLASSES]; /* offset of the first block that was never handed out */
	struct carving_page page[CARVING_PAGES];
	size_t n;    /* pages */
	size_t turn; /* segments of mimalloc looked at so far; zero at first, kept by each look */
};

struct carved {
	uint64_t addr, type;
	int cls;
	bool is_fixed; /* no assignment to __class__ can have given it its type */
};

/* The first look. -ENODATA: the pools cannot be read so (another allocator, debug hooks). */
int carving_begin(struct heap *h, struct carving *out);
/* The second look: objects in blocks carved since; each size class gets a fair part of the room.
 * Left out is what may be no object, does not fill its block, or has gone. Returns their number. */
size_t carving_end(struct heap *h, const struct carving *c, struct carved *out, size_t max);

#endif
