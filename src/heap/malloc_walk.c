/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Walks an area of glibc's malloc, chunk by chunk. A chunk's size leads to the next one, whose
 * header says whether it is in use; what a thread's cache or a fastbin holds has other marks. */
#include "base/map64.h"
#include "heap/inside.h"
#include "heap/malloc.h"

#define PREV_INUSE   1ull
#define IS_MMAPPED   2ull
#define FLAG_BITS    7ull
#define FENCE	     16 /* the two headers at the end of a heap that is full */
#define TCACHE_MAX   1040
#define TCACHE_CHUNK 0x290 /* bytes of the struct of a thread's cache, 2.30 - 2.41 */
#define FASTBINS     10
#define STATE_FAST   0x10 /* malloc_state.fastbinsY */
#define WINDOW	     (64u << 10)
#define MAX_LIST     (1u << 20)
#define MAX_CACHES   4096

struct walker {
	struct heap *h;
	struct heap_malloc *m;
	const struct heap_area *a;
	struct map64 dead; /* chunks in fastbins */
	uint64_t win_start, win_len;
	uint8_t win[WINDOW];
};

/* The first 32 bytes of a chunk, from a window that moves along. */
static const uint8_t *head_at(struct walker *w, uint64_t at)
{
	uint64_t from = at & ~4095ull;

	if (span_has(w->win_start, w->win_start + w->win_len, at, 32))
		return w->win + (at - w->win_start);
	if (from < w->a->base)
		from = w->a->base;
	w->win_start = from;
	w->win_len = w->a->end - from < WINDOW ? w->a->end - from : WINDOW;
	if (proc_read_sparse(w->h->rt->proc, from, w->win, w->win_len)) {
		/* only what is needed: the heap may have shrunk behind it */
		w->win_start = at;
		w->win_len = 32;
		if (proc_read(w->h->rt->proc, at, w->win, 32)) {
			w->win_len = 0;
			return NULL;
		}
	}
	return span_has(w->win_start, w->win_start + w->win_len, at, 32)
		       ? w->win + (at - w->win_start)
		       : NULL;
}

/* Decodes a link: from 2.32 on it is xored with its own address, shifted by a page. */
static uint64_t unmangle(const struct walker *w, uint64_t at, uint64_t link)
{
	uint64_t plain = link ^ (at >> 12);

	if (!link)
		return 0;
	return link >= w->a->base && link < w->a->end && !(link & 15) ? link : plain;
}

/* Collects chunks in fastbins. Bounded by their greatest number, and by what was seen before. */
static void take_fastbins(struct walker *w)
{
	const struct proc *p = w->h->rt->proc;
	uint64_t first[FASTBINS];
	size_t n = 0;

	if (!w->a->state || proc_read(p, w->a->state + STATE_FAST, first, sizeof(first)))
		return;
	for (size_t i = 0; i < FASTBINS; i++)
		for (uint64_t at = first[i]; at && !(at & 15) && n < MAX_LIST; n++) {
			uint64_t word[3], *seen;

			if (proc_read(p, at, word, sizeof(word)) ||
			    (word[1] & ~FLAG_BITS) != 32 + 16 * i)
				break;
			seen = map64_put(&w->dead, at);
			if (!seen || *seen)
				break;
			*seen = 1;
			at = unmangle(w, at + 16, word[2]);
		}
}

static bool is_key(const struct walker *w, uint64_t key)
{
	return key && (key == w->m->tcache_key || map64_get(&w->m->cache, key));
}

/* Is a chunk that the next one calls used in a cache or fastbin? @key: the block's second word. */
static bool is_cached(const struct walker *w, const struct heap_chunk *c, uint64_t key)
{
	return map64_get(&w->dead, c->start) || (c->size <= TCACHE_MAX && is_key(w, key));
}

static void note_cache(struct walker *w, const struct heap_chunk *c)
{
	if (c->size == TCACHE_CHUNK && w->m->cache.n < MAX_CACHES)
		map64_put(&w->m->cache, c->start + 16);
}

static int step(struct walker *w, struct heap_chunk *c, uint64_t key, heap_chunk_visit visit,
		void *ctx)
{
	w->m->chunks++;
	if (c->state == HEAP_CHUNK_USED) {
		note_cache(w, c);
		if (is_cached(w, c, key))
			c->state = HEAP_CHUNK_CACHED;
	}
	return visit(c, ctx);
}

static int follow(struct walker *w, heap_chunk_visit visit, void *ctx, uint64_t *stop)
{
	struct heap_chunk last = {0};
	uint64_t at = w->a->start, key = 0;
	int err = 0;

	while (!err && at + 16 <= w->a->end) {
		const uint8_t *head = at + 32 <= w->a->end ? head_at(w, at) : NULL;
		uint64_t size, word = head ? heap_u64(head + 8) : 0;

		size = word & ~FLAG_BITS;
		if (last.size) {
			/* a heap ends with two headers and nothing else */
			if (!(word & PREV_INUSE) && head)
				last.state = HEAP_CHUNK_FREE;
			err = step(w, &last, key, visit, ctx);
			last.size = 0;
			if (err)
				break;
		}
		if (!head || size < FENCE || (size & 15) || size > w->a->end - at)
			break;
		if (size > FENCE)
			last = (struct heap_chunk){at, size, HEAP_CHUNK_USED, w->a->main, false};
		key = heap_u64(head + 24);
		at += size;
	}
	if (!err && last.size) {
		/* nothing follows: it is the rest of the arena */
		last.state = HEAP_CHUNK_TOP;
		err = step(w, &last, 0, visit, ctx);
	}
	/* headers without chunks at the very end */
	*stop = w->a->end - at <= 2 * FENCE ? w->a->end : at;
	return err;
}

int heap_malloc_walk(struct heap *h, struct heap_malloc *m, const struct heap_area *a,
		     heap_chunk_visit visit, void *ctx, uint64_t *stop)
{
	struct walker *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return fail(-ENOMEM, "out of memory");
	w->h = h;
	w->m = m;
	w->a = a;
	if (!m->tcache_key)
		m->tcache_key = heap_tcache_key(h);
	take_fastbins(w);
	err = follow(w, visit, ctx, stop);
	m->broken += *stop < a->end;
	map64_free(&w->dead);
	free(w);
	return err;
}

uint64_t heap_mapped_chunk(struct heap *h, uint64_t at, uint64_t end)
{
	uint64_t head[2], size;

	if (end - at < 4096 || proc_read(h->rt->proc, at, head, sizeof(head)))
		return 0;
	size = head[1] & ~FLAG_BITS;
	/* 2.43 no longer counts the header in the size; memory aligned for the caller has a piece
	 * in front, whose size is the first word. */
	if ((head[1] & FLAG_BITS) != IS_MMAPPED || head[0] || size < 4096 - 16)
		return 0;
	size = (size + 4095) & ~4095ull;
	return size <= end - at ? size : 0;
}
