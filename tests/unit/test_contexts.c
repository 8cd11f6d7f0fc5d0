/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Values of contextvars, in the tree that a context has: objects in the memory of this process. */
#include "unit/self.h"

#include <stdlib.h>

#include "py/objects.h"
#include "why/paths.h"

enum {
	CONTEXT,
	TREE,
	INNER,
	LEAVES,
	VARS,
	LISTS = VARS + 2,
	NAMES = LISTS + 2,
	RECORDS = NAMES + 2
};
enum { N = RECORDS + 4, TYPES = 8 };

static uint64_t at[N][8], str_type;

/* Two variables, each with a list of two records; the tree has a node more when @deep. */
static void ask(bool deep, struct why_answer *out)
{
	struct graph_type types[TYPES] = {
		{.addr = 1, .kind = GRAPH_CONTEXT, .name = (char *)"Context"},
		{.addr = 2, .kind = GRAPH_HAMT, .name = (char *)"hamt"},
		{.addr = 3, .kind = GRAPH_HAMT, .name = (char *)"hamt_array_node"},
		{.addr = 4, .kind = GRAPH_HAMT, .name = (char *)"hamt_bitmap_node"},
		{.addr = 5, .kind = GRAPH_CONTEXTVAR, .name = (char *)"ContextVar"},
		{.addr = 6, .kind = GRAPH_LIST, .name = (char *)"list"},
		{.addr = (uintptr_t)&str_type, .kind = GRAPH_LEAF, .name = (char *)"str"},
		{.addr = 7, .kind = GRAPH_PLAIN, .name = (char *)"Record"},
	};
	uint16_t type[N] = {0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 7, 7};
	uint32_t parent[N] = {REACH_ROOT, CONTEXT + 1, TREE + 1}, target[N - RECORDS];
	struct graph_block block[N];
	struct graph_region region = {(uintptr_t)at, (uintptr_t)(at + N), 0, N, NULL};
	struct py_runtime rt = {
		.unicode_type = (uintptr_t)&str_type,
		.layout = {.ob_type = 8,
			   .ob_size = 16,
			   .str_length = 16,
			   .str_state = 32,
			   .str_ascii_data = 40,
			   .str_compact_data = 40,
			   .str_noncompact_data = 56},
	};
	struct heap h = {.rt = &rt};
	uint8_t seen[] = {0xff, 0xff};
	struct graph g = {.h = &h,
			  .types = {types, TYPES, TYPES},
			  .type = {type, N, N},
			  .block = {block, N, N},
			  .region = {&region, 1, 1},
			  .n = N,
			  .seen = seen,
			  .parent = parent};
	struct reach_root root = {.kind = REACH_THREAD, .node = CONTEXT};
	struct reach r = {.g = &g, .root = {&root, 1, 1}};
	struct proc *p = self_open();

	parent[LEAVES] = (deep ? INNER : TREE) + 1;
	for (size_t i = 0; i < N; i++)
		block[i] = (struct graph_block){(uintptr_t)at[i], sizeof(at[i]), 0};
	for (uint32_t i = 0; i < 2; i++) {
		at[LEAVES][4 + 2 * i] = (uintptr_t)at[VARS + i];
		at[LEAVES][5 + 2 * i] = (uintptr_t)at[LISTS + i];
		parent[LISTS + i] = LEAVES + 1;
		at[VARS + i][2] = (uintptr_t)at[NAMES + i];
		at[NAMES + i][1] = (uintptr_t)&str_type;
		at[NAMES + i][2] = 4;
		at[NAMES + i][4] = 1 | 1 << 3 | 1 << 4;
		memcpy(&at[NAMES + i][5], i ? "shop" : "user", 4);
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(target); i++) {
		target[i] = RECORDS + i;
		at[RECORDS + i][0] = 1;
		at[RECORDS + i][1] = types[TYPES - 1].addr;
		parent[RECORDS + i] = LISTS + i % 2 + 1;
	}
	at[CONTEXT][0] = 1;
	at[CONTEXT][1] = types[type[CONTEXT]].addr;
	rt.proc = p;
	*out = (struct why_answer){.targets = ARRAY_SIZE(target)};
	assert_int_equal(paths_group(&r, target, ARRAY_SIZE(target), 4, out), 0);
	for (size_t i = 0; i < out->n; i++)
		assert_int_equal(paths_text(&out->path[i]), 0);
	proc_close(p);
}

static bool has_path(const struct why_answer *a, const char *text)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->path[i].text, text))
			return true;
	return false;
}

static void a_value_of_a_context_has_the_name_of_its_variable(void **state)
{
	(void)state;
	for (int deep = 0; deep < 2; deep++) {
		struct why_answer a;

		ask(deep, &a);
		assert_int_equal(a.n, 2);
		assert_true(has_path(
			&a, "main thread (Context) → ContextVar user → list → [i] → Record"));
		assert_true(has_path(
			&a, "main thread (Context) → ContextVar shop → list → [i] → Record"));
		for (size_t i = 0; i < a.n; i++)
			paths_free(&a.path[i]);
		free(a.path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_of_a_context_has_the_name_of_its_variable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
