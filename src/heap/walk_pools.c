/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Visits live blocks of pymalloc: those carved from a pool that are not on its free list. */
#include "heap/walk_priv.h"

#define MAX_POOL   16384
#define MAX_BLOCKS ((MAX_POOL - HEAP_POOL_HEAD) / 16)
#define RETRIES	   3

struct pool {
	uint64_t addr;
	const uint8_t *data;
	uint32_t live, size, n; /* blocks in use as the header says; of a block; carved so far */
	uint32_t n_free;
	uint64_t free[(MAX_BLOCKS + 63) / 64];
};

enum pool_state { POOL_GOOD, POOL_EMPTY, POOL_RACED, POOL_NONSENSE };

static uint32_t word32(const uint8_t *p, size_t off)
{
	uint32_t v;

	memcpy(&v, p + off, 4);
	return v;
}

/* Marks free blocks: each in the pool, at a block's start, there once; a list that loops ends. */
static bool follow_free(struct pool *p)
{
	uint64_t at = heap_u64(p->data + 8);

	while (at) {
		uint64_t off = at - p->addr - HEAP_POOL_HEAD, i;

		if (off >= (uint64_t)p->n * p->size || (uint32_t)off % p->size)
			return false;
		i = (uint32_t)off / p->size;
		if (p->free[i / 64] & 1ull << (i % 64))
			return false;
		p->free[i / 64] |= 1ull << (i % 64);
		p->n_free++;
		at = heap_u64(p->data + HEAP_POOL_HEAD + off);
	}
	return p->n - p->n_free == p->live;
}

static enum pool_state understand(struct pool *p, uint32_t pool_size)
{
	uint32_t cls = word32(p->data, 36), next = word32(p->data, 40);

	p->live = word32(p->data, 0);
	p->n_free = 0;
	if (!p->live)
		return POOL_EMPTY;
	p->size = 16 * (cls + 1);
	if (cls >= HEAP_CLASSES || next < HEAP_POOL_HEAD + p->size || next > pool_size ||
	    (next - HEAP_POOL_HEAD) % p->size)
		return POOL_NONSENSE;
	p->n = (next - HEAP_POOL_HEAD) / p->size;
	memset(p->free, 0, sizeof(p->free));
	return follow_free(p) ? POOL_GOOD : POOL_RACED;
}

static int visit_block(struct walk *w, const struct pool *p, uint32_t i)
{
	uint32_t off = HEAP_POOL_HEAD + i * p->size;
	struct heap_block b = {.addr = p->addr + off,
			       .bytes = p->size,
			       .data = p->data + off,
			       .have = p->size,
			       .place = HEAP_POOL,
			       .win = w->win,
			       .win_addr = w->win_addr,
			       .win_len = w->win_len};
	struct walk_found f;

	if (!walk_find_object(w, b.data, b.have, b.bytes, true, &f))
		return walk_visit(w, &b, NULL);
	if (f.dead) {
		w->st->freelist_blocks++;
		return 0;
	}
	if (f.type->flags & TPF_HAVE_GC)
		walk_gc_link(w, heap_u64(b.data + f.object - 16));
	return walk_visit(w, &b, &f);
}

static int visit_pool(struct walk *w, const struct pool *p, uint32_t pool_size)
{
	uint64_t before = w->st->freelist_blocks, used = p->n - p->n_free;
	int err;

	w->st->pools++;
	for (uint32_t i = 0; i < p->n; i++) {
		if (p->free[i / 64] & 1ull << (i % 64))
			continue;
		err = visit_block(w, p, i);
		if (err)
			return err;
	}
	used -= w->st->freelist_blocks - before;
	w->st->pool_blocks += used;
	w->st->pool_bytes += used * p->size;
	w->st->pool_free_bytes += pool_size - used * p->size;
	return 0;
}

/* Visits a pool; one that changed while it was read is read again, alone. */
static int one_pool(struct walk *w, uint64_t addr, uint8_t *data, uint32_t pool_size)
{
	struct pool p = {.addr = addr, .data = data};
	enum pool_state s = understand(&p, pool_size);

	for (int i = 0; i < RETRIES && s > POOL_EMPTY; i++) {
		w->st->retried++;
		if (proc_read_sparse(w->h->rt->proc, addr, data, pool_size)) {
			w->st->unreadable++;
			return 0;
		}
		w->st->bytes_read += pool_size;
		s = understand(&p, pool_size);
	}
	if (s == POOL_EMPTY) {
		w->st->free_pools++;
		return 0;
	}
	/* still inconsistent: what the list says is nearer to the truth than nothing */
	w->st->torn += s != POOL_GOOD;
	return s == POOL_NONSENSE ? 0 : visit_pool(w, &p, pool_size);
}

/* Visits pools in [start, end), read at once. */
static int some_pools(struct walk *w, uint64_t start, uint64_t end)
{
	const struct proc *p = w->h->rt->proc;
	uint32_t pool_size = w->h->rt->layout.pool_size;
	bool whole = !proc_read_sparse(p, start, w->win, end - start);
	int err = 0;

	w->win_addr = start;
	w->win_len = whole ? end - start : 0;
	w->st->bytes_read += w->win_len;
	/* If some of it is swapped out, or the process has ended: pool by pool. */
	for (uint64_t at = start; at < end && !err; at += pool_size) {
		uint8_t *data = whole ? w->win + (at - start) : w->win;

		if (whole || !proc_read_sparse(p, at, data, pool_size))
			err = one_pool(w, at, data, pool_size);
		else
			w->st->unreadable++;
	}
	return err;
}

int walk_pools(struct walk *w)
{
	int err = heap_read_arenas(w->h);

	if (err)
		return err;
	for (size_t i = 0; i < w->h->arena.n; i++) {
		const struct heap_arena *a = &w->h->arena.v[i];
		uint64_t used = w->st->pools;

		w->st->arenas++;
		w->st->arena_bytes += w->h->rt->layout.arena_size;
		for (uint64_t at = a->start, to; at < a->pools_end; at = to) {
			to = a->pools_end - at > HEAP_WINDOW ? at + HEAP_WINDOW : a->pools_end;
			err = walk_tell(w);
			if (!err)
				err = some_pools(w, at, to);
			if (err)
				return err;
		}
		w->st->empty_arenas += w->st->pools == used;
	}
	return 0;
}
