/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* glibc's malloc seen from outside: is a block still in use? Judged by the chunk headers and by the
 * links that the free lists write into a freed chunk (malloc/malloc.c). Any other malloc fails the
 * size check, which reads as "not in use". */
#include "heap/heap_priv.h"

#define PREV_INUSE 1ull
#define IS_MMAPPED 2ull
#define FLAG_BITS  7ull
#define MIN_CHUNK  32
#define TCACHE_MAX 1040 /* biggest chunk that tcache holds by default */

struct chunk {
	uint64_t prev_size, size, user[2];
};

/* tcache and fastbins leave the in-use bit of the next chunk set. From glibc 2.32 on their links
 * are xored with the address they lie at, shifted by a page; a live block holds such a word by
 * chance only. */
static bool linked_as_free(const struct proc *p, uint64_t ptr, const struct chunk *c)
{
	const struct proc_map *here, *there;
	uint64_t next = c->user[0] ^ (ptr >> 12);

	if (!next)
		return true; /* the last of its list */
	if ((next & 15) || next < 0x10000 || next >= 1ull << 47)
		return false;
	here = proc_find_map(p, ptr);
	there = proc_find_map(p, next);
	return here && there && there->writable && !there->path[0] == !here->path[0];
}

/* Before 2.32 the links are plain; the second word of a chunk in the main thread's tcache is then
 * the address of that tcache: the first block of the heap. */
static bool keyed_as_free(const struct proc *p, const struct chunk *c)
{
	const struct proc_map *m = proc_find_map(p, c->user[1]);

	return m && !strcmp(m->path, "[heap]") && c->user[1] == m->start + 16;
}

bool heap_chunk_in_use(struct heap *h, uint64_t ptr, uint64_t size)
{
	const struct proc *p = h->rt->proc;
	uint64_t need, have, next;
	struct chunk c;

	if ((ptr & 15) || ptr < 0x10000 || size > 1ull << 46 ||
	    proc_read(p, ptr - 16, &c, sizeof(c)))
		return false;
	have = c.size & ~FLAG_BITS;
	if (c.size & IS_MMAPPED)
		/* Nothing but munmap frees it: readable is alive. Whole pages, header included. */
		return !((have + c.prev_size) & 0xfff) && !((ptr - 16 - c.prev_size) & 0xfff) &&
		       have >= size + 16 && have - size < 2 * 4096 + c.prev_size;
	need = (size + 8 + 15) & ~15ull;
	if (need < MIN_CHUNK)
		need = MIN_CHUNK;
	/* A rest smaller than a chunk stays with the block. */
	if ((have & 15) || have < need || have - need >= MIN_CHUNK)
		return false;
	if (proc_read_u64(p, ptr - 16 + have + 8, &next) || !(next & PREV_INUSE))
		return false;
	if (have <= TCACHE_MAX && (linked_as_free(p, ptr, &c) || keyed_as_free(p, &c)))
		return false;
	return true;
}
