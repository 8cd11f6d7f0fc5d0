/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A small heap in this process: who points to whom, and from what a search comes to it. */
#include "unit/self.h"

#include "py/objects.h"
#include "why/paths.h"
#include "why/scan_priv.h"

#define WORDS 24 /* of a block here */
#define MOST  12

enum { BUFFER, OBJECT, LEAF, OWNER, TYPES };

struct made {
	uint64_t at[MOST][WORDS];
	struct py_runtime rt;
	struct heap h;
	struct graph_block block[MOST];
	struct graph_region region;
	struct graph_type type[TYPES];
	uint16_t of[MOST];
	uint8_t bits[3][MOST / 8 + 1];
	uint32_t start[MOST];
	struct graph g;
	struct reach r;
};

static void make(struct made *m, uint32_t n, const uint16_t *of)
{
	memset(m, 0, sizeof(*m));
	m->h.rt = &m->rt;
	m->rt.proc = self_open();
	m->rt.layout.ob_type = 8;
	m->rt.layout.ob_size = 16;
	for (uint16_t i = 0; i < TYPES; i++)
		m->type[i] = (struct graph_type){.addr = i, .kind = GRAPH_PLAIN};
	m->type[BUFFER].kind = GRAPH_BUFFER;
	m->type[LEAF].kind = GRAPH_LEAF;
	for (uint32_t i = 0; i < n; i++) {
		m->block[i] = (struct graph_block){(uintptr_t)m->at[i], sizeof(m->at[i]), of[i]};
		m->of[i] = of[i];
	}
	m->region = (struct graph_region){(uintptr_t)m->at, (uintptr_t)m->at[n], 0, n, NULL};
	m->g = (struct graph){
		.h = &m->h,
		.types = {m->type, TYPES, TYPES},
		.type = {m->of, n, MOST},
		.block = {m->block, n, MOST},
		.region = {&m->region, 1, 1},
		.n = n,
		.start = m->start,
		.seen = m->bits[0],
		.of_new = m->bits[1],
		.asked = m->bits[2],
		.max_edges = 100,
		.direct_bytes = 1 << 20,
	};
	m->r.g = &m->g;
	assert_non_null(vec_push(&m->g.edge));
}

static void unmake(struct made *m)
{
	proc_close((struct proc *)m->rt.proc);
	vec_free(&m->g.edge);
	vec_free(&m->r.root);
	map64_free(&m->g.length);
	map64_free(&m->g.pool_at);
	free(m->g.parent);
}

/* Puts the words of a block in as edges; returns how many. */
static size_t scan(struct made *m, uint32_t node)
{
	const struct graph_type *t = graph_type(&m->g, node);
	uint64_t bytes, addr = graph_addr(&m->g, node, &bytes);
	const struct heap_block b = {.addr = addr,
				     .bytes = bytes,
				     .object = t->addr ? addr : 0,
				     .type = t->addr,
				     .data = (const uint8_t *)addr,
				     .have = bytes};
	size_t before = m->g.edge.n;

	assert_int_equal(graph_scan(&m->g, &b, node), 0);
	return m->g.edge.n - before;
}

static enum reach_kind root_of(const struct made *m, uint32_t node)
{
	uint32_t up = m->g.parent[node];

	while (up && !(up & REACH_ROOT))
		up = m->g.parent[up - 1];
	assert_true(up);
	return m->r.root.v[up & ~REACH_ROOT].kind;
}

/* Freed memory still points to other freed memory, and that to an object: it is in no cycle. What
 * an object has in memory of its own is. */
