/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells whether a block of glibc's malloc is in use, from its chunk's header and from what free
 * lists write into a freed chunk (malloc/malloc.c). Blocks of another malloc fail the size check,
 * which reads as "not in use". */
#include "heap/inside.h"

#define PREV_INUSE  1ull
#define IS_MMAPPED  2ull
#define FLAG_BITS   7ull
#define PAGE_MASK   4095ull
#define MIN_CHUNK   32
#define FASTBIN_MAX 128
#define TCACHE_SIZE 4096 /* most bytes of the struct: 592 from 2.30 on, more in 2.42 */
#define TCACHE_MAX  1040
#define HEAP_READ   (512u << 10) /* bytes of the brk heap: enough to meet some freed chunks */
#define KEY_VOTES   3
#define KEY_NS	    1000000000ull /* time until the key is looked for again */

struct chunk {
	uint64_t prev_size, size, user[2];
};

struct votes {
	uint64_t key[32];
	unsigned count[32];
	size_t n;
};

static const struct proc_map *brk_heap(const struct proc *p)
{
	for (size_t i = 0; i < p->n_maps; i++)
		if (!strcmp(p->maps[i].path, "[heap]"))
			return &p->maps[i];
	return NULL;
}

/* Counts a vote for @key; true when it has enough. */
static bool vote(struct votes *v, uint64_t key)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->key[i] == key)
			return ++v->count[i] >= KEY_VOTES;
	if (v->n < ARRAY_SIZE(v->key)) {
		v->key[v->n] = key;
		v->count[v->n++] = 1;
	}
	return false;
}

/* Finds the key in the main thread's tcache, which is the first chunk of the brk heap up to 2.42:
 * all chunks that it lists have the key. */
static uint64_t key_from_lists(const struct proc *p, const uint8_t *heap, size_t len)
{
	uint64_t size = heap_u64(heap + 8) & ~FLAG_BITS, at, key;
	struct votes v = {0};

	if (size < MIN_CHUNK || size > TCACHE_SIZE || size > len)
		return 0;
	for (size_t i = 16; i + 8 <= size; i += 8) {
		at = heap_u64(heap + i);
		if (heap_is_pointer(at) && !(at & 15) && !proc_read_u64(p, at + 8, &key) && key &&
		    vote(&v, key))
			return key;
	}
	return 0;
}

/* Finds the key in chunks whose first word is a sound link: the second is one number, no pointer.
 */
static uint64_t key_from_chunks(const uint8_t *heap, uint64_t start, size_t len)
{
	struct votes v = {0};
	uint64_t size;

	for (size_t at = 0; at + MIN_CHUNK <= len; at += size) {
		uint64_t ptr = start + at + 16, next, key;

		size = heap_u64(heap + at + 8) & ~FLAG_BITS;
		if (size < MIN_CHUNK || (size & 15) || size > len - at)
			break;
		next = heap_u64(heap + at + 16) ^ (ptr >> 12);
		key = heap_u64(heap + at + 24);
		if (size > TCACHE_MAX || !(key >> 48) || (next & 15))
			continue;
		if (next && (next < start + 16 || next - start > len ||
			     (heap_u64(heap + (next - start) - 8) & ~FLAG_BITS) != size))
			continue;
		if (vote(&v, key))
			return key;
	}
	return 0;
}

/* Finds the key, which is the second word of each chunk in a tcache: a random number of the process
 * from 2.34 on, the address of the thread's tcache before. */
static void find_key(struct heap *h)
{
	const struct proc *p = h->rt->proc;
	const struct proc_map *m = brk_heap(p);
	auto_free uint8_t *heap = NULL;
	size_t len;

	h->key_ns = clock_ns();
	if (!m)
		return;
	len = m->end - m->start < HEAP_READ ? (size_t)(m->end - m->start) : HEAP_READ;
	heap = malloc(len);
	if (!heap || len < TCACHE_SIZE || proc_read_sparse(p, m->start, heap, len))
		return;
	h->tcache_key = key_from_lists(p, heap, len);
	if (!h->tcache_key)
		h->tcache_key = key_from_chunks(heap, m->start, len);
}

uint64_t heap_tcache_key(struct heap *h)
{
	if (!h->tcache_key && clock_ns() - h->key_ns > KEY_NS)
		find_key(h);
	return h->tcache_key;
}

bool heap_in_fastbin(const struct heap *h, uint64_t ptr, uint64_t first, uint64_t have)
{
	/* from 2.32 on a link is xored with its own address, shifted by a page */
	uint64_t next = first ^ (ptr >> 12), size;

	if (have > FASTBIN_MAX)
		return false;
	if (!next)
		return true; /* last of its list */
	/* fastbins link headers of chunks of one size */
	return !(next & 15) && next >= 0x10000 && next < 1ull << 47 &&
	       !proc_read_u64(h->rt->proc, next + 8, &size) && (size & ~FLAG_BITS) == have;
}

/* Is it a mapped chunk? Only munmap frees one, so a readable one is in use. It has whole pages with
 * the header, which 2.43 no longer counts. An aligned one has prev_size unused bytes in front. */
static bool is_mapped_chunk(uint64_t ptr, const struct chunk *c, uint64_t have, uint64_t size)
{
	uint64_t end = (have + c->prev_size) & PAGE_MASK;

	if ((end && end != PAGE_MASK + 1 - 16) || ((ptr - 16 - c->prev_size) & PAGE_MASK))
		return false;
	have -= end ? 0 : 16;
	return have >= size && (c->prev_size || have - size < 2 * (PAGE_MASK + 1));
}

/* Is it free in a tcache or fastbin? Those leave the in-use bit of the next chunk set. */
static bool is_cached_free(struct heap *h, uint64_t ptr, const struct chunk *c, uint64_t have)
{
	return (heap_tcache_key(h) && c->user[1] == h->tcache_key) ||
	       heap_in_fastbin(h, ptr, c->user[0], have);
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
		return is_mapped_chunk(ptr, &c, have, size);
	need = (size + 8 + 15) & ~15ull;
	if (need < MIN_CHUNK)
		need = MIN_CHUNK;
	/* a rest smaller than a chunk stays with the block */
	if ((have & 15) || have < need || have - need >= MIN_CHUNK)
		return false;
	if (proc_read_u64(p, ptr - 16 + have + 8, &next) || !(next & PREV_INUSE))
		return false;
	return !is_cached_free(h, ptr, &c, have);
}
