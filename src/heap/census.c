/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts live blocks per size class, from pool headers alone: 40 bytes of every 16 KiB are read. */
#include "base/thread.h"
#include "heap/inside.h"
#include "heap/mimalloc.h"

#define BATCH	  1024 /* headers that are read together, each a small read */
#define HEAD_READ 40   /* up to and with szidx; the header has 48 bytes */

struct batch {
	struct proc_req req[BATCH];
	struct recall_pool *pool[BATCH];
	struct recall_arena *arena[BATCH]; /* arena of each pool */
	uint32_t head[BATCH][HEAD_READ / 4];
	size_t n;
	int64_t live[HEAP_CLASSES];
};

static void count_pool(const struct heap *h, const uint32_t *head, struct recall_pool *pool,
		       struct heap_census *out)
{
	uint32_t live = head[0], cls = head[9];

	out->pools++;
	if (!live) { /* on the arena's list of free pools, or just carved */
		recall_note(pool, 0, 0);
		return;
	}
	/* between taking a pool and setting its class, the header may have an older class: for an
	 * instant the count is too high for it, or off by one pool */
	if (cls >= HEAP_CLASSES ||
	    live > (h->rt->layout.pool_size - HEAP_POOL_HEAD) / (16 * (cls + 1))) {
		out->torn++;
		return;
	}
	recall_note(pool, cls, live);
}

static void add(struct batch *b, const struct recall_pool *p)
{
	if (p->cls < HEAP_CLASSES)
		b->live[p->cls] += (int64_t)p->live - p->late;
}

static void flush(const struct heap *h, struct batch *b, struct heap_census *out)
{
	proc_read_many(h->rt->proc, b->req, b->n);
	for (size_t i = 0; i < b->n; i++) {
		struct recall_pool *p = b->pool[i], before = *p;
		uint64_t torn = out->torn;

		if (b->req[i].ok)
			count_pool(h, b->head[i], p, out);
		else if (!b->req[i].swapped)
			out->torn++; /* the arena was unmapped meanwhile */
		else if (recall_missed(p))
			out->pools++;
		else
			out->swapped++;
		if (out->torn == torn)
			add(b, p);
		if (p->live != before.live || p->cls != before.cls || out->torn != torn)
			b->arena[i]->calm = 0;
	}
	b->n = 0;
}

uint64_t heap_live_bytes(const struct heap_census *c)
{
	uint64_t sum = c->big_bytes;

	for (unsigned k = 0; k < HEAP_CLASSES; k++)
		sum += c->live[k] * 16 * (k + 1);
	return sum;
}

/* One header in so many is to be read: the fewer, the longer nothing has changed. A power of two,
 * so that each header's turn comes within HEAP_TURN censuses, however it grows. */
static unsigned part_to_read(struct recall_arena *r, const struct heap_arena *a)
{
	unsigned part = 1;

	if (r->pools_end != a->pools_end || r->free_pools != a->free_pools)
		r->calm = 0;
	r->pools_end = a->pools_end;
	r->free_pools = a->free_pools;
	while (part < HEAP_TURN && 2 * part <= r->calm + 1)
		part *= 2;
	r->calm += r->calm < HEAP_TURN;
	return part;
}

/* Takes a census. @turn: 0 = all headers are read. */
static int census(struct heap *h, unsigned turn, struct heap_census *out)
{
	auto_free struct batch *b = NULL;
	uint64_t start = thread_cpu_ns();
	int err;

	memset(out, 0, sizeof(*out));
	if (h->mi)
		return heap_mi_census(h, out);
	if (!heap_has_pools(h))
		return fail(-ENODATA, "this Python has no pymalloc pools to count");
	err = heap_read_arenas(h);
	if (err)
		return err;
	b = calloc(1, sizeof(*b));
	if (!b)
		return fail(-ENOMEM, "out of memory");
	if (!recall_begin(&h->recall, h->arena.n))
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < h->arena.n; i++) {
		const struct heap_arena *a = &h->arena.v[i];
		struct recall_arena *r = recall_next(&h->recall, a->start);
		unsigned part = part_to_read(r, a);

		out->arenas++;
		out->arena_bytes += h->rt->layout.arena_size;
		for (uint64_t k = 0, pool = a->start; pool < a->pools_end && k < RECALL_POOLS;
		     k++, pool += h->rt->layout.pool_size) {
			struct recall_pool *p = &r->pool[k];

			if (turn && (k + turn) % part && p->cls < HEAP_CLASSES) {
				out->pools++;
				add(b, p);
				continue;
			}
			b->pool[b->n] = p;
			b->arena[b->n] = r;
			b->req[b->n] =
				(struct proc_req){pool, b->head[b->n], HEAD_READ, false, false};
			if (++b->n < BATCH)
				continue;
			flush(h, b, out);
			err = heap_tell(h, "counting blocks", 0);
			if (err)
				return err;
		}
	}
	flush(h, b, out);
	for (unsigned k = 0; k < HEAP_CLASSES; k++)
		out->live[k] = b->live[k] > 0 ? (uint64_t)b->live[k] : 0;
	out->t_ns = clock_ns();
	out->cost_ns = thread_cpu_ns() - start;
	return 0;
}

int heap_census(struct heap *h, struct heap_census *out)
{
	return census(h, 0, out);
}

int heap_census_in_turn(struct heap *h, struct heap_census *out)
{
	return census(h, ++h->turn, out);
}
