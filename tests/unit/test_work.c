/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth that slows down since the program waits for a processor, or since its load ebbs, and
 * growth that slows down. */
#include <math.h>

#include "unit.h"

#include "base/thresholds.h"
#include "judge/work.h"

#define RUN_S  60
#define TIME_K 25 /* of what saturates */

static double t[RUN_S], v[RUN_S], w[RUN_S], ran[RUN_S], turns[RUN_S];
static const struct trend_points grown = {RUN_S, t, v, v};

/* The machine fills up: a part of each second is waited for, none at first and @part at last. Grows
 * with the time that it could run, in a line or to a limit. */
static void judge(double part, bool saturates, struct curve *c)
{
	struct work work = {.waited = {RUN_S, t, w, w}};

	for (int i = 0; i < RUN_S; i++) {
		double could;

		t[i] = i;
		w[i] = 7 + part * i * i / (2.0 * RUN_S);
		could = i - w[i] + 7;
		v[i] = 1000 + (saturates ? 5000 * (1 - exp(-could / TIME_K)) : 100 * could) +
		       (double)(i * 7 % 3);
	}
	trend_points_judge(&grown, c);
	assert_int_equal(c->shape, CURVE_SLOWING);
	work_judge(&work, &grown, c);
	assert_false(c->ebbs);
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
	struct work none = {0};
	struct curve c;

	(void)state;
	for (int i = 0; i < RUN_S; i++) {
		t[i] = i;
		v[i] = 100 * (i - 0.8 * i * i / (2.0 * RUN_S)) + (double)(i * 7 % 3);
	}
	trend_points_judge(&grown, &c);
	assert_int_equal(c.shape, CURVE_SLOWING);
	work_judge(&none, &grown, &c);
	assert_int_equal(c.shape, CURVE_SLOWING);
}

/* Below a part of the time, waiting explains nothing. */
static void waits_too_short_to_matter(void **state)
{
	struct work work = {.waited = {RUN_S, t, w, w}};
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
		work_judge(&work, &grown, &c);
		assert_int_equal(c.shape, much ? CURVE_RISING : CURVE_SLOWING);
	}
}

/* ---- A load that ebbs. ---- */

/* Requests a second fall to @ebb of what they were. A request costs @turn turns and 5 ms; each of
 * @miss that misses a cache is one more of both. */
static void ebbing(double ebb, double turn, bool saturates, bool dear_cpu, bool dear_turns)
{
	double done = 0, kept = 0, cpu = 3, turned = 500;

	for (int i = 0; i < RUN_S; i++) {
		double requests = 100 * (1 - (1 - ebb) * i / RUN_S);
		double stays = saturates ? exp(-done / (100.0 * TIME_K)) : 1;

		t[i] = i;
		v[i] = 1000 + round(kept) + (double)(i * 7 % 3);
		ran[i] = cpu;
		turns[i] = turned;
		done += requests;
		kept += requests * stays;
		cpu += requests * 0.005 * (dear_cpu ? 0.1 + stays : 1);
		turned += turn * requests * (dear_turns ? 0.1 + stays : 1);
	}
}

static enum curve_shape shape_of(bool has_turns, bool has_ran, bool *ebbs)
{
	struct work work = {0};
	struct curve c;

	if (has_turns)
		work.turns = (struct trend_points){RUN_S, t, turns, turns};
	if (has_ran)
		work.ran = (struct trend_points){RUN_S, t, ran, ran};
	trend_points_judge(&grown, &c);
	assert_int_equal(c.shape, CURVE_SLOWING);
	work_judge(&work, &grown, &c);
	*ebbs = c.ebbs;
	assert_true(c.shape != CURVE_RISING || c.confidence <= WAITED_SURE);
	return c.shape;
}

static void a_leak_under_a_load_that_ebbs(void **state)
{
	bool ebbs;

	(void)state;
	ebbing(0.4, 1, false, false, false);
	assert_int_equal(shape_of(true, true, &ebbs), CURVE_RISING);
	assert_true(ebbs);
	/* Both must tell it. */
	assert_int_equal(shape_of(true, false, &ebbs), CURVE_SLOWING);
	assert_int_equal(shape_of(false, true, &ebbs), CURVE_SLOWING);
	assert_false(ebbs);
}

static void a_cache_under_any_load(void **state)
{
	bool ebbs;

	(void)state;
	for (int k = 0; k < 3; k++) {
		ebbing(k ? 1 : 0.4, 1, true, k == 1, k == 2);
		assert_int_equal(shape_of(true, true, &ebbs), CURVE_SLOWING);
	}
}

/* A program that hardly ever comes to run has no load that could be told from chance. */
static void too_few_turns(void **state)
{
	bool ebbs;

	(void)state;
	for (int many = 0; many < 2; many++) {
		/* 70 requests a second on the average */
		ebbing(0.4, WORK_TURNS / 70.0 * (many ? 1.15 : 0.85), false, false, false);
		assert_int_equal(shape_of(true, true, &ebbs), many ? CURVE_RISING : CURVE_SLOWING);
	}
}

