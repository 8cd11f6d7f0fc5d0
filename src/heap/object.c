/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads many objects at nearly the same moment: first a window around each, then what their kinds
 * ask for, round by round, all objects together. Each read is a system call. */
#include "heap/inside.h"

#ifndef HEAP_GROUP
#define HEAP_GROUP 256 /* objects in flight: about 300 KiB */
#endif
#define PAGE_MASK 4095ull

struct heap_group {
	struct heap_work work[HEAP_GROUP];
	struct proc_req req[HEAP_GROUP * HEAP_REQS];
	bool *ok[HEAP_GROUP * HEAP_REQS];
	struct heap_object *of[HEAP_GROUP * HEAP_REQS];
	size_t n;
};

bool work_has(const struct heap_work *w, int64_t off, size_t len)
{
	return span_has_off(w->lo, w->hi, off, len);
}

uint64_t work_u64(const struct heap_work *w, int64_t off)
{
	return work_has(w, off, 8) ? heap_u64(w->win + WIN_BEFORE + off) : 0;
}

uint8_t work_u8(const struct heap_work *w, int64_t off)
{
	return work_has(w, off, 1) ? w->win[WIN_BEFORE + off] : 0;
}

void work_want(struct heap_work *w, uint64_t addr, void *buf, size_t len, bool *ok)
{
	if (w->reqs < HEAP_REQS && len && addr >= 0x10000 && addr < 1ull << 47)
		w->req[w->reqs++] = (struct work_req){addr, buf, ok, (uint32_t)len};
}

uint64_t heap_mix(uint64_t seed, uint64_t v)
{
	uint64_t x = (seed ^ v) * 0x9e3779b97f4a7c15ull;

	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	return x ^ (x >> 29);
}

/* Without a GIL (Include/object.h, refcount.h): the owner's count, and that of all other threads
 * with two bits of flags below. Either may be 0 and the second less, their sum not. A deferred
 * count (functions, modules, types) has a large number added. The first word is the owning thread,
 * or what the collector needs meanwhile. */
#define GC_TRACKED   1
#define GC_FINALIZED 2
#define GC_DEFERRED  64
#define MUTEX_BITS   3
static bool counts_plausible(const struct py_layout *l, const uint8_t *p, bool *immortal)
{
	uint32_t local;
	int64_t shared, sum;

	memcpy(&local, p + l->ob_ref_local, 4);
	memcpy(&shared, p + l->ob_ref_shared, 8);
	/* The collector counts down in it, below zero for those it has not counted up yet. */
	if ((heap_u64(p) >> 47 && ~heap_u64(p) >> 47) || p[l->ob_gc_bits - 1] & ~MUTEX_BITS)
		return false;
	*immortal = local == UINT32_MAX;
	sum = (int64_t)local + (shared >> 2);
	return *immortal || (p[l->ob_gc_bits] & GC_DEFERRED) || (sum > 0 && sum < 1ll << 40);
}

bool heap_ref_plausible(const struct py_runtime *rt, const uint8_t *p, bool *immortal)
{
	*immortal = false;
	return rt->free_threaded ? counts_plausible(&rt->layout, p, immortal)
				 : heap_count_plausible(rt, heap_u64(p), immortal);
}

/* Has it a plausible count? In a program at low addresses a pointer into its static data looks like
 * a count: memory of C code may begin with one where an object died, whose type is still behind it.
 */
static bool is_counted(const struct heap *h, const uint8_t *p, bool *immortal)
{
	return heap_ref_plausible(h->rt, p, immortal) &&
	       (h->rt->free_threaded || heap_u64(p) & 7 || !heap_in_static(h, heap_u64(p)));
}

bool heap_is_tracked(const struct py_runtime *rt, const struct heap_type *t, const uint8_t *p)
{
	if (!(t->flags & TPF_HAVE_GC))
		return false;
	return rt->free_threaded ? p[rt->layout.ob_gc_bits] & GC_TRACKED : heap_u64(p - 16) != 0;
}

static bool is_finalized(const struct py_runtime *rt, const struct heap_type *t, const uint8_t *p)
{
	if (!(t->flags & TPF_HAVE_GC))
		return false;
	return rt->free_threaded ? p[rt->layout.ob_gc_bits] & GC_FINALIZED : heap_u64(p - 8) & 1;
}

/* Reads what is in the object's own page, if the window crosses into a page that is not there. */
static bool read_own_page(const struct proc *p, struct heap_work *w)
{
	uint64_t a = w->o->addr, page = a & ~PAGE_MASK;
	int err;

	w->lo = a - page < WIN_BEFORE ? -(int)(a - page) : -WIN_BEFORE;
	w->hi = page + PAGE_MASK + 1 - a < WIN_AFTER ? (int)(page + PAGE_MASK + 1 - a) : WIN_AFTER;
	err = proc_read(p, a + (uint64_t)(int64_t)w->lo, w->win + WIN_BEFORE + w->lo,
			(size_t)(w->hi - w->lo));
	w->o->swapped = err == -ENODATA;
	if (err)
		return false;
	if (w->hi < WIN_AFTER) {
		err = proc_read(p, a + (uint64_t)w->hi, w->win + WIN_BEFORE + w->hi,
				(size_t)(WIN_AFTER - w->hi));
		w->hi = err ? w->hi : WIN_AFTER;
	}
	w->o->swapped = err == -ENODATA; /* if the object reaches so far: check() */
	return w->hi >= HEAP_HEAD_MAX;
}

