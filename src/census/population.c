/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts in one pass over the heap. The sizes of blocks that an object owns are in the object, but
 * for the keys of dicts: these are in the same window as a rule, and are read many at a time if
 * not.
 */
#include "census/population.h"

#include "census/own_size.h"
#include "heap/inside.h"
#include "heap/mimalloc.h"
#include "py/versions.h"

#define PENDING	    1024
#define SHARED	    1024 /* keys kept that many dicts have in common; a power of two */
#define KEYS_HEAD   40
#define DEBUG_EXTRA 24

struct pending {
	uint64_t keys;
	uint32_t row;
	bool split;
};

struct counter {
	struct heap *h;
	struct heap_population *p;
	VEC(uint32_t) values; /* per row: bytes of an instance's values, + 1; 0 = not read yet */
	struct pending pending[PENDING];
	struct proc_req req[PENDING];
	uint8_t head[PENDING][KEYS_HEAD];
	size_t n;
	uint64_t hidden, hidden_bytes; /* bytes objects that are bytearrays' buffers (3.15) */
	uint32_t bytes_row;	       /* row of type bytes itself, + 1 */
	struct {
		uint64_t keys;
		uint32_t usable;
	} shared[SHARED];
};

static void owns(struct counter *c, uint32_t row, uint64_t bytes)
{
	uint64_t block = bytes + (c->h->rt->allocator == PY_ALLOC_DEBUG ? DEBUG_EXTRA : 0);
	unsigned cls;

	if (!bytes)
		return;
	cls = heap_class_index(heap_class_for(c->h, block));
	c->p->row.v[row].owned_bytes += bytes;
	c->p->owned[cls].count++;
	if (cls != HEAP_MALLOC)
		block = 16 * (cls + 1ull);
	else if (heap_has_mimalloc(c->h))
		block = heap_mi_good_size(block);
	c->p->owned[cls].bytes += block;
}

/* Adds the keys of a dict. Keys that a class shares with its instances are not one dict's own; the
 * values of such a split dict are. */
static void add_keys(struct counter *c, uint64_t keys, uint32_t row, bool split,
		     const uint8_t *head)
{
	struct heap_keys k;

	if (!heap_keys_facts(c->h->rt, head, &k))
		return;
	if (split) {
		c->shared[keys / 16 % SHARED].keys = keys;
		c->shared[keys / 16 % SHARED].usable = (uint32_t)k.usable;
		owns(c, row, py_values_kind(c->h->rt) == PY_VALUES_AS_KEYS ? 8 * k.usable : 0);
	} else if (!k.shared) {
		owns(c, row, k.bytes);
	}
}

static void flush(struct counter *c)
{
	proc_read_many(c->h->rt->proc, c->req, c->n);
	for (size_t i = 0; i < c->n; i++)
		if (c->req[i].ok)
			add_keys(c, c->pending[i].keys, c->pending[i].row, c->pending[i].split,
				 c->head[i]);
	c->n = 0;
}

static void add_dict(struct counter *c, const struct heap_block *b, uint32_t row,
		     const struct heap_own *own)
{
	bool split = own->values;

	if (!heap_is_pointer(own->keys) || heap_in_static(c->h, own->keys))
		return;
	if (split && c->shared[own->keys / 16 % SHARED].keys == own->keys) {
		if (py_values_kind(c->h->rt) == PY_VALUES_AS_KEYS)
			owns(c, row, 8ull * c->shared[own->keys / 16 % SHARED].usable);
		return;
	}
	if (span_has(b->win_addr, b->win_addr + b->win_len, own->keys, KEYS_HEAD)) {
		add_keys(c, own->keys, row, split, b->win + (own->keys - b->win_addr));
		return;
	}
	c->pending[c->n] = (struct pending){own->keys, row, split};
	c->req[c->n] = (struct proc_req){own->keys, c->head[c->n], KEYS_HEAD, false, false};
	if (++c->n == PENDING)
		flush(c);
}

/* Bytes of an instance's values (3.11, 3.12), which have as many slots as the keys of the class
 * have room for. The first instances of a class have some more, which is neglected. */
