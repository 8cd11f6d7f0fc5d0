/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Slopes: what grows stands out, what only moves does not. */
#include "base/batches.h"
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

/* jemalloc's memory, in KiB: 2.7 MiB were taken at once after 12 s, and 1.3 given back after 41;
 * the other process gave back twice, the last time after 21 s. */
static const double took_t[] = {0,  1,	2,  3,	4,  5,	7,  8,	10, 12, 14, 15,
				18, 19, 21, 23, 24, 26, 28, 30, 32, 34, 36, 38,
				39, 41, 43, 44, 46, 47, 49, 50, 51, 52, 53},
		    took[] = {54512, 54908, 55616, 55528, 56216, 56228, 56968, 56992, 57876,
			      58020, 60764, 60956, 61788, 61960, 62880, 63024, 63740, 64076,
			      64872, 65056, 65884, 66104, 66872, 67272, 67940, 68172, 66848,
			      67300, 67704, 68172, 68356, 68732, 69172, 69468, 69744},
		    twice_t[] = {0,  1,	 2,  3,	 4,  5,	 6,  8,	 10, 12, 13,
				 15, 17, 19, 21, 23, 24, 26, 28, 30, 32},
		    twice[] = {56164, 56464, 57220, 57120, 57816, 57832, 58540,
			       58644, 59532, 59620, 62356, 62592, 63324, 61724,
			       62552, 60744, 61436, 61764, 62596, 62772, 63628};

/* @more was given back before point @at, too. */
static struct curve memory_curve(const double *t, const double *kib, size_t n, size_t at,
				 double more)
{
	double v[64];
	struct trend_points p = {n, (double *)t, v, v};
	struct curve c;

	for (size_t i = 0; i < n; i++)
		v[i] = 1024 * (kib[i] - (i >= at ? more : 0));
	trend_memory_judge(&p, &c);
	return c;
}

/* It goes on over a fall when half as much again has been taken since. */
static void what_an_allocator_gives_back_is_no_end(void **state)
{
	size_t n = ARRAY_SIZE(took), m = ARRAY_SIZE(twice);
	struct curve c = memory_curve(took_t, took, n, 0, 0);

	(void)state;
	assert_int_equal(c.shape, CURVE_RISING);
	assert_true(fabs(c.slope / 1024 - 285) < 15);
	assert_int_equal(memory_curve(took_t, took, n, 26, 515).shape, CURVE_RISING);
	c = memory_curve(took_t, took, n, 26, 708);
	assert_true(c.shape != CURVE_RISING && c.is_torn);
	assert_int_equal(memory_curve(took_t, took, n, 26, -300).shape, CURVE_SLOWING);
	assert_true(memory_curve(twice_t, twice, m, 0, 0).is_torn);
	/* It is half of what was gained. */
	assert_false(memory_curve(twice_t, twice, m, 15, 300).is_torn);
}

/* A store that is full, and makes room for a quarter of it each time. */
static void what_makes_room_goes_nowhere(void **state)
{
	double t[60], v[60];
	struct trend_points p = {60, t, v, v};
	struct curve c;

	(void)state;
	for (size_t i = 0; i < p.n; i++) {
		t[i] = (double)i;
		v[i] = i < 30 ? 3e5 * t[i] : 6.3e6 + 3e5 * fmod(t[i], 9);
	}
	for (p.n = 36; p.n <= 60; p.n++) {
		trend_memory_judge(&p, &c);
		assert_true(c.shape != CURVE_RISING);
	}
}

/* A cache of 6,000 keys, whose load of 4,000 looks comes in two seconds of each fifteen. */
static double looks_now_and_then(double t)
{
	return 1000 + 6000 * (1 - exp(-(floor(t / 15) + fmin(fmod(t, 15) / 2, 1)) / 1.5));
}

static const double *batch; /* one each 20 seconds, the last of which comes again */
#define BATCHES 4

static double batches(double t)
{
	double sum = 1000;

	for (size_t i = 0; t >= 20 * (double)i; i++)
		sum += batch[i < BATCHES ? i : BATCHES - 1] * fmin((t - 20 * (double)i) / 2, 1);
	return sum;
}

static enum curve_shape shape_of(double (*f)(double t), double from, double seconds)
{
	struct trend_set *s;
	struct curve c;

