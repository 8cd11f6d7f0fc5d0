/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sites that are enough to see all births of a class, or of a type. */
#include "places/birthplaces.h"
#include "unit/unit.h"

#include <math.h>

#define SITES 8

static struct birthplaces b;

static int begin(void **state)
{
	(void)state;
	memset(&b, 0, sizeof(b));
	return 0;
}

static int end(void **state)
{
	(void)state;
	birthplaces_forget(&b);
	return 0;
}

/* Instances of ten classes are born at site 3, each class has dicts of its own at site 1. */
static void learn_classes(void)
{
	for (uint64_t type = 100; type < 110; type++)
		assert_true(birthplaces_learn(&b, type, 3));
	assert_true(birthplaces_learn(&b, 7, 1));
	assert_true(birthplaces_learn(&b, 7, 2));
	b.births[1] = 500;
	b.births[2] = 400;
	b.births[3] = 100;
}

static void sites_of_a_type(void **state)
{
	bool want[PL_MAX_SITES] = {false};
	size_t n;

	(void)state;
	learn_classes();
	assert_false(birthplaces_learn(&b, 105, 3));
	assert_true(birthplaces_add(&b, 105, 0.15, SITES, want));
	assert_true(fabs(birthplaces_share(&b, want, SITES, &n) - 0.1) < 0.001);
	assert_int_equal(n, 1);
	assert_true(want[3]);
	/* With dicts it would be nearly all births: they stay out. */
	assert_false(birthplaces_add(&b, 7, 0.15, SITES, want));
	assert_false(want[1] || want[2]);
}

static void a_type_that_nobody_met(void **state)
{
	bool want[PL_MAX_SITES] = {false}, none[PL_MAX_SITES] = {false};

	(void)state;
	assert_false(birthplaces_add(&b, 0, 0.15, SITES, none));
	learn_classes();
	assert_false(birthplaces_add(&b, 999, 0.15, SITES, none));
	assert_true(birthplaces_add(&b, 0, 0.15, SITES, want));
	assert_true(want[3] && !want[1] && !want[2]);
}

static void sites_of_a_class(void **state)
{
	bool want[PL_MAX_SITES] = {false};

	(void)state;
	learn_classes();
	assert_true(birthplaces_learn_class(&b, 7, 1));
	assert_false(birthplaces_learn_class(&b, 7, 1));
	/* Types that were never seen whole may be of any class. */
	birthplaces_of_classes(&b, 2, want);
	assert_true(want[3] && !want[1] && !want[2]);
	birthplaces_of_classes(&b, 1, want);
	assert_true(want[1] && want[2]);
}

static const struct pl_birth *births_of_105(void)
{
	static struct pl_birth ring[PL_BIRTH_SLOTS];

	for (size_t i = 0; i < PL_BIRTH_SLOTS; i++)
		ring[i] = (struct pl_birth){.type = 105, .site = 3};
	return ring;
}

static void seen_more_often(void **state)
{
	const struct pl_birth *ring = births_of_105();
	uint64_t type = 105;

	(void)state;
	learn_classes();
	assert_true(birthplaces_often(&b, 105) == 1);
	birthplaces_count(&b, ring, PL_BIRTH_SLOTS - 400, PL_BIRTH_SLOTS + 500, &type, 1, 0);
	assert_true(fabs(birthplaces_often(&b, 105) - 10) < 0.001);
	/* Others of the same site were not looked at. */
	assert_true(birthplaces_often(&b, 104) == 1);
	assert_int_equal(b.births[3], 100);
	/* As many again on all sites. */
	birthplaces_count(&b, ring, 7, 107, NULL, 0, 0);
	assert_true(fabs(birthplaces_often(&b, 105) - 5.5) < 0.001);
	assert_true(birthplaces_often(&b, 7) == 1);
	assert_true(birthplaces_often(&b, 999) == 1);
}

/* Its class was looked at before the type was: others of that class were seen as often. */
static void seen_with_its_class(void **state)
{
	const struct pl_birth *ring = births_of_105();
	uint64_t type = 105;

	(void)state;
	learn_classes();
	assert_true(birthplaces_learn_class(&b, 105, 1 << 4));
	birthplaces_count(&b, ring, 0, 300, NULL, 0, 1 << 4 | 1 << 5);
	birthplaces_count(&b, ring, 0, 900, NULL, 0, 1 << 5);
	assert_int_equal(b.births[3], 100);
	birthplaces_count(&b, ring, 0, 400, &type, 1, 0);
	assert_true(fabs(birthplaces_often(&b, 105) - 2) < 0.001);
	/* As many again. */
	birthplaces_count(&b, ring, 0, 400, NULL, 0, 1 << 4);
	assert_true(fabs(birthplaces_often(&b, 105) - 1.5) < 0.001);
	assert_true(birthplaces_often(&b, 104) == 1);
}

/* The set was blind to some births: those that it saw are taken back, and no others. */
static void taken_back(void **state)
{
	const struct pl_birth *ring = births_of_105();
	uint64_t type = 105;

	(void)state;
	learn_classes();
	assert_true(birthplaces_learn_class(&b, 105, 1 << 4));
	birthplaces_count(&b, ring, 0, 300, &type, 1, 0);
	birthplaces_begin_set(&b);
	birthplaces_count(&b, ring, 0, 600, &type, 1, 0);
	assert_true(fabs(birthplaces_often(&b, 105) - 10) < 0.001);
	birthplaces_take_back(&b, &type, 1, 0);
	assert_true(fabs(birthplaces_often(&b, 105) - 4) < 0.001);
	birthplaces_count(&b, ring, 0, 200, NULL, 0, 1 << 4);
	assert_true(fabs(birthplaces_often(&b, 105) - 2) < 0.001);
	birthplaces_take_back(&b, NULL, 0, 1 << 5);
	assert_true(fabs(birthplaces_often(&b, 105) - 2) < 0.001);
	birthplaces_take_back(&b, NULL, 0, 1 << 4);
	assert_true(fabs(birthplaces_often(&b, 105) - 4) < 0.001);
}

static void by_their_stacks(void **state)
{
	static struct pl_birth ring[PL_BIRTH_SLOTS];
	struct traffic t = {0};

	(void)state;
	for (size_t i = 0; i < PL_BIRTH_SLOTS; i++)
		ring[i] = (struct pl_birth){.type = i % 4 > 0, .stack = i % 4 - 1};
	birthplaces_by_stack(ring, 0, 0, &t);
	assert_int_equal(t.n_moments, 0);
	birthplaces_by_stack(ring, PL_BIRTH_SLOTS - 4, PL_BIRTH_SLOTS + 4, &t);
	assert_int_equal(t.n_moments, 1);
	/* stacks 1 and 2; what has none counts as of 1 */
	assert_int_equal(t.n_rows, 3);
	for (size_t i = 1; i < 3; i++)
		assert_int_equal(t.row[i].n[0], t.row[i].stack == 1 ? 4 : 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sites_of_a_type, begin, end),
		cmocka_unit_test_setup_teardown(a_type_that_nobody_met, begin, end),
		cmocka_unit_test_setup_teardown(sites_of_a_class, begin, end),
		cmocka_unit_test_setup_teardown(seen_more_often, begin, end),
		cmocka_unit_test_setup_teardown(seen_with_its_class, begin, end),
		cmocka_unit_test_setup_teardown(taken_back, begin, end),
		cmocka_unit_test(by_their_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
