/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "inquiry/carving.h"

#include "heap/inside.h"
#include "inquiry/carving_pages.h"

/* struct pool_header (Objects/obmalloc.c, Include/internal/pycore_obmalloc.h), 3.8 - 3.15. */
struct pool_head {
	uint32_t used, unused;
	uint64_t freeblock, next, prev;
	uint32_t arena, cls, next_offset, max_offset;
};
_Static_assert(sizeof(struct pool_head) == HEAP_POOL_HEAD, "struct pool_header");

static bool is_sound(const struct heap *h, const struct pool_head *p, unsigned cls)
{
	const uint32_t size = 16 * (cls + 1), end = h->rt->layout.pool_size;

	return p->cls == cls && p->used && p->next_offset >= HEAP_POOL_HEAD &&
	       p->next_offset <= end + size && (p->next_offset - HEAP_POOL_HEAD) % size == 0;
}

static void read_heads(const struct heap *h, const uint64_t pool[HEAP_CLASSES],
		       struct pool_head head[HEAP_CLASSES])
{
	struct proc_req req[HEAP_CLASSES];
	unsigned cls[HEAP_CLASSES];
	size_t n = 0;

	for (unsigned c = 0; c < HEAP_CLASSES; c++) {
		head[c] = (struct pool_head){0};
		if (!pool[c])
			continue;
		cls[n] = c;
		req[n++] =
			(struct proc_req){.addr = pool[c], .buf = &head[c], .len = sizeof(head[c])};
	}
	proc_read_many(h->rt->proc, req, n);
	for (size_t i = 0; i < n; i++)
		if (!req[i].ok)
			head[cls[i]] = (struct pool_head){0};
}

int carving_begin(struct heap *h, struct carving *out)
{
	/* Each class has two words: the first and the last of its list of pools that are partly
	 * used. An empty list points to itself, as a pool whose links these two words would be. */
	uint64_t list[2 * HEAP_CLASSES];
	struct pool_head head[HEAP_CLASSES];

	*out = (struct carving){.turn = out->turn};
	if (heap_has_mimalloc(h))
		return carving_pages_begin(h, out);
	if (!heap_has_pools(h) || !h->rt->usedpools || h->rt->allocator != PY_ALLOC_PYMALLOC ||
	    proc_read(h->rt->proc, h->rt->usedpools, list, sizeof(list)))
		return -ENODATA;
	for (unsigned c = 0; c < HEAP_CLASSES; c++)
		if (!(list[2 * c] & (h->rt->layout.pool_size - 1)))
			out->pool[c] = list[2 * c];
	read_heads(h, out->pool, head);
	for (unsigned c = 0; c < HEAP_CLASSES; c++) {
		out->next[c] = head[c].next_offset;
		if (!is_sound(h, &head[c], c))
			out->pool[c] = 0;
	}
	return 0;
}

/* Finds objects in blocks, but the last one carved, which may be the next to be taken. */
static size_t find_objects(struct heap *h, const struct carved_range *r, struct heap_object *out,
			   size_t max)
{
	const uint32_t size = 16 * (r->cls + 1);
	size_t n = 0;

	for (uint32_t at = r->from; at + size < r->to && n < max; at += size) {
		struct heap_object *o = &out[n];

		memset(o, 0, sizeof(*o));
		if (!heap_object_in_block(h, r->start + at, size, &o->addr, &o->type))
			n++;
	}
	return n;
}

/* Does it fill its block? Raw memory may show an object of when its pool had another class. */
static bool fills_its_block(const struct heap *h, const struct heap_object *o, unsigned cls)
{
	return o->addr && !o->is_static && o->parts && o->part[0].cls == (int)cls &&
	       heap_class_for(h, o->part[0].bytes) == (int)cls;
}

/* Is it a type that no assignment to __class__ can give: not one of a Python class? */
static bool has_fixed_type(struct heap *h, uint64_t type)
{
	struct heap_type t;

	return heap_type_get(h, type, &t) && !(t.flags & TPF_HEAPTYPE);
}

/* Ranges of pools that were carved since; not of one that is another's by now. */
static size_t carved_of_pools(const struct heap *h, const struct carving *c,
			      struct carved_range *out)
{
	struct pool_head head[HEAP_CLASSES];
	size_t n = 0;

	read_heads(h, c->pool, head);
	for (unsigned i = 0; i < HEAP_CLASSES; i++)
		if (c->pool[i] && is_sound(h, &head[i], i) && head[i].next_offset > c->next[i])
			out[n++] = (struct carved_range){c->pool[i], i, c->next[i],
							 head[i].next_offset};
	return n;
}

size_t carving_end(struct heap *h, const struct carving *c, struct carved *out, size_t max)
{
	auto_free struct heap_object *v = calloc(max, sizeof(*v));
	struct carved_range range[CARVING_PAGES];
	size_t ranges = heap_has_mimalloc(h) ? carving_pages_end(h, c, range)
					     : carved_of_pools(h, c, range);
	size_t n = 0;

	_Static_assert(CARVING_PAGES >= HEAP_CLASSES, "a range for each");
	for (size_t i = 0; v && i < ranges; i++) {
		const struct carved_range *r = &range[i];
		/* room that one leaves goes to those after it */
		size_t k = find_objects(h, r, v, (max - n) / (ranges - i));

		heap_read_objects(h, v, k, HEAP_FULL);
		for (size_t o = 0; o < k; o++)
			if (fills_its_block(h, &v[o], r->cls))
				out[n++] = (struct carved){v[o].addr, v[o].type, (int)r->cls,
							   has_fixed_type(h, v[o].type)};
	}
	return n;
}