	assert_int_equal(trend_set_new(1, 1, &s), 0);
	for (double t = 0; t < seconds; t += 0.5) {
		double v = f(from + t);

		trend_set_add(s, t, &v);
	}
	trend_set_judge(s, 0, &c);
	trend_set_free(s);
	return c.shape;
}

/* Two batches that are seen whole, the second of which brought half of the first, make no line. */
static void batches_that_wane_are_a_cache(void **state)
{
	(void)state;
	for (double from = 0; from < 15; from++)
		for (double until = 50; until <= 120; until++)
			assert_int_not_equal(shape_of(looks_now_and_then, from, until),
					     CURVE_RISING);
}

/* 2,000 come at once, 1,000 later, and then nothing for @rest_s; in all of that each other value is
 * @off higher. */
static bool wanes(double rest_s, double off)
{
	double t[101], v[101];

	for (size_t i = 0; i <= 100; i++) {
		t[i] = (double)i;
		v[i] = (i > 30 ? 2000 : 0) + (t[i] >= 100 - rest_s ? 1000 : 0) + (i % 2 ? off : 0);
	}
	return batches_wane(&(struct curve_points){.t = t, .v = v, .n = 101, .grain = 1});
}

static void how_long_and_how_calm_a_pause_is(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		double factor = i ? 1.15 : 0.85;

		assert_int_equal(wanes(10 * factor, 0), i);
		assert_int_equal(wanes(15, 150 * factor), !i);
	}
}

/* One batch each @gap_s of a hundred seconds, over a slope. */
static bool waned(const double *brought, double gap_s, double per_s)
{
	double t[101], v[101], sum = 0;
	size_t come = 0;

	for (size_t i = 0; i <= 100; i++) {
		t[i] = (double)i;
		for (; t[i] >= gap_s * (double)(come + 1); come++)
			sum += brought[come];
		v[i] = sum + per_s * t[i];
	}
	return batches_wane(&(struct curve_points){.t = t, .v = v, .n = 101, .grain = 1});
}

/* For each reason a case on either side of it, in which no other reason holds. */
static void each_reason_against_a_cache_is_enough_alone(void **state)
{
	static const struct {
		double brought[6], gap_s, per_s;
		bool wanes;
	} cases[] = {
		/* the one that has just begun brings more than nine tenths of the last */
		{{2000, 1000, 800}, 31, 0, true},
		{{2000, 1000, 1000}, 31, 0, false},
		/* in the pauses it rises by more than a quarter */
		{{2000, 1000, 500, 300, 200, 100}, 15, 10, true},
		{{2000, 1000, 500, 300, 200, 100}, 15, 15, false},
		/* chance makes so much of a few objects */
		{{1000, 800, 700, 600}, 25, 0, true},
		{{10, 8, 7, 6}, 25, 0, false},
		/* the last brings three quarters of the first */
		{{2000, 1700, 1480, 1300}, 25, 0, true},
		{{2000, 1790, 1600, 1400}, 25, 0, false},
		/* one brings as much as the one before */
		{{2000, 1000, 880, 700}, 25, 0, true},
		{{2000, 1000, 920, 700}, 25, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(waned(cases[i].brought, cases[i].gap_s, cases[i].per_s),
				 cases[i].wanes);
}

/* Those of a leak are not all as big, and soon one comes that brings as much as those before. */
static void batches_of_any_size_go_on(void **state)
{
	static const double sizes[][BATCHES] = {{2000, 1000, 2000, 1000},
						{1500, 2000, 1300, 1800},
						{2000, 1900, 1850, 1850},
						{2000, 1200, 1600, 1300},
						{60, 50, 40, 60}};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
		batch = sizes[k];
		for (double until = 70; until < 100; until++)
			assert_int_equal(shape_of(batches, -5, until), CURVE_RISING);
	}
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
		cmocka_unit_test(what_an_allocator_gives_back_is_no_end),
		cmocka_unit_test(what_makes_room_goes_nowhere),
		cmocka_unit_test(batches_that_wane_are_a_cache),
		cmocka_unit_test(batches_of_any_size_go_on),
		cmocka_unit_test(how_long_and_how_calm_a_pause_is),
		cmocka_unit_test(each_reason_against_a_cache_is_enough_alone),
		cmocka_unit_test(few_points_say_nothing),
	};

	return cmocka_run_group_tests_name("trend", tests, NULL, NULL);
}