static void what_lost_memory_leads_to_is_in_no_cycle(void **state)
{
	enum { LOST, ALSO_LOST, HELD, ONE, ONES, OTHER, ITEM, N };
	const uint16_t of[N] = {BUFFER, BUFFER, OBJECT, OBJECT, BUFFER, OBJECT, OBJECT};
	struct made m;

	(void)state;
	make(&m, N, of);
	m.at[LOST][0] = (uintptr_t)m.at[ALSO_LOST];
	m.at[ALSO_LOST][0] = (uintptr_t)m.at[HELD];
	m.at[ONE][3] = (uintptr_t)m.at[ONES];
	m.at[ONES][0] = (uintptr_t)m.at[OTHER];
	m.at[ONES][1] = (uintptr_t)m.at[ITEM];
	m.at[OTHER][3] = (uintptr_t)m.at[ONE];
	for (uint32_t i = 0; i < N; i++)
		scan(&m, i);
	assert_int_equal(reach_search(&m.r), 0);
	assert_int_equal(root_of(&m, HELD), REACH_UNKNOWN);
	assert_int_equal(root_of(&m, ONE), REACH_CYCLE);
	assert_int_equal(root_of(&m, OTHER), REACH_CYCLE);
	assert_int_equal(root_of(&m, ITEM), REACH_CYCLE);
	unmake(&m);
}

/* Edges lead to those strings and numbers of a heap alone that are asked for, and a search
 * comes to no other. */
static void only_leaves_that_are_asked_for_are_held(void **state)
{
	enum { HOLDER, STR, OTHER_STR, N };
	const uint16_t of[N] = {OBJECT, LEAF, LEAF};

	(void)state;
	for (int asked = 0; asked < 3; asked++) {
		struct made m;

		make(&m, N, of);
		m.at[HOLDER][3] = (uintptr_t)m.at[STR];
		m.at[HOLDER][4] = (uintptr_t)m.at[OTHER_STR];
		m.g.want_leaves = asked == 2; /* memory of C code, which may be a leaf's */
		if (asked == 1)
			node_add(m.g.asked, STR);
		assert_int_equal(scan(&m, HOLDER), asked);
		assert_int_equal(reach_search(&m.r), 0);
		assert_int_equal(m.g.parent[STR], asked ? HOLDER + 1 : 0);
		assert_int_equal(m.g.parent[OTHER_STR], asked == 2 ? HOLDER + 1 : 0);
		unmake(&m);
	}
}

/* A generator does not keep who refers to it weakly. */
static void a_generator_holds_no_weak_references(void **state)
{
	enum { GENERATOR, WEAKREF, NAME, N };
	const uint16_t of[N] = {OWNER, OBJECT, OBJECT};
	struct made m;

	(void)state;
	make(&m, N, of);
	m.rt.minor = 12;
	m.rt.layout.gen_iframe = 72;
	m.type[OWNER].kind = GRAPH_GENERATOR;
	m.type[OWNER].t.basicsize = sizeof(m.at[0]);
	m.type[OWNER].t.weakoffset = 16;
	m.at[GENERATOR][2] = (uintptr_t)m.at[WEAKREF];
	m.at[GENERATOR][3] = (uintptr_t)m.at[NAME];
	m.at[GENERATOR][8] = 1 << 24; /* it is over */
	assert_int_equal(scan(&m, GENERATOR), 1);
	assert_int_equal(m.g.edge.v[1] & ~NODE_MAX, NAME);
	unmake(&m);
}

/* class Jobs(deque): __slots__ = ("owner",) */
static void a_deque_has_what_its_class_adds(void **state)
{
	enum { DEQUE, OWNED, WEAKREF, N };
	const uint16_t of[N] = {OWNER, OBJECT, OBJECT};
	struct made m;

	(void)state;
	make(&m, N, of);
	m.rt.minor = 11;
	m.type[OWNER].kind = GRAPH_DEQUE;
	m.type[OWNER].t.basicsize = 88;
	m.type[OWNER].t.weakoffset = 72;
	m.at[DEQUE][9] = (uintptr_t)m.at[WEAKREF];
	m.at[DEQUE][10] = (uintptr_t)m.at[OWNED];
	assert_int_equal(scan(&m, DEQUE), 1);
	assert_int_equal(m.g.edge.v[1] & ~NODE_MAX, OWNED);
	unmake(&m);
}

