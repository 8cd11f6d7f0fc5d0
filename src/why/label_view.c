/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells whether a view of another object's memory wastes it: a small view keeps all of it. */
#include "py/objects.h"
#include "why/label_priv.h"

#define MAX_DIMENSIONS 64

/* Bytes of an item, from the array's type. */
static uint64_t item_bytes(const struct labels *l, uint64_t descr)
{
	uint64_t word = label_peek(l, descr + GRAPH_DESCR_ITEM + py_more_header(l->rt));

	return word >> 32 ? (uint32_t)word
			  : label_peek(l, descr + GRAPH_DESCR_ITEM + 8 + py_more_header(l->rt));
}

static double array_bytes(const struct labels *l, uint64_t addr)
{
	uint64_t more = py_more_header(l->rt), dimension[MAX_DIMENSIONS];
	uint32_t n = (uint32_t)label_peek(l, addr + GRAPH_ARRAY_N + more);
	double bytes = (double)item_bytes(l, label_peek(l, addr + GRAPH_ARRAY_DESCR + more));

	if (n > MAX_DIMENSIONS ||
	    proc_read(l->rt->proc, label_peek(l, addr + GRAPH_ARRAY_DIMENSIONS + more), dimension,
		      8 * n))
		return 0;
	for (uint32_t i = 0; i < n; i++)
		bytes *= (double)dimension[i];
	return bytes;
}

/* Bytes of a view, or of its base; 0 = not known. */
static double bytes_of(const struct labels *l, uint32_t node, uint64_t addr)
{
	const struct graph_type *t = graph_type(l->g, node);

	if (t->kind == GRAPH_ARRAY)
		return array_bytes(l, addr);
	if (t->kind == GRAPH_MEMORYVIEW)
		return (double)label_peek(l, addr + PY_MEMORYVIEW_LEN + py_more_header(l->rt));
	if (t->t.kind == HEAP_K_BYTES || t->t.kind == HEAP_K_BYTEARRAY)
		return (double)label_peek(l, addr + l->rt->layout.ob_size);
	return 0;
}

bool label_is_whole_view(const struct labels *l, uint32_t node, uint64_t addr)
{
	bool is_array = graph_type(l->g, node)->kind == GRAPH_ARRAY;
	uint64_t base = label_peek(l, addr + (is_array ? GRAPH_ARRAY_BASE : PY_MEMORYVIEW_OBJ) +
					      py_more_header(l->rt));
	uint32_t to = graph_find(l->g, base);
	double all = to == NODE_NONE ? 0 : bytes_of(l, to, base);

	return all > 0 && 2 * bytes_of(l, node, addr) > all;
}
