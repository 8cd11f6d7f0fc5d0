/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers and characters are no references, whatever object they are in: an object in the memory of
 * this process, beside one that a word of it is the address of, and memory that it points to. */
#include "unit/self.h"

#include "py/objects.h"
#include "why/graph.h"

#define SELF_BYTES 208

enum { NOTHING, T = 1, MEMORY = 2 };

static struct {
	uint64_t t[4], memory[8], self[SELF_BYTES / 8];
} m;

static const struct py_layout layout = {
	.ob_type = 8,
	.ob_size = 16,
	.tp_name = 24,
	.tp_basicsize = 32,
	.tp_itemsize = 40,
	.tp_flags = 168,
	.tp_weaklistoffset = 208,
	.tp_base = 256,
	.tp_dict = 264,
	.tp_dictoffset = 288,
};

/* The others that an object of this kind leads to; @asked: so is that memory. */
static unsigned leads_to(enum graph_kind kind, int64_t basicsize, int64_t itemsize, bool asked)
{
	struct graph_type types[] = {
		{.kind = GRAPH_BUFFER},
		{.addr = 1, .kind = GRAPH_PLAIN},
		{.addr = 2, .kind = kind, .t = {.basicsize = basicsize, .itemsize = itemsize}}};
	struct graph_block blocks[] = {{(uintptr_t)m.t, sizeof(m.t), 1},
				       {(uintptr_t)m.memory, sizeof(m.memory), 0},
				       {(uintptr_t)m.self, sizeof(m.self), 2}};
	struct graph_region region = {blocks[0].addr, (uintptr_t)(&m + 1), 0, 3, NULL};
	const uint64_t extra = (uintptr_t)m.memory;
	uint16_t type[] = {1, 0, 2};
	uint32_t start[3] = {0};
	struct py_runtime rt = {.minor = 11, .layout = layout};
	struct heap h = {.rt = &rt};
	struct graph g = {.h = &h,
			  .types = {types, 3, 3},
			  .type = {type, 3, 3},
			  .block = {blocks, 3, 3},
			  .region = {&region, 1, 1},
			  .start = start,
			  .n = 3,
			  .extra = &extra,
			  .n_extra = asked,
			  .max_edges = 100};
	struct heap_block b = {.addr = (uintptr_t)m.self,
			       .object = (uintptr_t)m.self,
			       .type = 2,
			       .bytes = sizeof(m.self),
			       .data = (const uint8_t *)m.self,
			       .have = sizeof(m.self),
			       .place = HEAP_CHUNK};
	struct proc *p = self_open();
	unsigned out = NOTHING;

	rt.proc = p;
	assert_int_equal(graph_scan(&g, &b, 2), 0);
	for (size_t i = 0; i < g.edge.n; i++)
		out |= (g.edge.v[i] & ~NODE_MAX) == 0 ? T : MEMORY;
	vec_free(&g.edge);
	proc_close(p);
	return out;
}

static void *begin(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	return m.self;
}

/* In a program that is not relocated 0x2005500 may be where a block is: of a class that extends
 * list these are the flags. */
static void the_flags_of_a_class_are_no_address(void **state)
{
	uint64_t *self = begin(state);

	self[168 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_TYPE, SELF_BYTES, 0, false), NOTHING);
	self[168 / 8 + 1] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_TYPE, SELF_BYTES, 0, false), T);
}

/* Of the nodes of a context's tree the one of variables, which has items, has a number first. */
static void the_bitmap_of_a_tree_is_no_address(void **state)
{
	uint64_t *self = begin(state);

	self[24 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_HAMT, 32, 8, false), NOTHING);
	assert_int_equal(leads_to(GRAPH_HAMT, 280, 0, false), T);
	self[40 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_HAMT, 32, 8, false), T);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_flags_of_a_class_are_no_address),
		cmocka_unit_test(the_bitmap_of_a_tree_is_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
