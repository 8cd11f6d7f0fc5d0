/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arrays that have slack or move, and containers that are none any more, in a heap in this process.
 */
#include "unit/self.h"

#include "why/graph.c"
#include "why/label.h"
#include "why/scan_priv.h"

enum { OWNER, FIRST, SECOND, ITEMS, N = ITEMS + 4 };
enum { NOTHING, LIST, ITEM, TYPES };

static struct {
	uint64_t at[N][16];
	uint64_t usedpools;
	struct py_runtime rt;
	struct heap h;
	struct graph_block block[N];
	struct graph_region region;
	struct graph_type type[TYPES];
	uint16_t of[N];
	uint32_t start[N], parent[N];
	uint8_t bits[3];
	struct graph g;
} m;

static void make(void)
{
	memset(&m, 0, sizeof(m));
	m.h.rt = &m.rt;
	m.rt.proc = self_open();
	m.rt.minor = 11;
	m.rt.usedpools = (uintptr_t)&m.usedpools;
	m.rt.layout.pool_size = 1 << 14;
	m.rt.layout.ob_type = 8;
	m.rt.layout.ob_size = 16;
	m.rt.layout.list_item = 24;
	m.rt.layout.list_allocated = 32;
	m.type[NOTHING] = (struct graph_type){.kind = GRAPH_BUFFER};
	m.type[LIST] = (struct graph_type){.addr = LIST, .kind = GRAPH_LIST, .t.basicsize = 40};
	m.type[ITEM] = (struct graph_type){.addr = ITEM, .kind = GRAPH_PLAIN};
	for (uint32_t i = 0; i < N; i++) {
		m.of[i] = i == OWNER ? LIST : i < ITEMS ? NOTHING : ITEM;
		m.block[i] = (struct graph_block){(uintptr_t)m.at[i], sizeof(m.at[i]), m.of[i]};
		m.at[i][0] = 1;
		m.at[i][1] = m.type[m.of[i]].addr;
	}
	m.region = (struct graph_region){(uintptr_t)m.at, (uintptr_t)m.at[N], 0, N, NULL};
	m.g = (struct graph){.h = &m.h,
			     .types = {m.type, TYPES, TYPES},
			     .type = {m.of, N, N},
			     .block = {m.block, N, N},
			     .region = {&m.region, 1, 1},
			     .n = N,
			     .start = m.start,
			     .parent = m.parent,
			     .seen = &m.bits[0],
			     .of_new = &m.bits[1],
			     .asked = &m.bits[2],
			     .max_edges = 100,
			     .direct_bytes = 1 << 20};
	assert_non_null(vec_push(&m.g.edge));
}

static void unmake(void)
{
	proc_close((struct proc *)m.rt.proc);
	vec_free(&m.g.edge);
	map64_free(&m.g.length);
}

static struct heap_block block_of(uint32_t node, uint64_t bytes)
{
	return (struct heap_block){.addr = (uintptr_t)m.at[node],
				   .bytes = bytes,
				   .object = node == OWNER ? (uintptr_t)m.at[node] : 0,
				   .type = node == OWNER ? (uint64_t)LIST : 0,
				   .data = (const uint8_t *)m.at[node],
				   .have = bytes};
}

/* To how many items does the array of a list lead that has @n of them, in a block of so many words
 * that are all addresses? */
static size_t items_of(uint64_t n, uint64_t room, uint64_t words)
{
	struct heap_block list, array;
	size_t found;

	make();
	m.at[OWNER][2] = n;
	m.at[OWNER][3] = (uintptr_t)m.at[FIRST];
	m.at[OWNER][4] = room;
	for (uint64_t i = 0; i < words; i++)
		m.at[FIRST][i] = (uintptr_t)m.at[ITEMS + i % 4];
	list = block_of(OWNER, 40);
	array = block_of(FIRST, 8 * words);
	assert_int_equal(note_length(&m.g, &list), 0);
	assert_int_equal(graph_scan(&m.g, &array, FIRST), 0);
	found = m.g.edge.n - 1;
	unmake();
	return found;
}

/* [a, b, c] has room for as many, in a block of four words. */
static void the_last_word_of_a_full_list_may_be_a_leftover(void **state)
{
	(void)state;
	assert_int_equal(items_of(3, 3, 4), 3);
	assert_int_equal(items_of(1, 1, 2), 1);
	assert_int_equal(items_of(4, 4, 4), 4);
	assert_int_equal(items_of(3, 4, 4), 3);
	/* A list that has fewer places than items is no list any more. */
	assert_int_equal(items_of(3, 2, 4), 4);
}

