/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which way stands for a pair, as blocks die or are lost sight of. */
#include "sym/native_ways.h"

#include "unit/unit.h"

#define MS 1000000ull

static struct native_stack *stack_of(size_t n)
{
	struct native_stack *st = calloc(1, sizeof(*st) + n * sizeof(st->frame[0]));

	assert_non_null(st);
	st->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		st->frame[i] = (struct native_frame){.addr = 0x1000 * (i + 1), .file = 1};
	return st;
}

/* A pair of four blocks, copied at 100 ms, that came by one way of three frames. */
static struct native_pair *copied_four(void)
{
	struct native_pair *p = calloc(1, sizeof(*p));
	struct pl_native_copy *copy = calloc(1, sizeof(*copy));

	assert_true(p && copy);
	for (uint64_t i = 0; i < 4; i++) {
		copy->addr = 0x10000 + 64 * i;
		copy->size = 64;
		native_ways_add(p, stack_of(3), copy, 100 * MS);
	}
	free(copy);
	return p;
}

static void frames_behind_dead_blocks_are_doubted(void **state)
{
	struct native_pair *p = copied_four();

	(void)state;
	assert_int_equal(native_way_best(p)->n, 3);
	native_ways_vote(p, 1000 * MS, 200 * MS);
	assert_int_equal(native_way_best(p)->n, 1);
	native_pair_free(p);
}

static void frames_behind_blocks_out_of_sight_are_kept(void **state)
{
	struct native_pair *p = copied_four();

	(void)state;
	native_ways_lose(p, 100 * MS); /* the same moment: they are followed */
	assert_int_equal(p->made.n, 4);
	native_ways_lose(p, 500 * MS);
	native_ways_vote(p, 1000 * MS, 200 * MS);
	assert_int_equal(native_way_best(p)->n, 3);
	native_pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_behind_dead_blocks_are_doubted),
		cmocka_unit_test(frames_behind_blocks_out_of_sight_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
