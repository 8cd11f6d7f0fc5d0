/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Pools that are swapped out for a while. */
#include "heap/recall.h"

#include "unit.h"

/* One census of one pool: what it counts for. */
static int count(struct recall *r, uint64_t arena, bool is_out, uint32_t cls, uint32_t live)
{
	struct recall_pool *p;

	assert_true(recall_begin(r, 1));
	p = &recall_next(r, arena)->pool[3];
	if (!is_out)
		recall_note(p, cls, live);
	else if (!recall_missed(p))
		return 0;
	return (int)p->live - p->late;
}

static void swapping_is_no_freeing(void **state)
{
	struct recall r = {0};

	(void)state;
	assert_int_equal(count(&r, 0x100000, false, 5, 40), 40);
	assert_int_equal(count(&r, 0x100000, true, 0, 0), 40);
	assert_int_equal(count(&r, 0x100000, true, 0, 0), 40);
	assert_int_equal(count(&r, 0x100000, false, 5, 44), 44);
	assert_int_equal(count(&r, 0x100000, false, 7, 2), 2);
	/* Another arena knows nothing of it. */
	assert_int_equal(count(&r, 0x200000, true, 0, 0), 0);
	recall_free(&r);
}

static void coming_back_is_no_growth(void **state)
{
	struct recall r = {0};

	(void)state;
	assert_int_equal(count(&r, 0x100000, true, 0, 0), 0);
	assert_int_equal(count(&r, 0x100000, false, 5, 40), 0);
	assert_int_equal(count(&r, 0x100000, false, 5, 45), 5);
	assert_int_equal(count(&r, 0x100000, true, 0, 0), 5);
	assert_int_equal(count(&r, 0x100000, false, 5, 30), -10);
	/* Emptied, and taken by blocks of another size: all of those are new. */
	assert_int_equal(count(&r, 0x100000, false, 9, 12), 12);
	recall_free(&r);
}

static void arenas_come_and_go(void **state)
{
	struct recall r = {0};

	(void)state;
	for (uint64_t round = 0; round < 20; round++) {
		assert_true(recall_begin(&r, 100));
		for (uint64_t i = round; i < round + 100; i++) {
			struct recall_pool *p = &recall_next(&r, (i + 1) << 20)->pool[0];

			/* Each was told of once, when it came. */
			if (i < round + 99 && round)
				assert_true(recall_missed(p) && p->live == i);
			else
				recall_note(p, 1, (uint32_t)i);
		}
	}
	recall_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(swapping_is_no_freeing),
		cmocka_unit_test(coming_back_is_no_growth),
		cmocka_unit_test(arenas_come_and_go),
	};

	return cmocka_run_group_tests_name("recall", tests, NULL, NULL);
}
