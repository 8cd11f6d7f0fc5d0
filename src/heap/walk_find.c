/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the object in a block, and where it begins. */
#include "heap/walk_priv.h"
#include "py/versions.h"

#define BLOCK_ALIGN 16

/* The bytes an object of this type needs. The basic size of str is that of the biggest of its
 * three forms. */
static uint64_t body_size(const struct walk *w, const struct heap_type *t, const uint8_t *object,
			  size_t have, uint64_t room)
{
	uint64_t size = (uint64_t)t->basicsize, n;

	if (t->kind == HEAP_K_STR)
		return w->h->rt->layout.str_ascii_data;
	/* Items only where they fit: not every type has their number there. */
	if (t->itemsize && have >= w->h->rt->layout.ob_size + 8u) {
		n = heap_u64(object + w->h->rt->layout.ob_size);
		if (n < room / (uint64_t)t->itemsize && size + n * (uint64_t)t->itemsize <= room)
			size += n * (uint64_t)t->itemsize;
	}
	return size;
}

/* Are these links of a GC list? Of an untracked object the next one is 0, and only flags are left
 * of the other. That alone often decides between two candidates in a block: an mro tuple holds
 * (count, class), which could begin an instance. */
static bool is_gc_head(const uint8_t *head)
{
	uint64_t next = heap_u64(head), prev = heap_u64(head + 8);

	/* Two bits of flags; and the head of a list may lie at a multiple of 4 (3.13.5). */
	return next ? heap_is_pointer(next & ~7ull) : prev < 4;
}

/* The type of a dead object on a free list of CPython: its count is 0, or (3.14 on) the link to the
 * next one. Classes written in Python have no such lists, nor has code: its size is that of many
 * buffers, which keep leftovers where they do not write. A link looks like the GC head of anything,
 * so only types that were met before count: a read for each block would cost too much. */
static const struct heap_type *dead_type(const struct walk *w, uint64_t first, uint64_t type)
{
	const struct heap_type *t;

	if (first &&
	    (!py_free_lists_use_counts(w->h->rt) || !heap_is_pointer(first) || (first & 15)))
		return NULL;
	t = walk_known_type(w, type);
	if (!t || (t->flags & (TPF_HEAPTYPE | TPF_UNICODE | TPF_BYTES | TPF_TYPE | TPF_EXCEPTION)))
		return NULL;
	return t->addr == w->h->rt->code_type || t->kind == HEAP_K_FUNCTION || t->kind == HEAP_K_SET
		       ? NULL
		       : t;
}

/* May this count be an address? In a program below 4 GiB (not position independent) addresses of
 * its data and brk heap look like reference counts: a list of classes would seem to hold an object.
 */
static bool may_be_address(const struct walk *w, uint64_t v)
{
	return !(v & 7) && (heap_in_static(w->h, v) || (v >= w->brk_start && v < w->brk_end));
}

static bool is_object(struct walk *w, uint64_t v)
{
	uint64_t type;

	return !proc_read_u64(w->h->rt->proc, v + w->h->rt->layout.ob_type, &type) &&
	       walk_type(w, type);
}

bool walk_find_object(struct walk *w, const uint8_t *p, size_t have, uint64_t bytes, bool small,
		      struct walk_found *out)
{
	uint64_t extra = heap_debug_head(w->h, small), best = 0, at = w->h->rt->layout.ob_type;
	const struct py_runtime *rt = w->h->rt;
	const struct heap_type *t;
	bool immortal;

	out->type = NULL;
	out->dead = false;
	for (uint64_t d = extra; d <= extra + 32 && d + heap_head(rt) <= have; d += 16) {
		bool alive = rt->free_threaded
				     ? heap_ref_plausible(rt, p + d, &immortal)
				     : heap_count_plausible(rt, heap_u64(p + d), &immortal);
		bool odd = alive && !rt->free_threaded && may_be_address(w, heap_u64(p + d));
		uint64_t body;

		/* Where one was found already (a tuple), what follows (its length, an item) often
		 * begins like another: not worth a read. */
		if (alive && ((out->type && !out->dead) || odd))
			t = walk_known_type(w, heap_u64(p + d + at));
		else if (alive)
			t = walk_type(w, heap_u64(p + d + at));
		else
			t = out->type ? NULL : dead_type(w, heap_u64(p + d), heap_u64(p + d + at));
		if (!t || t->pre != d - extra)
			continue;
		if ((t->flags & TPF_HAVE_GC) && !rt->free_threaded && !is_gc_head(p + d - 16))
			continue;
		if (odd && is_object(w, heap_u64(p + d)))
			continue;
		body = body_size(w, t, p + d, have - d, bytes - d);
		if (d + body > bytes)
			continue;
		/* A stale word may look like an object too: the one that fills the block best, and
		 * a live one before a dead one. */
		if (out->type && !out->dead && body + d <= best)
			continue;
		best = body + d;
		out->object = d;
		out->type = t;
		out->dead = !alive;
		if (alive && bytes - best < BLOCK_ALIGN)
			break; /* none fills it better */
	}
	return out->type;
}
