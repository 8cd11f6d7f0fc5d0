/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The state of a walk, shared by the files that do its parts. */
#ifndef PYLEAK_HEAP_WALK_PRIV_H
#define PYLEAK_HEAP_WALK_PRIV_H

#include "base/map64.h"
#include "heap/inside.h"
#include "heap/walk.h"

#define WALK_NO_TYPES 4096	 /* power of two: words that turned out to be no type */
#define WALK_RECENT   256	 /* power of two: types of the last objects */
#define WALK_NEAR     256	 /* power of two: arenas found lately, by address */
#define WALK_HEADS    1024	 /* most heads of GC lists */
#define WALK_TYPES    (1u << 17) /* kept: some 200 bytes each */

/* Allocated one by one, so that pointers to one stay valid while others come. */
struct walk_type {
	struct heap_type *facts;
};

struct walk {
	struct heap *h;
	unsigned flags;
	heap_visit visit;
	void *ctx;
	struct heap_walk_stats *st;
	uint8_t *win; /* HEAP_WINDOW bytes of the target */
	uint64_t win_addr;
	size_t win_len; /* valid in it */
	uint64_t tcache_key;
	uint64_t brk_start, brk_end; /* 0, 0 = above 4 GiB */

	/* Types met in this walk: a map keeps all, as they are looked up for each block. */
	struct map64 type_index; /* address -> index + 1 */
	VEC(struct walk_type) type;
	const struct heap_type *recent[WALK_RECENT];
	uint64_t no_type[WALK_NO_TYPES];

	/* GC heads outside of pools: seen ones, and those whose objects are to be visited. */
	struct map64 seen;
	VEC(uint64_t) todo;
	size_t max_seen;
	uint32_t near_arena[WALK_NEAR];

	/* The watcher is told when these are reached. */
	uint64_t tell_blocks, tell_bytes;
	/* bytes that there may be; bytes visited outside of arenas */
	uint64_t all_bytes, outside_bytes;
};

/* Facts about the type at @addr, or NULL. Valid during the walk. */
const struct heap_type *walk_type(struct walk *w, uint64_t addr);
/* The same for a type that was met before; never reads. */
const struct heap_type *walk_known_type(const struct walk *w, uint64_t addr);

/* The object in a block. */
struct walk_found {
	uint64_t object; /* offset from the start of the block */
	const struct heap_type *type;
	bool dead; /* an object that CPython keeps for reuse */
};
bool walk_find_object(struct walk *w, const uint8_t *p, size_t have, uint64_t bytes, bool small,
		      struct walk_found *out);

/* The end of the arena that @addr is in, 0 = none. Faster than heap_in_arena() for neighbours. */
uint64_t walk_arena_end(struct walk *w, uint64_t addr);
static inline bool walk_in_arena(struct walk *w, uint64_t addr)
{
	return walk_arena_end(w, addr);
}
/* Tells the watcher how far the walk is, if it is time. */
int walk_tell_now(struct walk *w);
static inline int walk_tell(struct walk *w)
{
	return w->st->blocks < w->tell_blocks && w->st->bytes_read < w->tell_bytes
		       ? 0
		       : walk_tell_now(w);
}
/* Counts and visits a block. @found: NULL for a buffer. */
int walk_visit(struct walk *w, struct heap_block *b, const struct walk_found *found);

int walk_pools(struct walk *w);
int walk_mimalloc(struct walk *w);
/* Notes the heads of all lists. */
void walk_gc_begin(struct walk *w);
/* Notes the successor of a GC head, if it is outside of pools. */
void walk_gc_link(struct walk *w, uint64_t next);
int walk_gc_outside(struct walk *w);
/* The size of a block outside of pools that holds a tracked object of @t. @before: bytes before its
 * GC head; @items: its ob_size, or the bytes of the slots behind it; @header: the word in front of
 * the block. That is glibc's if it fits the object: in an arena newer than the walk, and with
 * another malloc, it is the end of something else. */
uint64_t walk_outside_bytes(const struct heap_type *t, uint64_t before, uint64_t items,
			    uint64_t header);
int walk_chunks(struct walk *w);

#endif
