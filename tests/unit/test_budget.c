/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The account: what bursts cost in the long run stays below the promise. */
#include "track/budget.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MS 1000000ull

/* @sites probed, windows of @window_ms in which the target does @births. */
static double share_after(double overhead, size_t sites, unsigned window_ms, uint64_t births)
{
	uint64_t now = 1000 * MS, start = now;
	unsigned seed = 3;
	struct budget b;

	budget_init(&b, overhead, now);
	while (now < start + 120000 * MS) {
		seed = seed * 1664525u + 1013904223u;
		now = budget_next(&b, now, seed) + window_ms * MS;
		budget_spend(&b, now, births, window_ms * MS, sites);
	}
	return budget_slowdown(&b, now);
}

static void keeps_the_promise_on_busy_targets(void **state)
{
	(void)state;
	assert_true(share_after(0.03, 1, 10, 100000) < 0.024);
	assert_true(share_after(0.03, 300, 14, 100000) < 0.024);
	assert_true(share_after(0.01, 300, 14, 100000) < 0.008);
	/* and uses what it may use */
	assert_true(share_after(0.03, 300, 14, 100000) > 0.014);
}

static void an_idle_target_pays_per_birth(void **state)
{
	(void)state;
	assert_true(share_after(0.03, 1, 100, 10) < 0.01);
}

static void a_dear_burst_is_followed_by_a_pause(void **state)
{
	struct budget b;
	uint64_t next;

	(void)state;
	budget_init(&b, 0.03, 1);
	budget_spend(&b, 100 * MS, 1000000, 20 * MS, 300);
	next = budget_next(&b, 100 * MS, 0);
	assert_true(next > 300 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_promise_on_busy_targets),
		cmocka_unit_test(an_idle_target_pays_per_birth),
		cmocka_unit_test(a_dear_burst_is_followed_by_a_pause),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
