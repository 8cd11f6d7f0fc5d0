/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth that slows down since the program waits for a processor, and growth that slows down. */
#include <math.h>

#include "unit.h"

#include "base/thresholds.h"
#include "judge/waited.h"

#define RUN_S  60
#define TIME_K 25 /* of what saturates */

/* The machine fills up: a part of each second is waited for, none at first and @part at last. Grows
 * with the time that it could run, in a line or to a limit. */
static void judge(double part, bool saturates, struct curve *c)
{
	static double t[RUN_S], v[RUN_S], w[RUN_S];
	struct trend_points p = {RUN_S, t, v, v}, waited = {RUN_S, t, w, w};

	for (int i = 0; i < RUN_S; i++) {
		double could;

		t[i] = i;
		w[i] = 7 + part * i * i / (2.0 * RUN_S);
		could = i - w[i] + 7;
		v[i] = 1000 + (saturates ? 5000 * (1 - exp(-could / TIME_K)) : 100 * could) +
		       (double)(i * 7 % 3);
	}
	trend_points_judge(&p, c);
	assert_int_equal(c->shape, CURVE_SLOWING);
	waited_judge(&waited, &p, c);
}

static void a_leak_that_has_to_wait(void **state)
{
	struct curve c;

	(void)state;
	judge(0.8, false, &c);
	assert_int_equal(c.shape, CURVE_RISING);
	assert_true(c.confidence <= WAITED_SURE);
	/* it had 36 of 60 seconds */
	assert_true(c.slope > 50 && c.slope < 70);
	assert_true(c.low <= c.slope && c.slope <= c.high);
	assert_true(c.since_s > RUN_S / 2.0 && c.since_s <= RUN_S);
}

static void a_cache_that_has_to_wait(void **state)
{
	struct curve c;

	(void)state;
	judge(0.4, true, &c);
	assert_int_not_equal(c.shape, CURVE_RISING);
}

static void growth_that_waits_for_nothing(void **state)
{
	struct trend_points none = {0};
	static double t[RUN_S], v[RUN_S];
	struct trend_points p = {RUN_S, t, v, v};
	struct curve c;

	(void)state;
	for (int i = 0; i < RUN_S; i++) {
		t[i] = i;
		v[i] = 100 * (i - 0.8 * i * i / (2.0 * RUN_S)) + (double)(i * 7 % 3);
	}
	trend_points_judge(&p, &c);
	assert_int_equal(c.shape, CURVE_SLOWING);
	waited_judge(&none, &p, &c);
	assert_int_equal(c.shape, CURVE_SLOWING);
}

/* Below a part of the time, waiting explains nothing. */
static void waits_too_short_to_matter(void **state)
{
	static double t[RUN_S], v[RUN_S], w[RUN_S];
	struct trend_points p = {RUN_S, t, v, v}, waited = {RUN_S, t, w, w};
	struct curve c, before = {.shape = CURVE_SLOWING, .slope = 1};

	(void)state;
	for (int much = 0; much < 2; much++) {
		double part = WAITED_PART * (much ? 1.15 : 0.85);

		for (int i = 0; i < RUN_S; i++) {
			t[i] = i;
			w[i] = part * i;
			v[i] = 100 * i;
		}
		c = before;
		waited_judge(&waited, &p, &c);
		assert_int_equal(c.shape, much ? CURVE_RISING : CURVE_SLOWING);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leak_that_has_to_wait),
		cmocka_unit_test(a_cache_that_has_to_wait),
		cmocka_unit_test(growth_that_waits_for_nothing),
		cmocka_unit_test(waits_too_short_to_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
