/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A small heap in this process: who points to whom, and from what a search comes to it. */
#include "unit/unit.h"

#include "why/paths.h"

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
		cmocka_unit_test(the_way_along_a_list_is_gone_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
