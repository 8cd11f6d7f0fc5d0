/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How old the time is that was watched, and which part of it was. */
#include "base/coverage.h"
#include "unit/unit.h"

#include <math.h>

#define S 1000000000ull

static struct coverage c;

static void even_windows(void **state)
{
	(void)state;
	memset(&c, 0, sizeof(c));
	assert_true(coverage_age_s(&c, 0, 100 * S, 0) == 0);
	/* many more than there is room for: neighbours become one */
	for (uint64_t i = 0; i < 20000; i++)
		coverage_add(&c, 1000 * S + i * S / 10, 1000 * S + i * S / 10 + S / 100);
	assert_true(c.n <= COVERAGE_POINTS);
	assert_true(fabs(coverage_age_s(&c, 0, 3000 * S, 0) - 1000) < 5);
	assert_true(fabs(coverage_age_s(&c, 0, 3000 * S, 1000) - 1500) < 10);
	assert_true(fabs(coverage_age_s(&c, 2000 * S, 3000 * S, 0) - 500) < 10);
}

/* A hundred seconds with a hundredth of the time, and twenty with all of it. */
static void probes_that_stay_in(void **state)
{
	(void)state;
	memset(&c, 0, sizeof(c));
	for (uint64_t i = 0; i < 100; i++)
		coverage_add(&c, i * S, i * S + S / 100);
	for (uint64_t i = 0; i < 20; i++)
		coverage_add(&c, (100 + i) * S, (101 + i) * S);
	assert_true(fabs(coverage_age_s(&c, 0, 120 * S, 0) - (20 * 10 + 1 * 70) / 21.0) < 0.5);
	assert_true(fabs(coverage_share(&c, 0, 99 * S) - 0.01) < 0.001);
	assert_true(fabs(coverage_share(&c, 101 * S, 119 * S) - 1) < 0.1);
	assert_true(coverage_share(&c, 5 * S + S / 200, 5 * S + S / 150) > 0.99); /* within one */
	assert_true(coverage_share(&c, 200 * S, 300 * S) == 0);
	coverage_add(&c, 5 * S, 5 * S); /* nothing */
	assert_int_equal(c.n, 120);
}

static void the_windows_of_a_birth(void **state)
{
	(void)state;
	memset(&c, 0, sizeof(c));
	assert_true(coverage_at(&c, 0, 5 * S) == 0);
	for (uint64_t i = 1; i <= 10; i++)
		coverage_add(&c, i * S, i * S + S / 50);
	for (uint64_t i = 1; i <= 10; i++)
		coverage_add(&c, 10 * S + i * S, 10 * S + i * S + S / 10);
	for (uint64_t i = 0; i < 100; i++)
		coverage_add(&c, 21 * S + i * S / 10, 21 * S + (i + 1) * S / 10);
	/* Before the first one nothing else is known. */
	assert_true(fabs(coverage_at(&c, 0, S / 2) - 1 / 51.0) < 1e-4);
	assert_true(fabs(coverage_at(&c, 0, S + 1) - 1 / 50.0) < 1e-4);
	assert_true(fabs(coverage_at(&c, 0, 10 * S + 1) - 1 / 50.0) < 1e-4);
	assert_true(fabs(coverage_at(&c, 0, 20 * S + 1) - 1 / 10.0) < 1e-4);
	assert_true(fabs(coverage_at(&c, 0, 30 * S) - 1) < 1e-6);
	assert_true(fabs(coverage_at(&c, 0, 99 * S) - 1) < 1e-6);
	/* Many windows, which become one point. */
	memset(&c, 0, sizeof(c));
	for (uint64_t i = 0; i < 20000; i++)
		coverage_add(&c, 1000 * S + i * S / 10, 1000 * S + i * S / 10 + S / 100);
	assert_true(fabs(coverage_at(&c, 1000 * S, 2000 * S) - 0.1) < 0.005);
	assert_true(fabs(coverage_at(&c, 1000 * S, 3000 * S) - 0.1) < 0.005);
	/* Long ones and short ones far behind them, which become one point, too. */
	memset(&c, 0, sizeof(c));
	for (uint64_t i = 0; i < 2000; i++)
		coverage_add(&c, i * 30 * S, i * 30 * S + (i % 2 ? S / 200 : S / 10));
	assert_true(fabs(coverage_at(&c, 0, 30000 * S) - 0.105 / 60) < 0.0002);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(even_windows),
		cmocka_unit_test(probes_that_stay_in),
		cmocka_unit_test(the_windows_of_a_birth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
