/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The method cache remembers what was found by name, and does not hold it: 4,096 entries of a
 * version, the name and what was found (struct type_cache_entry, Objects/typeobject.c and
 * pycore_typeobject.h, 3.8 - 3.15). */
#include "why/roots.h"

static bool is_str(const struct reach *r, uint64_t addr)
{
	const struct py_runtime *rt = r->g->h->rt;
	struct heap_type t;
	uint64_t type;

	return heap_is_pointer(addr) &&
	       !proc_read_u64(rt->proc, addr + rt->layout.ob_type, &type) && type &&
	       heap_type_get(r->g->h, type, &t) && t.kind == HEAP_K_STR;
}

bool roots_is_remembered(const struct reach *r, const uint64_t *w, uint64_t i)
{
	return i >= 2 && w[i - 2] && graph_find(r->g, w[i]) != NODE_NONE &&
	       graph_find(r->g, w[i - 2]) == NODE_NONE && is_str(r, w[i - 1]);
}
