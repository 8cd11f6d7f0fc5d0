/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Visits tracked objects outside of pools. Lists are not followed link by link: each object in a
 * pool names the one that follows it, so only those outside are asked. That also finds objects in
 * the private lists of a running collection. */
#include "heap/walk_priv.h"
#include "py/objects.h"

#define BATCH	    256
#define BEFORE	    80 /* pre-header, debug hooks and the chunk's header lie before a GC head */
#define AFTER	    176
#define HEAD_SIZE   16 /* PyGC_Head: next, prev */
#define LINK_MASK   (~3ull)
#define MAX_BLOCK   (1ull << 46)
#define CHUNK_FLAGS 7ull
#define CHUNK_MMAP  2ull
/* malloc gives a rest away that is too small for a block; guards lie behind */
#define SLACK	 64
#define ANY_MOST (64 << 10) /* items of what may have none: a frame, a generator's */

struct node {
	uint64_t head;
	int lo; /* the window begins at head - lo ... */
	int hi; /* ... and ends at head + hi */
	uint8_t win[BEFORE + AFTER];
};

void walk_gc_link(struct walk *w, uint64_t next)
{
	uint64_t *slot, *v;

	next &= LINK_MASK;
	if (!heap_is_pointer(next) || walk_in_arena(w, next) || map64_get(&w->seen, next))
		return;
	slot = w->seen.n < w->max_seen ? map64_put(&w->seen, next) : NULL;
	v = slot ? vec_push(&w->todo) : NULL;
	if (v)
		*v = next;
	else
		w->st->cut++;
}

void walk_gc_begin(struct walk *w)
{
	auto_free uint64_t *head = calloc(WALK_HEADS, sizeof(*head));
	size_t n = head ? py_gc_heads(w->h->rt, head, WALK_HEADS) : 0;

	/* a list's head is no object: noted as seen, it is never visited */
	for (size_t i = 0; i < n; i++)
		map64_put(&w->seen, head[i]);
	for (size_t i = 0; i < n; i++) {
		uint64_t next;

		if (!proc_read_u64(w->h->rt->proc, head[i], &next))
			walk_gc_link(w, next);
		else
			w->st->unreadable++;
	}
}

/* Reads what is in the head's own page, if the window crosses the border of a mapping. */
static bool read_own_page(const struct walk *w, struct node *n)
{
	uint64_t in_page = n->head & 4095;
	const struct proc *p = w->h->rt->proc;

	n->lo = in_page < BEFORE ? (int)in_page : BEFORE;
	n->hi = 4096 - in_page < AFTER ? (int)(4096 - in_page) : AFTER;
	if (proc_read(p, n->head - (uint64_t)n->lo, n->win + BEFORE - n->lo,
		      (size_t)n->lo + (size_t)n->hi))
		return false;
	if (n->hi < AFTER && !proc_read(p, n->head + (uint64_t)n->hi, n->win + BEFORE + n->hi,
					(size_t)(AFTER - n->hi)))
		n->hi = AFTER;
	return n->hi >= HEAD_SIZE + 16;
}

static void read_nodes(struct walk *w, struct node *v, size_t n)
{
	struct proc_req req[BATCH];

	for (size_t i = 0; i < n; i++) {
		v[i].lo = BEFORE;
		v[i].hi = AFTER;
		req[i] = (struct proc_req){v[i].head - BEFORE, v[i].win, sizeof(v[i].win), false,
					   false};
	}
	proc_read_many(w->h->rt->proc, req, n);
	for (size_t i = 0; i < n; i++) {
		w->st->bytes_read += sizeof(v[i].win);
		if (!req[i].ok && !read_own_page(w, &v[i])) {
			w->st->unreadable++;
			v[i].hi = 0;
		}
	}
}

/* Bytes that glibc set aside, by the word in front of the block; 0: it is no chunk's header. */
static uint64_t chunk_bytes(uint64_t header)
{
	uint64_t size = header & ~CHUNK_FLAGS;

	if (header & CHUNK_MMAP)
		return size & 4095 || size <= 16 ? 0 : size - 16;
	return size & 15 || size <= 16 ? 0 : size - 8;
}

/* May its ob_size be anything? Generators and frames have something else there; tuples do not. */
static bool may_be_any(const struct heap_type *t)
{
	return t->itemsize && t->kind != HEAP_K_TUPLE;
}

static uint64_t formula(const struct heap_type *t, uint64_t least, uint64_t items)
{
	uint64_t most = may_be_any(t) ? ANY_MOST : MAX_BLOCK;

	return t->itemsize && items <= most / (uint64_t)t->itemsize
		       ? least + items * (uint64_t)t->itemsize
		       : least;
}