static uint64_t values_of(struct counter *c, const struct heap_type *t)
{
	const struct py_layout *l = &c->h->rt->layout;
	uint8_t head[KEYS_HEAD];
	uint64_t keys, n = 0;

	if (c->values.v[t->index])
		return c->values.v[t->index] - 1;
	if (!proc_read_u64(c->h->rt->proc, t->addr + l->ht_cached_keys, &keys) && keys &&
	    !proc_read(c->h->rt->proc, keys, head, sizeof(head))) {
		n = heap_u64(head + l->dk_usable) + heap_u64(head + l->dk_nentries);
		n = n && n <= 64 ? ((n + 2 + 7) & ~7ull) + 8 * n : 0;
	}
	c->values.v[t->index] = (uint32_t)n + 1;
	return n;
}

static bool want_row(struct counter *c, uint32_t index)
{
	while (c->p->row.n <= index)
		if (!vec_push(&c->p->row) || !vec_push(&c->values))
			return false;
	return true;
}

static int count(const struct heap_block *b, void *ctx)
{
	struct counter *c = ctx;
	struct heap_type_row *row;
	struct heap_own own;
	unsigned cls;

	if (!b->object) {
		cls = b->place == HEAP_POOL ||
				      (b->place == HEAP_MIMALLOC && b->bytes <= 16 * HEAP_CLASSES)
			      ? (unsigned)((b->bytes - 1) / 16)
			      : HEAP_MALLOC;
		c->p->buffers[cls].count++;
		c->p->buffers[cls].bytes += b->bytes;
		return 0;
	}
	if (!want_row(c, b->facts->index))
		return fail(-ENOMEM, "out of memory");
	row = &c->p->row.v[b->facts->index];
	row->type = b->type;
	row->count++;
	row->tracked += b->tracked;
	heap_own_of(c->h->rt, b, &own);
	row->own_bytes += own.bytes;
	owns(c, b->facts->index, own.satellite);
	if (own.hidden) {
		row->owned_bytes += own.hidden;
		c->hidden++;
		c->hidden_bytes += own.hidden;
	}
	if ((b->facts->flags & (TPF_BYTES | TPF_HEAPTYPE)) == TPF_BYTES)
		c->bytes_row = b->facts->index + 1;
	if (own.keys)
		add_dict(c, b, b->facts->index, &own);
	if (own.instance_values)
		owns(c, b->facts->index, values_of(c, b->facts));
	return 0;
}

/* Takes bytes objects that are buffers out of the row of bytes: they were counted with their
 * bytearrays, and no other object refers to them. */
static void hide_bytes(struct counter *c)
{
	struct heap_type_row *r = c->bytes_row ? &c->p->row.v[c->bytes_row - 1] : NULL;

	if (!r)
		return;
	r->count -= c->hidden < r->count ? c->hidden : r->count;
	r->own_bytes -= c->hidden_bytes < r->own_bytes ? c->hidden_bytes : r->own_bytes;
}

int heap_population(struct heap *h, struct heap_population *out)
{
	struct counter *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return fail(-ENOMEM, "out of memory");
	out->row.n = 0;
	memset(out->buffers, 0, sizeof(out->buffers));
	memset(out->owned, 0, sizeof(out->owned));
	out->t_ns = clock_ns();
	c->h = h;
	c->p = out;
	err = heap_walk(h, 0, count, c, &out->walk);
	if (!err)
		flush(c);
	hide_bytes(c);
	vec_free(&c->values);
	free(c);
	return err;
}

void heap_population_free(struct heap_population *p)
{
	vec_free(&p->row);
	memset(p, 0, sizeof(*p));
}

struct heap_buffers heap_population_unowned(const struct heap_population *p, unsigned cls)
{
	const struct heap_buffers *all = &p->buffers[cls], *owned = &p->owned[cls];

	return (struct heap_buffers){
		.count = all->count > owned->count ? all->count - owned->count : 0,
		.bytes = all->bytes > owned->bytes ? all->bytes - owned->bytes : 0,
	};
}
