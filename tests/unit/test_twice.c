/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A heap that is found otherwise at a second look. The blocks lie in this process; whom they point
 * to is made up. */
#include "py/py_priv.h"
#include "unit/self.h"

#define graph_build	 build_graph
#define graph_free	 free_graph
#define reach_find_roots find_roots
#include "why/why.c"

enum { STORE, JOB, OTHER, N };
enum { NOTHING, DICT, WANTED, TYPES };

/* Whom the store holds at each look; bit n: node n. */
static unsigned held[2], looks;
static bool is_cycle; /* what it does not hold holds itself */
static bool by_name, dies, is_replaced;
static uint64_t metatype[128], job_class[128];
static enum reach_kind root_kind = REACH_MODULE;

static uint64_t at[N][8], count_of[N] = {1, 1, 1};
static struct graph_block block[N];
static struct graph_region region;
static struct graph_type type[TYPES];
static uint16_t of[N] = {DICT, WANTED, WANTED};
static uint32_t start[N];
static uint8_t bits[3];

int build_graph(struct graph *g)
{
	unsigned now = held[looks++];

	/* An object that nothing holds at either look is another one at the second. */
	at[JOB][3] = is_replaced ? 0x10000 + looks : 7;

	memset(start, 0, sizeof(start));
	g->types.v = type;
	g->types.n = TYPES;
	g->type.v = of;
	g->type.n = g->n = N;
	g->block.v = block;
	g->block.n = N;
	g->region.v = &region;
	g->region.n = 1;
	g->start = start;
	bits[0] = 0xff;
	bits[1] = 0;
	bits[2] = g->want ? 0 : 1 << JOB | 1 << OTHER;
	g->seen = &bits[0];
	g->of_new = &bits[1];
	g->asked = &bits[2];
	g->stats.chunks = HEAP_LEAST_CHUNKS;
	assert_non_null(vec_push(&g->edge));
	for (uint32_t n = JOB; n < N; n++) {
		uint32_t from = now & 1u << n ? STORE : n, *e;

		if (from == n && !is_cycle)
			continue;
		if (!start[from])
			start[from] = (uint32_t)g->edge.n;
		e = vec_push(&g->edge);
		assert_non_null(e);
		*e = n;
	}
	for (uint32_t n = STORE; n < N; n++) {
		uint32_t last = (uint32_t)g->edge.n;

		for (uint32_t other = STORE; other < N; other++)
			if (start[n] && start[other] > start[n] && start[other] < last)
				last = start[other];
		if (start[n])
			g->edge.v[last - 1] |= NODE_MAX;
	}
	return 0;
}

void free_graph(struct graph *g)
{
	vec_free(&g->edge);
	free(g->parent);
}

int find_roots(struct reach *r)
{
	struct reach_root *root = vec_push(&r->root);

	assert_non_null(root);
	*root = (struct reach_root){.kind = root_kind,
				    .node = STORE,
				    .owner = (uintptr_t)at[STORE],
				    .name = strdup("app")};
	return 0;
}

static void ask(struct why_answer **a)
{
	const uint64_t addr[] = {(uintptr_t)at[JOB], (uintptr_t)at[OTHER]};
	const struct why_query q = {by_name ? "Job" : NULL, addr, 2};
	const struct why_opts o = {.max_paths = 4};
	struct py_private priv = {.build = py_table(11)};
	struct py_runtime rt = {.priv = &priv,
				.minor = 11,
				.layout = priv.build.layout,
				.type_type = (uintptr_t)metatype};
	struct heap h = {.rt = &rt};
	struct why_stats st;

	type[NOTHING] = (struct graph_type){.kind = GRAPH_BUFFER};
	type[DICT] = (struct graph_type){.addr = 1, .kind = GRAPH_DICT, .name = (char *)"dict"};
	type[WANTED] = (struct graph_type){.addr = (uintptr_t)job_class,
					   .kind = GRAPH_PLAIN,
					   .name = (char *)"Job",
					   .wanted = by_name,
					   .count = 2,
					   .t = {.flags = TPF_HAVE_GC}};
	for (uint32_t i = 0; i < N; i++) {
		at[i][0] = count_of[i];
		at[i][1] = type[of[i]].addr;
		block[i] = (struct graph_block){(uintptr_t)at[i], sizeof(at[i]), of[i]};
	}
	if (dies)
		at[OTHER][1] = type[WANTED].addr + 1;
	region = (struct graph_region){(uintptr_t)at, (uintptr_t)at[N], 0, N, NULL};
	rt.proc = self_open();
	job_class[rt.layout.ob_type / 8] = (uintptr_t)metatype;
	job_class[rt.layout.tp_flags / 8] = TPF_HEAPTYPE | PY_TPFLAGS_READY;
	job_class[rt.layout.tp_basicsize / 8] = 32; /* two slots */
	looks = 0;
	assert_int_equal(heap_why(&h, &q, 1, &o, a, &st), 0);
	free(h.type);
	free(h.group);
	proc_close((struct proc *)rt.proc);
}