uint64_t walk_outside_bytes(const struct heap_type *t, uint64_t before, uint64_t items,
			    uint64_t header)
{
	uint64_t least = before + HEAD_SIZE + (uint64_t)t->basicsize, size = chunk_bytes(header);
	uint64_t told = formula(t, least, items), more = header & CHUNK_MMAP ? 4096 : SLACK;
	uint64_t most = may_be_any(t) ? least + ANY_MOST : told;

	if (t->flags & TPF_INLINE_VALUES)
		most += items + 8; /* its slots; while a class is young there is one more */
	return size >= (may_be_any(t) ? least : told) - 8 && size <= most + more ? size : told;
}

/* Bytes of the slots that follow an instance (3.13+). */
static uint64_t inline_bytes(const struct node *n, const struct heap_type *t)
{
	uint64_t at = HEAD_SIZE + (uint64_t)t->basicsize + PY_VALUES_CAPACITY;
	uint64_t cap = at < (uint64_t)n->hi ? n->win[BEFORE + at] : UINT8_MAX;

	return heap_values_bytes(cap);
}

static uint64_t block_bytes(const struct node *n, const struct heap_type *t, uint64_t before)
{
	const uint8_t *head = n->win + BEFORE;
	bool has_header = (int64_t)before + 16 <= n->lo;
	uint64_t items = t->itemsize			? heap_u64(head + HEAD_SIZE + 16)
			 : t->flags & TPF_INLINE_VALUES ? inline_bytes(n, t)
							: 0;

	return walk_outside_bytes(t, before, items, has_header ? heap_u64(head - before - 8) : 0);
}

static int visit_node(struct walk *w, struct node *n, const struct heap_type *t)
{
	/* The pre-header, if any, and the debug hooks lie before the GC head. */
	uint64_t before = t->pre - HEAD_SIZE + heap_debug_head(w->h, false), bytes;
	struct walk_found f = {.object = before + HEAD_SIZE, .type = t};
	struct heap_block b = {.place = HEAP_GC};

	if (n->lo < (int)before) {
		w->st->unreadable++;
		return 0;
	}
	bytes = block_bytes(n, t, before);
	b.addr = n->head - before;
	b.bytes = bytes;
	b.data = n->win + BEFORE - before;
	b.have = before + (uint64_t)n->hi < bytes ? before + (uint64_t)n->hi : bytes;
	if (b.addr >= w->h->static_start && b.addr < w->h->static_end)
		b.place = HEAP_STATIC;
	if ((w->flags & HEAP_WALK_DATA) && b.have < bytes) {
		size_t want = bytes < HEAP_WINDOW ? (size_t)bytes : HEAP_WINDOW;

		if (!proc_read_sparse(w->h->rt->proc, b.addr, w->win, want)) {
			b.data = w->win;
			b.have = want;
			w->st->bytes_read += want;
		}
	}
	if (b.place == HEAP_STATIC)
		w->st->statics++;
	else
		w->st->gc_outside++;
	return walk_visit(w, &b, &f);
}

/* Visits a node's object, and notes the node that follows. */
static int take_node(struct walk *w, struct node *n)
{
	const struct heap_type *t;
	uint64_t next;
	bool immortal;

	if (!n->hi)
		return 0;
	next = heap_u64(n->win + BEFORE);
	t = heap_ref_plausible(w->h->rt, n->win + BEFORE + HEAD_SIZE, &immortal)
		    ? walk_type(w, heap_u64(n->win + BEFORE + HEAD_SIZE + 8))
		    : NULL;
	if (!t || !(t->flags & TPF_HAVE_GC)) {
		/* The head of a collection's own list, on a stack, whose first object may be one
		 * of ours; or a node that was freed under our hands. One step, not more. */
		uint64_t back;

		next &= LINK_MASK;
		if (heap_is_pointer(next) && !walk_in_arena(w, next) &&
		    !proc_read_u64(w->h->rt->proc, next + 8, &back) &&
		    (back & LINK_MASK) == n->head)
			walk_gc_link(w, next);
		return 0;
	}
	if (!next) /* untracked meanwhile */
		return 0;
	walk_gc_link(w, next);
	return visit_node(w, n, t);
}

int walk_gc_outside(struct walk *w)
{
	auto_free struct node *v = malloc(BATCH * sizeof(*v));

	if (!v)
		return fail(-ENOMEM, "out of memory");
	/* from the end of the list, so that it stays short though it grows */
	while (w->todo.n) {
		size_t n = w->todo.n < BATCH ? w->todo.n : BATCH;

		for (size_t i = 0; i < n; i++)
			v[i].head = w->todo.v[w->todo.n - n + i];
		w->todo.n -= n;
		read_nodes(w, v, n);
		for (size_t i = 0; i < n; i++) {
			int err = take_node(w, &v[i]);

			if (err)
				return err;
		}
	}
	return 0;
}
