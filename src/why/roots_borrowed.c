/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds words of CPython's data that point to objects without holding them. The method cache has
 * 4,096 entries of a version, a name and the object found (struct type_cache_entry,
 * Objects/typeobject.c and pycore_typeobject.h, 3.8 - 3.15). Free lists are arrays of 80 blocks of
 * one size (until 3.12, Objects/dictobject.c, listobject.c): unused slots still name their last
 * block, which may be in use again. */
#include "why/roots.h"

#define LISTED 12 /* neighbours of one size; a state has fewer of its own side by side */

static bool is_str(const struct reach *r, uint64_t addr)
{
	const struct py_runtime *rt = r->g->h->rt;
	struct heap_type t;
	uint64_t type;

	return heap_is_pointer(addr) &&
	       !proc_read_u64(rt->proc, addr + rt->layout.ob_type, &type) && type &&
	       heap_type_get(r->g->h, type, &t) && t.kind == HEAP_K_STR;
}

static bool is_of_size(const struct graph *g, uint64_t addr, uint64_t bytes)
{
	uint32_t node = graph_find_block(g, addr, NULL);
	uint64_t size;

	if (node >= g->n_pooled) /* NODE_NONE too */
		return false;
	graph_addr(g, node, &size);
	return size == bytes;
}

static bool is_listed(const struct reach *r, const uint64_t *w, uint64_t n, uint64_t i)
{
	const struct graph *g = r->g;
	uint32_t node = graph_find_block(g, w[i], NULL);
	uint64_t bytes, from = i, to = i + 1;

	/* cached numbers and characters are side by side, too */
	if (node >= g->n_pooled || graph_is_leaf(g, node))
		return false;
	graph_addr(g, node, &bytes);
	while (from && i - from < LISTED && is_of_size(g, w[from - 1], bytes))
		from--;
	while (to < n && to - from < LISTED && is_of_size(g, w[to], bytes))
		to++;
	return to - from >= LISTED;
}

/* Is it an entry of the method cache? In the state of module ast, a class is behind two strings: a
 * string of CPython's own is no version. */
static bool is_remembered(const struct reach *r, const uint64_t *w, uint64_t i)
{
	return i >= 2 && w[i - 2] && graph_find(r->g, w[i]) != NODE_NONE &&
	       !heap_in_static(r->g->h, w[i - 2]) && graph_find(r->g, w[i - 2]) == NODE_NONE &&
	       is_str(r, w[i - 1]);
}

bool roots_is_borrowed(const struct reach *r, const uint64_t *w, uint64_t n, uint64_t i)
{
	return is_remembered(r, w, i) || is_listed(r, w, n, i);
}