static const struct why_path *path_of(const struct why_answer *a, enum why_root root)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->path[i].root == root)
			return &a->path[i];
	return NULL;
}

/* All that is lost must be missing twice. */
static void what_a_second_look_finds_was_never_lost(void **state)
{
	struct why_answer *a;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		enum why_root lost = i & 1 ? WHY_CYCLE : WHY_NOBODY;

		is_cycle = i & 1;
		by_name = i & 2;
		/* The list that holds them has moved while it was read. */
		held[0] = 0;
		held[1] = 1u << JOB | 1u << OTHER;
		ask(&a);
		assert_int_equal(looks, 2);
		assert_int_equal(a->n, 1);
		assert_int_equal(a->path[0].root, WHY_MODULE);
		assert_true(a->path[0].share == 1 && a->unknown_share == 0);
		why_free(a, 1);
		/* Another one, at the second look. */
		held[0] = 1u << JOB;
		held[1] = 0;
		ask(&a);
		assert_int_equal(looks, 2);
		assert_int_equal(a->n, 1);
		assert_non_null(path_of(a, lost));
		assert_true(path_of(a, lost)->share == 0.5 && a->unknown_share == 0.5);
		assert_true(a->other_share == 0);
		why_free(a, 1);
		held[0] = 0;
		ask(&a);
		assert_int_equal(looks, 2);
		assert_true(path_of(a, lost) && path_of(a, lost)->share == 1);
		why_free(a, 1);
	}
}

/* A queue's next one, at the same address, while the list that holds them moves again. */
static void what_lies_in_the_place_of_another_was_not_lost_twice(void **state)
{
	struct why_answer *a;

	(void)state;
	is_cycle = by_name = false;
	held[0] = held[1] = 0;
	is_replaced = true;
	ask(&a);
	is_replaced = false;
	assert_int_equal(looks, 2);
	assert_true(path_of(a, WHY_NOBODY) && path_of(a, WHY_NOBODY)->share == 0.5);
	assert_true(a->unknown_share == 0.5 && a->gone == 0);
	why_free(a, 1);
}

static void what_is_held_is_looked_for_once(void **state)
{
	struct why_answer *a;

	(void)state;
	is_cycle = by_name = false;
	held[0] = held[1] = 1u << JOB | 1u << OTHER;
	ask(&a);
	assert_int_equal(looks, 1);
	assert_true(path_of(a, WHY_MODULE) && path_of(a, WHY_MODULE)->share == 1);
	assert_int_equal(a->gone, 0);
	why_free(a, 1);
}

/* The holder has had one since that lies there. */
static void what_is_another_by_now_is_gone(void **state)
{
	struct why_answer *a;

	(void)state;
	is_cycle = by_name = false;
	dies = true;
	held[0] = held[1] = 1u << JOB | 1u << OTHER;
	ask(&a);
	dies = false;
	assert_int_equal(a->gone, 1);
	assert_true(path_of(a, WHY_MODULE) && path_of(a, WHY_MODULE)->share == 1);
	assert_int_equal(a->path[0].count, 1);
	why_free(a, 1);
}

/* A freed object counts no references: its first word leads to the one that was freed next. */
static void what_a_leftover_leads_to_is_not_known(void **state)
{
	static const uint64_t freed = 0x7f0000001000;
	struct why_answer *a;

	(void)state;
	is_cycle = by_name = false;
	held[0] = held[1] = 1u << JOB | 1u << OTHER;
	root_kind = REACH_STACK;
	count_of[STORE] = count_of[OTHER] = 1;
	ask(&a);
	assert_non_null(path_of(a, WHY_STACK));
	assert_true(path_of(a, WHY_STACK)->share == 1 && a->gone == 0);
	why_free(a, 1);
	count_of[OTHER] = freed;
	ask(&a);
	assert_int_equal(a->gone, 1);
	assert_true(path_of(a, WHY_STACK)->share == 1);
	why_free(a, 1);
	count_of[OTHER] = 1;
	count_of[STORE] = freed;
	ask(&a);
	assert_int_equal(a->n, 0);
	assert_true(a->unknown_share == 1);
	why_free(a, 1);
	/* The one with a name may have died since: it held them when it was read. */
	root_kind = REACH_MODULE;
	ask(&a);
	assert_true(path_of(a, WHY_MODULE) && path_of(a, WHY_MODULE)->share == 1);
	why_free(a, 1);
	count_of[STORE] = 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_second_look_finds_was_never_lost),
		cmocka_unit_test(what_lies_in_the_place_of_another_was_not_lost_twice),
		cmocka_unit_test(what_is_held_is_looked_for_once),
		cmocka_unit_test(what_is_another_by_now_is_gone),
		cmocka_unit_test(what_a_leftover_leads_to_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
