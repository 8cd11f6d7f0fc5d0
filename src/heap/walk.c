/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Walks over the heap: its parts in order, and what they share. */
#include "heap/walk_priv.h"

#define TELL_BLOCKS 4096
#define TELL_BYTES  (1u << 20)

const struct heap_type *walk_known_type(const struct walk *w, uint64_t addr)
{
	const uint64_t *at = map64_get(&w->type_index, addr);

	return at ? w->type.v[*at - 1].facts : NULL;
}

static const struct heap_type *find_type(struct walk *w, uint64_t addr)
{
	uint64_t *no = &w->no_type[(addr * 0x9e3779b97f4a7c15ull) >> 52]; /* 12 bits */
	uint64_t *at = map64_get(&w->type_index, addr);
	struct heap_type t, *new;

	_Static_assert(WALK_NO_TYPES == 1 << 12, "shift above");
	if (at)
		return w->type.v[*at - 1].facts;
	if (!heap_is_pointer(addr) || *no == addr)
		return NULL;
	if (!heap_type_get(w->h, addr, &t) || w->type.n >= WALK_TYPES) {
		w->st->types_left_out += t.is_type;
		*no = addr;
		return NULL;
	}
	new = malloc(sizeof(*new));
	if (!new || !vec_reserve(&w->type, w->type.n + 1) ||
	    !(at = map64_put(&w->type_index, addr))) {
		free(new);
		w->st->unreadable++; /* for want of memory of ours: what is of it goes uncounted */
		return NULL;
	}
	*new = t;
	new->index = (uint32_t)w->type.n;
	w->type.v[w->type.n++].facts = new;
	*at = w->type.n;
	return new;
}

/* Finds a type, first among recent ones: a few types make most of a heap. */
const struct heap_type *walk_type(struct walk *w, uint64_t addr)
{
	const struct heap_type **recent = &w->recent[(addr >> 4 ^ addr >> 10) & (WALK_RECENT - 1)];
	const struct heap_type *t = *recent;

	if (t && t->addr == addr)
		return t;
	t = find_type(w, addr);
	if (t)
		*recent = t;
	return t;
}

uint64_t walk_arena_end(struct walk *w, uint64_t addr)
{
	uint32_t *near = &w->near_arena[(addr >> 18) & (WALK_NEAR - 1)];
	const struct heap_arena *v = w->h->arena.v, *a;

	if (*near < w->h->arena.n && addr >= v[*near].start && addr < v[*near].end)
		return v[*near].end;
	a = heap_arena_of(w->h, addr);
	if (a)
		*near = (uint32_t)(a - v);
	return a ? a->end : 0;
}

int walk_tell_now(struct walk *w)
{
	const struct heap_walk_stats *st = w->st;
	const struct heap_progress at = {.doing = w->h->doing ? w->h->doing : "reading the heap",
					 .bytes = st->arena_bytes + w->outside_bytes,
					 .of_bytes = w->all_bytes,
					 .objects = st->objects};

	w->tell_blocks = st->blocks + TELL_BLOCKS;
	w->tell_bytes = st->bytes_read + TELL_BYTES;
	return w->h->watch ? w->h->watch(&at, w->h->watch_ctx) : 0;
}

int walk_visit(struct walk *w, struct heap_block *b, const struct walk_found *found)
{
	int err = walk_tell(w);

	if (err)
		return err;
	if (b->place != HEAP_POOL && b->place != HEAP_MIMALLOC)
		w->outside_bytes += b->bytes;
	w->st->blocks++;
	w->st->block_bytes += b->bytes;
	if (found) {
		b->object = b->addr + found->object;
		b->type = found->type->addr;
		b->facts = found->type;
		b->tracked = heap_is_tracked(w->h->rt, found->type, b->data + found->object);
		w->st->objects++;
		w->st->tracked += b->tracked;
	}
	return w->visit(b, w->ctx);
}

/* Bounds the lists that are followed: one with more nodes than the process has memory for lies. */
static void find_bounds(struct walk *w)
{
	const struct proc *p = w->h->rt->proc;
	uint64_t all = 1ull << 30;
	struct proc_memory m;

	if (!proc_memory(p, &m)) {
		all = proc_is_live(p) ? m.rss_bytes + m.swap_bytes : all;
		w->all_bytes = m.anon_bytes + m.swap_bytes;
	}
	w->max_seen = (size_t)(all / 32 + 65536);
	for (size_t i = 0; i < p->n_maps; i++) {
		if (strcmp(p->maps[i].path, "[heap]") != 0 || p->maps[i].start >> 32)
			continue;
		/* It may have grown since the maps were read. */
		w->brk_start = p->maps[i].start;
		w->brk_end = p->maps[i].end + all;
	}
}

static int run(struct walk *w)
{
	int err;

	w->h->now_ns = clock_ns();
	find_bounds(w);
	walk_gc_begin(w);
	err = heap_has_mimalloc(w->h) ? walk_mimalloc(w) : heap_has_pools(w->h) ? walk_pools(w) : 0;
	if (err || (w->flags & HEAP_WALK_POOLS))
		return err;
	err = walk_gc_outside(w);
	return err ? err : walk_chunks(w);
}

int heap_walk(struct heap *h, unsigned flags, heap_visit visit, void *ctx,
	      struct heap_walk_stats *out)
{
	struct walk *w;
	int err;

	memset(out, 0, sizeof(*out));
	if (h->rt->free_threaded && !heap_has_mimalloc(h))
		return fail(-ENOTSUP,
			    "the heap of this free-threaded Python cannot be walked: the layout of "
			    "its mimalloc is not known");
	w = calloc(1, sizeof(*w));
	if (w)
		w->win = malloc(HEAP_WINDOW);
	if (!w || !w->win) {
		free(w);
		return fail(-ENOMEM, "out of memory");
	}
	w->h = h;
	w->flags = flags;
	w->visit = visit;
	w->ctx = ctx;
	w->st = out;
	err = run(w);
	map64_free(&w->type_index);
	map64_free(&w->seen);
	for (size_t i = 0; i < w->type.n; i++)
		free(w->type.v[i].facts);
	vec_free(&w->type);
	vec_free(&w->todo);
	free(w->win);
	free(w);
	return err;
}
