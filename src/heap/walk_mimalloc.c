/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Visits live blocks of mimalloc: carved from a page, and on none of its three free lists. */
#include "heap/mimalloc.h"
#include "heap/walk_priv.h"

#define MAX_BLOCKS 65536 /* the page counts them in 16 bits */
#define RETRIES	   3
/* bytes read of a block too big for the window, unless its content is wanted */
#define BIG_READ 4096

struct page {
	struct heap_mi_page p;
	uint64_t freed[MAX_BLOCKS / 64];
};

/* Marks the blocks of a free list. Each must be in the page, at a block's start, and there once, so
 * a list that loops ends. @data: the page's blocks, NULL if they do not fit the window. */
static bool follow(const struct walk *w, struct page *g, uint64_t at, const uint8_t *data,
		   uint32_t *n)
{
	while (at) {
		uint64_t off = at - g->p.start, i = off / g->p.size;

		if (i >= g->p.capacity || off % g->p.size || (g->freed[i / 64] >> (i % 64) & 1))
			return false;
		g->freed[i / 64] |= 1ull << (i % 64);
		(*n)++;
		if (data)
			at = heap_u64(data + off);
		else if (proc_read_u64(w->h->rt->proc, at, &at))
			return false;
	}
	return true;
}

/* Marks free blocks; true if their number is right. Blocks that other threads freed are still among
 * `used`. */
static bool understand(const struct walk *w, struct page *g, const uint8_t *data)
{
	uint32_t own = 0, others = 0;
	bool good;

	memset(g->freed, 0, (g->p.capacity + 63) / 64 * 8);
	good = follow(w, g, g->p.list[0], data, &own) && follow(w, g, g->p.list[1], data, &own);
	good = follow(w, g, g->p.list[2], data, &others) && good;
	return good && g->p.capacity - own == g->p.used && others <= g->p.used;
}

/* The basic size of str is that of the biggest of its three forms. */
static uint64_t least_size(const struct py_runtime *rt, const struct heap_type *t)
{
	return t->kind == HEAP_K_STR ? rt->layout.str_ascii_data : (uint64_t)t->basicsize;
}

/* Finds the object in a block. A page of a free-threaded build says what it holds: memory, objects,
 * objects that the collector knows, and these with a pre-header. Dead objects kept for reuse have
 * no references. */
static bool find_object(struct walk *w, const struct page *g, const struct heap_block *b,
			struct walk_found *out)
{
	const struct py_runtime *rt = w->h->rt;
	uint64_t head = heap_debug_head(w->h, true);
	bool immortal;

	if (!rt->free_threaded)
		return walk_find_object(w, b->data, b->have, b->bytes, true, out);
	if (g->p.tag == MI_TAG_MEM)
		return false;
	for (uint64_t d = head; d <= head + 16 && d + heap_head(rt) <= b->have; d += 16) {
		const struct heap_type *t =
			walk_type(w, heap_u64(b->data + d + rt->layout.ob_type));

		if (!t || t->pre != d - head || d + least_size(rt, t) > b->bytes)
			continue;
		out->object = d;
		out->type = t;
		out->dead = !heap_ref_plausible(rt, b->data + d, &immortal);
		return true;
	}
	return false;
}

static int visit_block(struct walk *w, const struct page *g, uint64_t i, const uint8_t *data,
		       size_t have)
{
	struct heap_block b = {.addr = g->p.start + i * g->p.size,
			       .bytes = g->p.size,
			       .data = data,
			       .have = have,
			       .place = HEAP_MIMALLOC,
			       .win = w->win,
			       .win_addr = g->p.start + i * g->p.size - (uint64_t)(data - w->win),
			       .win_len = (size_t)(data - w->win) + have};
	struct walk_found f = {0};

	if (!find_object(w, g, &b, &f))
		return walk_visit(w, &b, NULL);
	if (f.dead) {
		w->st->freelist_blocks++;
		return 0;
	}
	if ((f.type->flags & TPF_HAVE_GC) && !w->h->rt->free_threaded)
		walk_gc_link(w, heap_u64(b.data + f.object - 16));
	return walk_visit(w, &b, &f);
}

/* Visits a block of a page that does not fit the window. */
static int visit_big(struct walk *w, const struct page *g, uint64_t i)
{
	uint64_t want = w->flags & HEAP_WALK_DATA ? HEAP_WINDOW : BIG_READ;

	if (want > g->p.size)
		want = g->p.size;
	if (proc_read_sparse(w->h->rt->proc, g->p.start + i * g->p.size, w->win, want)) {
		w->st->unreadable++;
		return 0;
	}
	w->st->bytes_read += want;
	return visit_block(w, g, i, w->win, want);
}

static int visit_page(struct walk *w, const struct page *g, bool whole)
{
	uint64_t before = w->st->freelist_blocks, used = 0;
	int err;

	w->st->pools++;
	for (uint64_t i = 0; i < g->p.capacity; i++) {
		if (g->freed[i / 64] >> (i % 64) & 1)
			continue;
		used++;
		err = whole ? visit_block(w, g, i, w->win + i * g->p.size, g->p.size)
			    : visit_big(w, g, i);
		if (err)
			return err;
	}
	used -= w->st->freelist_blocks - before;
	w->st->pool_blocks += used;
	w->st->pool_bytes += used * g->p.size;
	w->st->pool_free_bytes += g->p.area - used * g->p.size;
	return 0;
}

/* Visits a page; one that changed while it was read is read again, alone. */
static int one_page(struct walk *w, struct page *g)
{
	bool whole, good = false;

	for (int i = 0; i <= RETRIES && !good; i++) {
		uint64_t bytes;

		if (i) {
			w->st->retried++;
			if (heap_mi_page_again(w->h, &g->p))
				return 0; /* given back */
		}
		bytes = g->p.capacity * g->p.size;
		whole = bytes <= HEAP_WINDOW;
		if (whole && proc_read_sparse(w->h->rt->proc, g->p.start, w->win, bytes)) {
			w->st->unreadable++;
			return 0;
		}
		w->st->bytes_read += whole ? bytes : 0;
		good = understand(w, g, whole ? w->win : NULL);
	}
	/* still inconsistent: what the lists say is nearer to the truth than nothing */
	w->st->torn += !good;
	return visit_page(w, g, whole);
}

int walk_mimalloc(struct walk *w)
{
	auto_free struct heap_mi_page *v = calloc(MI_SLICES, sizeof(*v));
	auto_free struct page *g = malloc(sizeof(*g));
	int err;

	if (!v || !g)
		return fail(-ENOMEM, "out of memory");
	err = heap_mi_read_segments(w->h);
	for (size_t i = 0; i < w->h->arena.n && !err; i++) {
		int n = heap_mi_pages(w->h, w->h->arena.v[i].start, v, &w->st->torn);

		w->st->arenas++;
		w->st->arena_bytes += w->h->arena.v[i].end - w->h->arena.v[i].start;
		w->st->unreadable += n < 0;
		for (int k = 0; k < n && !err; k++) {
			g->p = v[k];
			err = one_page(w, g);
		}
	}
	return err;
}
