/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Slopes: what grows stands out, what only moves does not. */
#include "base/trend.h" /* before cmocka.h, which has a macro fail() */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static double noise(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (double)(*seed >> 8) / (1 << 24);
}

/* 20 readings a second for @seconds of f(t), one series. */
static struct trend_fit fit_of(double (*f)(double t, unsigned *seed), double seconds)
{
	struct trend_set *s;
	struct trend_fit fit;
	unsigned seed = 7;

	assert_int_equal(trend_set_new(1, 1, &s), 0);
	for (double t = 0; t < seconds; t += 0.05) {
		double v = f(t, &seed);

		trend_set_add(s, t, &v);
	}
	trend_set_fit(s, 0, &fit);
	trend_set_free(s);
	return fit;
}

static double steady_leak(double t, unsigned *seed)
{
	(void)seed;
	return 1000 + floor(20 * t);
}

static double leak_under_churn(double t, unsigned *seed)
{
	return 50000 + floor(20 * t) + 400 * noise(seed);
}

static double churn(double t, unsigned *seed)
{
	(void)t;
	return 50000 + 400 * noise(seed);
}

static double sawtooth(double t, unsigned *seed)
{
	(void)seed;
	return 1000 + 500 * fmod(t, 5);
}

static double filled(double t, unsigned *seed)
{
	(void)seed;
	return t < 8 ? 1000 + 100 * t : 1800;
}

static double flat(double t, unsigned *seed)
{
	(void)t;
	(void)seed;
	return 12345;
}

static void sees_a_steady_leak_exactly(void **state)
{
	struct trend_fit f = fit_of(steady_leak, 20);

	(void)state;
	assert_true(f.growing);
	assert_true(fabs(f.slope - 20) < 0.5);
}

static void sees_a_slow_leak_under_churn(void **state)
{
	struct trend_fit f = fit_of(leak_under_churn, 20);

	(void)state;
	assert_true(f.growing);
	assert_true(fabs(f.slope - 20) < 5);
}

static void calls_no_churn_growth(void **state)
{
	(void)state;
	assert_false(fit_of(churn, 20).growing);
	assert_false(fit_of(flat, 20).growing);
	assert_false(fit_of(sawtooth, 22).growing);
}

static void what_filled_up_has_stopped_growing(void **state)
{
	(void)state;
	assert_true(fit_of(filled, 8).growing);
	assert_false(fit_of(filled, 24).growing);
}

static void merges_buckets_over_a_long_run(void **state)
{
	struct trend_fit f = fit_of(steady_leak, 1500);

	(void)state;
	assert_true(f.growing);
	assert_true(fabs(f.slope - 20) < 0.1);
	assert_true(f.span_s > 1400);
}

static void few_points_say_nothing(void **state)
{
	const double t[] = {0, 1}, y[] = {0, 100};
	struct trend_fit f;

	(void)state;
	trend_fit(t, y, 2, &f);
	assert_false(f.growing);
	trend_fit(NULL, NULL, 0, &f);
	assert_false(f.growing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sees_a_steady_leak_exactly),
		cmocka_unit_test(sees_a_slow_leak_under_churn),
		cmocka_unit_test(calls_no_churn_growth),
		cmocka_unit_test(what_filled_up_has_stopped_growing),
		cmocka_unit_test(merges_buckets_over_a_long_run),
		cmocka_unit_test(few_points_say_nothing),
	};

	return cmocka_run_group_tests_name("trend", tests, NULL, NULL);
}