/* A thread that ends takes its turns out of the sum. */
static void a_thread_that_ends(void **state)
{
	bool ebbs;

	(void)state;
	ebbing(0.4, 1, false, false, false);
	for (int i = RUN_S / 2; i < RUN_S; i++) {
		turns[i] -= 1000;
		ran[i] -= 2;
	}
	assert_int_equal(shape_of(true, true, &ebbs), CURVE_RISING);
}

/* ---- A hundred kinds of traffic, drawn. ---- */

static uint64_t seed;

static double drawn(double low, double high)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return low + (high - low) * (double)(seed >> 11) / 9007199254740992.0;
}

/* Nearly of a normal distribution. */
static double about(double mean, double spread)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum += drawn(0, 1);
	return fmax(0, mean + spread * (sum - 6));
}

enum { RAMP, WAVE, STEP, PAUSE, KINDS };

/* Requests in second @i, as a part of the usual ones. */
static double traffic(int kind, double depth, double at, int i)
{
	switch (kind) {
	case RAMP:
		return 1 - depth * i / RUN_S;
	case WAVE:
		return 1 - depth * (0.5 + 0.5 * sin(6.283 * i / at));
	case STEP:
		return i < at ? 1 : 1 - depth;
	default:
		return i < at || i > at + 15 * depth ? 1 : 0.02;
	}
}

struct drawn_case {
	int kind;
	double depth, at, rate, size, background;
};

static struct drawn_case draw_case(uint64_t n)
{
	struct drawn_case c;

	seed = n * 7919 + 1;
	c.kind = (int)(n % KINDS);
	c.depth = drawn(0.3, 0.8);
	c.at = drawn(15, 40);
	c.rate = drawn(20, 400);
	c.size = drawn(15, 30); /* seconds after which a cache is 63 % full */
	c.background = drawn(0, 0.1);
	return c;
}

/* "rising" is what can be called a leak. */
static bool is_rising(const struct drawn_case *c, double fills, double leaks, unsigned *by_clock)
{
	struct work work = {.turns = {RUN_S, t, turns, turns}, .ran = {RUN_S, t, ran, ran}};
	double done = 0, kept = 0, cpu = 0, turned = 0;
	struct curve curve;
	bool clock;

	for (int i = 0; i < RUN_S; i++) {
		double usual = c->rate * traffic(c->kind, c->depth, c->at, i);
		double requests = round(about(usual, sqrt(usual)));
		double misses = exp(-done / (c->rate * c->size)), new = requests *misses;

		t[i] = i;
		v[i] = 1000 + kept;
		ran[i] = cpu;
		turns[i] = turned;
		done += requests;
		kept += leaks * requests + fills * round(about(new, sqrt(new *(1 - misses))));
		cpu += requests * 0.002 * drawn(0.95, 1.05) + c->background * 0.002 * c->rate;
		turned += round(about(1.3 * requests, sqrt(requests)) + c->background * c->rate);
	}
	trend_points_judge(&grown, &curve);
	clock = curve.shape == CURVE_RISING;
	work_judge(&work, &grown, &curve);
	if (by_clock)
		*by_clock += clock;
	return curve.shape == CURVE_RISING;
}

static void a_hundred_kinds_of_traffic(void **state)
{
	unsigned leaks = 0, leaks_by_clock = 0, caches = 0, caches_by_clock = 0, both = 0,
		 both_by_clock = 0;

	(void)state;
	for (uint64_t n = 0; n < 100; n++) {
		struct drawn_case c = draw_case(n);

		leaks += is_rising(&c, 0, 1, &leaks_by_clock);
		caches += is_rising(&c, 1, 0, &caches_by_clock);
		c.size /= 4;
		both += is_rising(&c, 1, 0.5, &both_by_clock);
	}
	printf("of 100 called by the clock alone, and with the work that was done: leaks %u, %u; "
	       "caches %u, %u; "
	       "a leak behind a warm-up %u, %u\n",
	       leaks_by_clock, leaks, caches_by_clock, caches, both_by_clock, both);
	assert_true(leaks >= 95);
	assert_int_equal(caches, 0);
	assert_true(both + 3 >= both_by_clock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leak_that_has_to_wait),
		cmocka_unit_test(a_cache_that_has_to_wait),
		cmocka_unit_test(growth_that_waits_for_nothing),
		cmocka_unit_test(waits_too_short_to_matter),
		cmocka_unit_test(a_leak_under_a_load_that_ebbs),
		cmocka_unit_test(a_cache_under_any_load),
		cmocka_unit_test(too_few_turns),
		cmocka_unit_test(a_thread_that_ends),
		cmocka_unit_test(a_hundred_kinds_of_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
