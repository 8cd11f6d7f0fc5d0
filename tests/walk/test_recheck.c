/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which births of a look are looked at again, whether a program makes many objects or few. */
#include <linux/types.h>

#include "base/base.h"
#include "pyleak/abi.h"
#include "unit/unit.h"

#include "recheck.h"

#define MOST 4096

static __u32 next_random(__u64 *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (__u32)(*seed >> 32);
}

/* The part of @n births in one look that a later one has looked at. */
static double looked_at(__u64 n, __u64 *seed)
{
	static bool is[MOST];
	double sum = 0;

	memset(is, 0, sizeof(is));
	for (__u64 number = 1; number < n; number++)
		for (int i = 0; i < PL_RECHECKS; i++) {
			__u32 back = recheck_back(next_random(seed), number);

			assert_in_range(back, 1, number < 1024 ? number : 1024);
			is[number - back] = true;
		}
	for (__u64 i = 0; i < n; i++)
		sum += is[i];
	return sum / (double)n;
}

static void few_births_are_looked_at_as_well_as_many(void **state)
{
	static const __u64 many[] = {8, 20, 60, 200, 1000, MOST};
	__u64 seed = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		double sum = 0;

		for (int k = 0; k < 50; k++)
			sum += looked_at(many[i], &seed);
		assert_true(sum / 50 > 0.7);
	}
}

/* Most die young. */
static void half_of_the_looks_are_at_the_last_ones(void **state)
{
	unsigned near = 0, far = 0;
	__u64 seed = 1;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		__u32 back = recheck_back(next_random(&seed), MOST);

		near += back <= 64;
		far += back > 512;
	}
	assert_in_range(near, 5000, 5700);
	assert_in_range(far, 2200, 2800);
}

static void a_count_of_none_is_dead(void **state)
{
	(void)state;
	assert_false(count_is_none(1));
	assert_false(count_is_none(0xffffffff));
	assert_false(count_is_none(7ull << 48 | 3)); /* with flags */
	assert_true(count_is_none(0));
	assert_true(count_is_none(7ull << 48));
	assert_true(count_is_none(0x7f1234567890)); /* the next free block */
}

static void without_the_gil_two_counts_of_none_are_dead(void **state)
{
	static const struct {
		__u64 word[2];
		bool dead;
	} rows[] = {
		{{1ull << 32}, false},		/* its own thread has it */
		{{0xffffffffull << 32}, false}, /* immortal */
		{{0, 1 << 2 | 3}, false},	/* counts are one: others have it */
		{{1ull << 32, ~3ull}, false},	/* others gave back what its thread had taken */
		{{1ull << 30}, false},		/* held by stacks that are not counted */
		{{0}, true},
		{{9ull << 24}, true}, /* the collector's bits of a dead one stay */
		{{0, 3}, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(counts_are_none(rows[i].word), rows[i].dead);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_births_are_looked_at_as_well_as_many),
		cmocka_unit_test(half_of_the_looks_are_at_the_last_ones),
		cmocka_unit_test(a_count_of_none_is_dead),
		cmocka_unit_test(without_the_gil_two_counts_of_none_are_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
