/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Is there an object in a block, and where does it begin? */
#include "heap/walk_priv.h"

#define DEBUG_HEAD 16 /* of the debug hooks: size, api, guard */

uint64_t walk_debug_head(const struct walk *w, bool small)
{
	if (w->h->rt->allocator != PY_ALLOC_DEBUG)
		return 0;
	/* pymalloc passes big ones on to the raw domain, which is hooked as well. */
	return small || !heap_has_pools(w->h) ? DEBUG_HEAD : 2 * DEBUG_HEAD;
}

/* What an object of this type needs at least. The basic size of str is that of the biggest of its
 * three forms. */
static uint64_t least_body(const struct walk *w, const struct heap_type *t)
{
	return t->kind == HEAP_K_STR ? w->h->rt->layout.str_ascii_data : (uint64_t)t->basicsize;
}

/* CPython's own types keep dead objects on free lists: the reference count is 0 there, or (3.14 on)
 * the link to the next one. Classes written in Python have no such lists. */
static bool is_dead(const struct heap_type *t, uint64_t first)
{
	return !(t->flags & TPF_HEAPTYPE) && (!first || (heap_is_pointer(first) && !(first & 15)));
}

bool walk_find_object(struct walk *w, const uint8_t *p, size_t have, uint64_t bytes, bool small,
		      struct walk_found *out)
{
	uint64_t extra = walk_debug_head(w, small), best = 0;
	const struct heap_type *t;
	bool immortal;

	out->type = NULL;
	out->dead = false;
	for (uint64_t d = extra; d <= extra + 32 && d + 16 <= have; d += 16) {
		uint64_t first = heap_u64(p + d), body;
		bool alive = heap_ref_plausible(w->h->rt, first, &immortal);

		if (!alive && first && !heap_is_pointer(first))
			continue;
		/* A link is followed by a type only in dead objects: rarely worth a look-up. */
		t = walk_type(w, heap_u64(p + d + 8));
		if (!t || t->pre != d - extra || (!alive && (out->type || !is_dead(t, first))))
			continue;
		body = least_body(w, t);
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
	}
	return out->type;
}