/* To how many of the words behind it does a tuple of @n items lead, of such a class? */
static size_t edges_of_tuple(uint64_t flags, int64_t dictoffset, uint64_t n)
{
	const struct heap_type t = {
		.addr = LIST,
		.flags = flags,
		.basicsize = 24,
		.itemsize = 8,
		.dictoffset = dictoffset,
		.has_dict = dictoffset ? HEAP_DICT_SLOT : HEAP_DICT_NONE,
	};
	struct heap_block b;
	size_t found;

	make();
	m.rt.layout.tuple_item = 24;
	m.type[LIST].kind = GRAPH_TUPLE;
	m.type[LIST].t = t;
	m.at[OWNER][2] = n;
	for (size_t i = 3; i < 16; i++)
		m.at[OWNER][i] = (uintptr_t)m.at[ITEMS + i % 4];
	b = block_of(OWNER, 128);
	assert_int_equal(graph_scan(&m.g, &b, OWNER), 0);
	found = m.g.edge.n - 1;
	unmake();
	return found;
}

static void behind_a_named_tuple_are_leftovers(void **state)
{
	(void)state;
	assert_int_equal(edges_of_tuple(0, 0, 4), 4);
	assert_int_equal(edges_of_tuple(TPF_HEAPTYPE | TPF_BASETYPE, 0, 4), 4);
	assert_int_equal(edges_of_tuple(TPF_HEAPTYPE | TPF_BASETYPE, -8, 4), 5);
	/* os.stat_result has more than its ten items. */
	assert_int_equal(edges_of_tuple(TPF_HEAPTYPE, 0, 10), 13);
	assert_int_equal(edges_of_tuple(TPF_HEAPTYPE | TPF_BASETYPE, 0, 20), 13);
}

/* Scans an array of two items, whose owner has @n of them at @items by now. */
static void scan_after(uint64_t n, const uint64_t *items)
{
	struct array a = {.n = 2, .step = 1, .of = 1};
	struct scan s = {.g = &m.g};

	m.at[FIRST][0] = m.at[FIRST][1] = (uintptr_t)m.at[ITEMS];
	m.at[OWNER][2] = n;
	m.at[OWNER][3] = (uintptr_t)items;
	a.was = a.addr = (uintptr_t)m.at[FIRST];
	a.word = (uintptr_t)&m.at[OWNER][3];
	a.length = (uintptr_t)&m.at[OWNER][2];
	scan_array(&s, &a);
	assert_int_equal(s.err, 0);
}

/* It was moved after its owner was read. */
static void a_short_array_is_read_where_it_is_now(void **state)
{
	(void)state;
	make();
	for (size_t i = 0; i < 3; i++)
		m.at[SECOND][i] = (uintptr_t)m.at[ITEMS + 1 + i];
	scan_after(3, m.at[SECOND]);
	assert_int_equal(m.g.edge.n, 1 + 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(m.g.edge.v[1 + i], ITEMS + 1 + i);
	unmake();
}

/* Its owner was emptied since: the array was given back. */
static void an_emptied_list_holds_nothing(void **state)
{
	(void)state;
	make();
	scan_after(0, NULL);
	assert_int_equal(m.g.edge.n, 1);
	unmake();
}

/* It was freed since, and something else lies there. */
static void what_is_no_container_any_more_has_no_entries(void **state)
{
	(void)state;
	make();
	m.at[OWNER][2] = 7;
	assert_int_equal(label_entries(&m.g, OWNER, (uintptr_t)m.at[OWNER]), 7);
	m.at[OWNER][1] = ITEM;
	assert_true(label_entries(&m.g, OWNER, (uintptr_t)m.at[OWNER]) == WHY_UNKNOWN);
	assert_true(label_entries(&m.g, ITEMS, (uintptr_t)m.at[ITEMS]) == WHY_UNKNOWN);
	unmake();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_word_of_a_full_list_may_be_a_leftover),
		cmocka_unit_test(behind_a_named_tuple_are_leftovers),
		cmocka_unit_test(a_short_array_is_read_where_it_is_now),
		cmocka_unit_test(an_emptied_list_holds_nothing),
		cmocka_unit_test(what_is_no_container_any_more_has_no_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