static void read_windows(struct heap *h, struct heap_group *g)
{
	for (size_t i = 0; i < g->n; i++) {
		struct heap_work *w = &g->work[i];

		w->lo = -WIN_BEFORE;
		w->hi = WIN_AFTER;
		g->req[i] =
			(struct proc_req){w->o->addr - WIN_BEFORE, w->win, WIN_SIZE, false, false};
	}
	proc_read_many(h->rt->proc, g->req, g->n);
	for (size_t i = 0; i < g->n; i++)
		if (!g->req[i].ok && !read_own_page(h->rt->proc, &g->work[i]))
			g->work[i].o->addr = 0;
}

/* Checks that the object is still there, and of its type. */
static void check(struct heap *h, struct heap_work *w)
{
	struct heap_object *o = w->o;
	const struct heap_type *t = &w->t;

	if (!o->addr)
		return;
	if (work_u64(w, h->rt->layout.ob_type) != o->type ||
	    !is_counted(h, w->win + WIN_BEFORE, &o->immortal) ||
	    !heap_type_get(h, o->type, &w->t)) {
		o->swapped = t->is_swapped;
		o->addr = 0;
		return;
	}
	o->swapped = o->swapped && t->basicsize > w->hi;
	/* untracked (a dict or tuple of atoms): can be in no cycle, waits for no collection */
	o->gc = heap_is_tracked(h->rt, t, w->win + WIN_BEFORE);
	o->is_finalized = is_finalized(h->rt, t, w->win + WIN_BEFORE);
	if (o->addr >= h->static_start && o->addr < h->static_end)
		o->immortal = o->is_static = true;
}

/* Does one round of reads for all objects of the group. False when none wanted anything. */
static bool one_round(struct heap *h, struct heap_group *g, enum heap_depth depth)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		struct heap_work *w = &g->work[i];

		w->reqs = 0;
		if (!w->o->addr || !heap_step(h, w, depth))
			continue;
		for (unsigned k = 0; k < w->reqs; k++, n++) {
			const struct work_req *r = &w->req[k];

			g->req[n] = (struct proc_req){r->addr, r->buf, r->len, false, false};
			g->ok[n] = r->ok;
			g->of[n] = w->o;
		}
	}
	if (!n)
		return false;
	proc_read_many(h->rt->proc, g->req, n);
	for (size_t i = 0; i < n; i++) {
		struct proc_req *r = &g->req[i];
		uint64_t rest = 4096 - (r->addr & PAGE_MASK);

		*g->ok[i] = r->ok;
		g->of[i]->swapped |= r->swapped;
		/* more was asked for than there is: the end of a mapping's last page */
		if (!r->ok && rest < r->len && rest >= 16) {
			memset(r->buf, 0, r->len);
			*g->ok[i] = !proc_read(h->rt->proc, r->addr, r->buf, rest);
		}
	}
	return true;
}

bool heap_is_gone(const struct heap *h)
{
	return proc_memory_gone(h->rt->proc);
}

size_t heap_read_objects(struct heap *h, struct heap_object *v, size_t n, enum heap_depth depth)
{
	struct heap_group *g = h->group ? h->group : malloc(sizeof(*g));
	size_t good = 0;

	h->group = g;
	h->now_ns = clock_ns();
	for (size_t at = 0; at < n; at += HEAP_GROUP) {
		size_t k = n - at < HEAP_GROUP ? n - at : HEAP_GROUP;

		if (!g) {
			for (size_t i = at; i < n; i++)
				v[i].addr = 0;
			break;
		}
		memset(g->work, 0, k * sizeof(g->work[0]));
		g->n = k;
		for (size_t i = 0; i < k; i++) {
			struct heap_object *o = &v[at + i];

			*o = (struct heap_object){.addr = o->addr, .type = o->type};
			g->work[i].o = o;
		}
		read_windows(h, g);
		for (size_t i = 0; i < k; i++)
			check(h, &g->work[i]);
		for (int round = 0; round < HEAP_ROUNDS && one_round(h, g, depth); round++)
			;
		for (size_t i = 0; i < k; i++) {
			if (v[at + i].swapped)
				v[at + i].addr = 0;
			if (!v[at + i].addr)
				continue;
			heap_fingerprint_of(h, &g->work[i]);
			if (depth == HEAP_FULL)
				heap_sizes_of(h, &g->work[i]);
			good++;
		}
	}
	return good;
}

int heap_object_in_block(struct heap *h, uint64_t block, uint64_t size, uint64_t *obj,
			 uint64_t *type)
{
	/* The debug hooks keep 16 bytes of their own in front, twice where pymalloc passes a big
	 * block on. */
	uint64_t extra = h->rt->allocator != PY_ALLOC_DEBUG ? 0
			 : size > 512 && heap_has_pools(h)  ? 32
							    : 16;
	uint64_t word[8], best = 0, head = heap_head(h->rt);
	size_t len = size < sizeof(word) ? (size_t)size & ~7ull : sizeof(word);

	*obj = 0;
	h->now_ns = clock_ns();
	if (size < extra + head || proc_read(h->rt->proc, block + extra, word, len))
		return -ENOENT;
	for (unsigned d = 0; d <= 32 && d + head <= len; d += 16) {
		const uint8_t *p = (const uint8_t *)word + d;
		struct heap_type t;
		uint64_t body;
		bool immortal;

		if (!is_counted(h, p, &immortal) ||
		    !heap_type_get(h, heap_u64(p + h->rt->layout.ob_type), &t) || t.pre != d)
			continue;
		/* The basic size of str is that of the biggest of its three forms. */
		body = t.kind == HEAP_K_STR ? h->rt->layout.str_ascii_data : (uint64_t)t.basicsize;
		if (d + extra + body > size)
			continue;
		/* A stale word may look like an object too: the one that fills the block best. */
		if (*obj && body + d <= best)
			continue;
		best = body + d;
		*obj = block + extra + d;
		*type = t.addr;
	}
	return *obj ? 0 : -ENOENT;
}