/* The array was met when the list had two items. */
static void items_that_came_meanwhile_are_held_by_their_list(void **state)
{
	enum { LIST, FIRST, ITEMS = 5, N = FIRST + ITEMS };
	const uint16_t of[N] = {OWNER, OBJECT, OBJECT, OBJECT, OBJECT, OBJECT};
	_Alignas(16384) static uint64_t memory[2048];
	struct graph_pool pool = {
		(uintptr_t)memory, 0, 0, (uint32_t)((1ull << 32) / 64 + 1), 64, 255};
	uint64_t *array = memory + HEAP_POOL_HEAD / 8, bits = 1, *to;
	uint16_t all[N + 1] = {BUFFER};
	struct made m;

	(void)state;
	make(&m, N, of);
	memcpy(all + 1, of, sizeof(of));
	m.g.type.v = all;
	m.g.type.n = m.g.n = N + 1;
	m.g.n_pooled = 1;
	m.g.pool.v = &pool;
	m.g.pool.n = 1;
	m.g.bits.v = &bits;
	m.rt.layout.pool_size = 16384;
	m.rt.layout.list_item = 24;
	m.type[OWNER].kind = GRAPH_LIST;
	m.type[OWNER].t.basicsize = 40;
	*map64_put(&m.g.pool_at, pool.addr) = 1;
	to = map64_put(&m.g.length, (uintptr_t)array);
	*to = 2;
	m.at[LIST][2] = ITEMS;
	m.at[LIST][3] = (uintptr_t)array;
	for (size_t i = 0; i < ITEMS; i++)
		array[i] = (uintptr_t)m.at[FIRST + i];
	/* To the array, and to the last three. */
	assert_int_equal(scan(&m, LIST + 1), 1 + 3);
	assert_int_equal(m.g.edge.v[1], 0);
	assert_int_equal(m.g.edge.v[2], 1 + FIRST + 2);
	/* More than the block has room for is no length. */
	m.at[LIST][2] = 1 << 20;
	m.start[LIST + 1] = 0;
	assert_int_equal(scan(&m, LIST + 1), 1 + 3);
	m.g.pool.v = NULL;
	m.g.bits.v = NULL;
	unmake(&m);
}

/* Without a GIL another thread's part of a count may be below zero. */
static void the_parts_of_a_count_are_added(void **state)
{
	const uint16_t of[] = {OBJECT};
	const int64_t shared = -2 * 4;
	const uint32_t local = 5;
	struct made m;

	(void)state;
	make(&m, 1, of);
	m.rt.free_threaded = true;
	memcpy((uint8_t *)m.at[0] + PY_FT_REF_LOCAL, &local, sizeof(local));
	memcpy((uint8_t *)m.at[0] + PY_FT_REF_SHARED, &shared, sizeof(shared));
	assert_int_equal(reach_refcount(&m.g, 0), 3);
	unmake(&m);
}

/* A linked list of thousands, each asked for: the way up from each is as long as the list. Whoever
 * was asked before has left word. */
static void the_way_along_a_list_is_gone_once(void **state)
{
	enum { N = 5000 };
	static uint32_t parent[N];
	const struct graph g = {.n = N, .parent = parent};
	struct map64 roots = {0}, none = {0};

	(void)state;
	parent[0] = REACH_ROOT | 7;
	for (uint32_t i = 1; i < N; i++)
		parent[i] = i;
	assert_int_equal(paths_root(&g, 0, &roots), REACH_ROOT | 7);
	assert_int_equal(paths_root(&g, N - 1, &roots), REACH_ROOT | 7);
	parent[10] = 0;
	assert_int_equal(paths_root(&g, N - 2, &roots), REACH_ROOT | 7);
	assert_int_equal(paths_root(&g, 2000, &roots), REACH_ROOT | 7);
	assert_int_equal(paths_root(&g, 20, &roots), 0);
	assert_int_equal(paths_root(&g, N - 1, &none), 0);
	parent[10] = 20; /* no end */
	assert_int_equal(paths_root(&g, 20, &roots), 0);
	map64_free(&roots);
	map64_free(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lost_memory_leads_to_is_in_no_cycle),
		cmocka_unit_test(only_leaves_that_are_asked_for_are_held),
		cmocka_unit_test(a_generator_holds_no_weak_references),
		cmocka_unit_test(a_deque_has_what_its_class_adds),
		cmocka_unit_test(items_that_came_meanwhile_are_held_by_their_list),
		cmocka_unit_test(the_parts_of_a_count_are_added),
		cmocka_unit_test(the_way_along_a_list_is_gone_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
