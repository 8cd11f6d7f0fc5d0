/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Adds functions to be called at exit: what they hold lives until then. */
#include <stdlib.h>

#include "why/roots.h"

#define MAX_CALLBACKS	(1u << 20)
#define FIRST_CALLBACKS 8

/* Is it a tuple? The empty one may be in static data (3.11+), where nothing is a node. */
static bool is_tuple(const struct graph *g, uint64_t addr)
{
	const struct py_runtime *rt = g->h->rt;
	uint32_t node = graph_find(g, addr);
	uint64_t type;

	if (node != NODE_NONE)
		return graph_type(g, node)->kind == GRAPH_TUPLE;
	if (!heap_is_pointer(addr) || proc_read_u64(rt->proc, addr + rt->layout.ob_type, &type))
		return false;
	for (size_t i = 0; i < g->types.n; i++)
		if (g->types.v[i].addr == type)
			return g->types.v[i].kind == GRAPH_TUPLE;
	return false;
}

/* Is there {function, arguments, keywords} of an atexit callback at @addr? */
static bool is_callback(const struct reach *r, uint64_t addr)
{
	uint64_t entry[3];

	return heap_is_pointer(addr) && !proc_read(r->g->h->rt->proc, addr, entry, sizeof(entry)) &&
	       graph_find(r->g, entry[0]) != NODE_NONE && is_tuple(r->g, entry[1]);
}

/* In 3.14 callbacks are a list of tuples. */
static void list_of_callbacks(struct reach *r, uint64_t list)
{
	const struct py_runtime *rt = r->g->h->rt;
	uint64_t items, first;

	if (!proc_read_u64(rt->proc, list + rt->layout.list_item, &items) &&
	    !proc_read_u64(rt->proc, items, &first) &&
	    is_callback(r, first + rt->layout.tuple_item))
		roots_add(r, REACH_ATEXIT, list, 0, 0);
}

/* Is it a callback of the array: a block by itself, and no object? */
static bool is_callback_block(const struct reach *r, uint64_t addr)
{
	uint32_t node = graph_find(r->g, addr);

	return (node == NODE_NONE || !graph_type(r->g, node)->addr) && is_callback(r, addr);
}

/* In 3.10 - 3.13 callbacks are an array of pointers; if the first ones are no callbacks, it is
 * none. */
static void array_of_callbacks(struct reach *r, uint64_t at, const uint64_t first[FIRST_CALLBACKS])
{
	uint64_t one;

	for (uint64_t k = 0, missed = 0;
	     k < MAX_CALLBACKS && missed < FIRST_CALLBACKS && r->root.n < MAX_ROOTS; k++) {
		if (k < FIRST_CALLBACKS)
			one = first[k];
		else if (proc_read_u64(r->g->h->rt->proc, at + 8 * k, &one))
			break;
		missed = is_callback_block(r, one) ? 0 : missed + 1;
		if (!missed)
			roots_add(r, REACH_ATEXIT, one, 0, 0);
	}
}

/* Collects addresses from a state that may be such arrays, and searches lists at once. */
static size_t find_arrays(struct reach *r, const uint64_t *state, size_t n,
			  uint64_t (*first)[FIRST_CALLBACKS], struct proc_req *out)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t node = graph_find(r->g, state[i]);
		bool is_object = node != NODE_NONE && graph_type(r->g, node)->addr;

		if (node != NODE_NONE && graph_type(r->g, node)->kind == GRAPH_LIST)
			list_of_callbacks(r, state[i]);
		else if (heap_is_pointer(state[i]) && !is_object) {
			memset(first[found], 0, sizeof(first[found]));
			out[found] = (struct proc_req){
				.addr = state[i], .buf = first[found], .len = sizeof(first[found])};
			found++;
		}
	}
	return found;
}

/* An interpreter's state has thousands of words that may point to an array: the first words of all
 * are read together. */
void roots_atexit(struct reach *r, const uint64_t *state, size_t n)
{
	uint64_t(*first)[FIRST_CALLBACKS] = malloc(n * sizeof(*first));
	auto_free struct proc_req *req = malloc(n * sizeof(*req));
	size_t found = first && req ? find_arrays(r, state, n, first, req) : 0;

	r->unreadable += !first || !req;
	proc_read_many(r->g->h->rt->proc, req, found);
	for (size_t i = 0; i < found; i++) {
		for (size_t k = 0; !req[i].ok && k < FIRST_CALLBACKS; k++)
			if (proc_read_u64(r->g->h->rt->proc, req[i].addr + 8 * k, &first[i][k]))
				break;
		array_of_callbacks(r, req[i].addr, first[i]);
	}
	free(first);
}
