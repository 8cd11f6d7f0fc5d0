/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Streams every live block of the heap to a visitor: only a window of memory is kept, and the
 * addresses of tracked objects outside of pools. The target runs meanwhile. */
#ifndef PYLEAK_HEAP_WALK_H
#define PYLEAK_HEAP_WALK_H

#include "heap/heap.h"

enum heap_place {
	HEAP_POOL,   /* pymalloc */
	HEAP_GC,     /* elsewhere, found through a list of the garbage collector */
	HEAP_CHUNK,  /* a glibc chunk that no list names */
	HEAP_STATIC, /* CPython's own data */
	HEAP_MIMALLOC,
};

/* One live block as it was read. */
struct heap_block {
	uint64_t addr, bytes; /* start; what the allocator set aside (POOL: the class's size) */
	uint64_t object,
		type;	     /* the object in it, behind pre-header and GC head; 0, 0 = a buffer */
	const uint8_t *data; /* content of [addr, addr + have); valid during the call */
	size_t have;	     /* <= bytes; all of it with HEAP_WALK_DATA up to HEAP_WINDOW */
	enum heap_place place;
	bool tracked; /* linked into a GC list, not merely of a type that can be */

	/* The window that was read with it, and what this room knows of the type. */
	const uint8_t *win;
	uint64_t win_addr;
	size_t win_len;
	const struct heap_type *facts;
};

#ifndef HEAP_WINDOW
#define HEAP_WINDOW (1u << 20)
#endif

/* Non-zero ends the walk and is returned by it. */
typedef int (*heap_visit)(const struct heap_block *b, void *ctx);

#define HEAP_LEAST_CHUNKS 64 /* of malloc: a Python that has done nothing yet has twice as many */
struct heap_walk_stats {
	uint64_t empty_arenas;		    /* arenas without a block in use */
	uint64_t arenas, pools, free_pools; /* pools: with blocks in use */
	uint64_t arena_bytes;
	uint64_t blocks, objects, tracked;    /* visited, all places */
	uint64_t block_bytes;		      /* of the visited blocks */
	uint64_t pool_blocks, pool_bytes;     /* in pools, free-list objects left out */
	uint64_t pool_free_bytes;	      /* free or never carved, in pools in use */
	uint64_t freelist_blocks;	      /* dead objects that CPython keeps for reuse */
	uint64_t gc_outside, chunks, statics; /* visited, by place */
	uint64_t torn;	     /* pools and lists that changed while they were read, after retries */
	uint64_t retried;    /* pools read again */
	uint64_t unreadable; /* pools and objects that could not be read */
	uint64_t cut;	     /* list nodes not followed: more than such a process can have */
	uint64_t types_left_out; /* words that would be one more type than are kept */
	uint64_t unsearched;	 /* times that looking for chunks among other memory was given up */
	uint64_t bytes_read;
};

enum {
	HEAP_WALK_DATA = 1,  /* blocks outside pools: their content too, not only the beginning */
	HEAP_WALK_POOLS = 2, /* pools only */
};

/* Visits arenas by address, pool by pool; then objects of GC lists outside of pools; then chunks.
 * Dead objects in CPython's per-type free lists are counted, not visited. */
int heap_walk(struct heap *h, unsigned flags, heap_visit visit, void *ctx,
	      struct heap_walk_stats *out);

#endif
