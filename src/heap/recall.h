/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Remembers what pools had when they were last read: those swapped out still have it. */
#ifndef PYLEAK_HEAP_RECALL_H
#define PYLEAK_HEAP_RECALL_H

#include "base/base.h"

#define RECALL_POOLS 128 /* of an arena, most: of 2 MiB in pools of 16 KiB */

struct recall_pool {
	uint16_t live;
	uint16_t late; /* live blocks that were there before the pool could be read */
	uint8_t cls;
};

struct recall_arena {
	uint64_t start, pools_end; /* this and free_pools: of the census before */
	uint32_t free_pools;
	uint32_t calm; /* censuses that saw no change of it */
	struct recall_pool pool[RECALL_POOLS];
};

/* The arenas of the last census, by address. */
struct recall {
	VEC(struct recall_arena) arena, before;
	size_t at;
};

/* Begins a census of @n arenas. False: out of memory. */
bool recall_begin(struct recall *r, size_t n);
/* The arena at @start, which come in order. Valid until the next census begins. */
struct recall_arena *recall_next(struct recall *r, uint64_t start);
void recall_free(struct recall *r);

/* Notes what was read of a pool. */
void recall_note(struct recall_pool *p, uint32_t cls, uint32_t live);
/* Notes that a pool cannot be read. False: it never could, and what it has is not known. */
bool recall_missed(struct recall_pool *p);

#endif
