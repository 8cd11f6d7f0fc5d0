/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth that slows down since the program waits for a processor, or since its load ebbs, and
 * growth that slows down. */
#include <math.h>

#include "unit.h"
#include "draws.h"

#include "base/thresholds.h"
#include "base/work.h"

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

/* By the clock a cache fills, under one load; its threads wait side by side ever more, and are no
 * slower for it: the processor time goes on as before. */
static void a_cache_on_a_machine_that_gets_busier(void **state)
{
	static const struct {
		double size, part;
		int seconds;
	} cases[] = {{60, 0.6, 60}, {40, 0.95, 80}, {100, 0.6, 100}, {100, 0.5, 60}};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		size_t n = (size_t)cases[k].seconds;
		double at[100], kept[100], waited[100], cpu[100];
		const struct trend_points cache = {n, at, kept, kept};
		struct work work = {.waited = {n, at, waited, waited}, .ran = {n, at, cpu, cpu}};
		struct curve c;

		for (size_t i = 0; i < n; i++) {
			at[i] = (double)i;
			kept[i] = 1000 + floor(6000 * (1 - exp(-at[i] / cases[k].size)));
			waited[i] = 7 + cases[k].part * at[i] * at[i] / (2.0 * cases[k].seconds);
			cpu[i] = 0.2 * at[i];
		}
		trend_points_judge(&cache, &c);
		assert_int_equal(c.shape, CURVE_SLOWING);
		work_judge(&work, &cache, &c);
		assert_int_equal(c.shape, CURVE_SLOWING);
	}
}

/* It ran for less because it could run for less. */
static void a_leak_that_ran_for_less(void **state)
{
	struct work work = {.waited = {RUN_S, t, w, w}, .ran = {RUN_S, t, ran, ran}};
	struct curve c;

	(void)state;
	judge(0.8, false, &c);
	for (int i = 0; i < RUN_S; i++)
		ran[i] = 0.9 * (i - w[i] + 7);
	trend_points_judge(&grown, &c);
	work_judge(&work, &grown, &c);
	assert_int_equal(c.shape, CURVE_RISING);
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

/* Requests a second fall to @ebb of what they were. A request costs @turn turns and 5 ms; one that
 * misses the cache is so many times as dear in both. */
struct ebb {
	double ebb, turn, miss_cpu, miss_turns;
	bool saturates;
};

static void run_ebb(const struct ebb *e)
{
	double done = 0, kept = 0, cpu = 3, turned = 500;

	for (int i = 0; i < RUN_S; i++) {
		double requests = 100 * (1 - (1 - e->ebb) * i / RUN_S);
		double misses = e->saturates ? exp(-done / (100.0 * TIME_K)) : 0;

		t[i] = i;
		v[i] = 1000 + round(kept) + (double)(i * 7 % 3);
		ran[i] = cpu;
		turns[i] = turned;
		done += requests;
		kept += requests * (e->saturates ? misses : 1);
		cpu += requests * 0.005 * (1 + misses * e->miss_cpu);
		turned += e->turn * requests * (1 + misses * e->miss_turns);
	}
}

static struct curve judged(bool has_turns, bool has_ran)
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
	return c;
}

static void a_leak_under_a_load_that_ebbs(void **state)
{
	struct curve c;

	(void)state;
	/* by a little */
	run_ebb(&(struct ebb){.ebb = 0.6, .turn = 1});
	c = judged(true, true);
	assert_int_equal(c.shape, CURVE_RISING);
	assert_true(c.ebbs && c.confidence <= WORK_SURE && c.slope > 50 && c.slope < 90);
	/* Both must tell it. */
	assert_int_equal(judged(true, false).shape, CURVE_SLOWING);
	assert_int_equal(judged(false, true).shape, CURVE_SLOWING);
	assert_false(judged(false, true).ebbs);
	/* by a lot: a cache might do so, too */
	run_ebb(&(struct ebb){.ebb = 0.25, .turn = 1});
	c = judged(true, true);
	assert_int_equal(c.shape, CURVE_SLOWING);
	assert_true(c.ebbs);
}

/* More is asked for from the 20th second on: by the clock that is another line, steeper. @fills and
 * @stays: objects that come to stay of the first requests, and of all; @by_clock: in a second. */
static struct curve under_a_step_up(double fills, double stays, double by_clock, bool has_ran)
{
	struct work work = {.turns = {RUN_S, t, turns, turns}};
	struct curve c;
	double done = 0;

	for (int i = 0; i < RUN_S; i++) {
		t[i] = i;
		v[i] = 1000 + round(fills * (1 - exp(-done / 3000)) + stays * done + by_clock * i) +
		       (double)(i * 7 % 3);
		turns[i] = 500 + done;
		ran[i] = 3 + 0.005 * done;
		done += i < 20 ? 25 : 100;
	}
	if (has_ran)
		work.ran = (struct trend_points){RUN_S, t, ran, ran};
	trend_points_judge(&grown, &c);
	assert_int_equal(c.shape, CURVE_RISING);
	work_judge(&work, &grown, &c);
	assert_int_equal(c.shape, c.fills ? CURVE_SLOWING : CURVE_RISING);
	return c;
}

static void a_cache_under_a_load_that_rises(void **state)
{
	(void)state;
	assert_true(under_a_step_up(6000, 0, 0, true).fills);
	/* a leak behind a warm-up: at last half of it goes on, or most */
	assert_true(under_a_step_up(6000, 0.1, 0, true).fills);
	assert_false(under_a_step_up(3000, 0.5, 0, true).fills);
	assert_false(under_a_step_up(600, 0.9, 0, true).fills);
	assert_false(under_a_step_up(0, 1, 0, true).fills);
	assert_false(under_a_step_up(0, 0, 50, true).fills);
	/* Both must tell it. */
	assert_false(under_a_step_up(6000, 0, 0, false).fills);
}

/* A cache keeps its pace while ever more is asked for. */
static void less_for_more_work(void **state)
{
	(void)state;
	assert_true(under_a_step_up(6000, 0, 0, true).lags);
	assert_true(under_a_step_up(0, 0, 50, true).lags);
	assert_false(under_a_step_up(0, 1, 0, true).lags);
	/* Both must tell it. */
	assert_false(under_a_step_up(6000, 0, 0, false).lags);
	/* As much is asked for as before. */
	run_ebb(&(struct ebb){1, 1, 0, 0, true});
	assert_false(judged(true, true).lags);
}

/* Growth from the 20th second on ebbs as the load does since. */
static void a_leak_that_begins_late(void **state)
{
	struct work work = {.turns = {RUN_S, t, turns, turns}, .ran = {RUN_S, t, ran, ran}};
	struct curve c;

	(void)state;
	run_ebb(&(struct ebb){.ebb = 0.25, .turn = 1});
	for (int i = RUN_S - 1; i >= 0; i--)
		v[i] = i < 20 ? v[20] : v[i];
	trend_points_judge(&grown, &c);
	assert_int_equal(c.shape, CURVE_SLOWING);
	work_judge(&work, &grown, &c);
	assert_true(c.ebbs);
}

static void a_cache_under_any_load(void **state)
{
	static const struct ebb caches[] = {
		{0.4, 1, 0, 0, true}, {1, 1, 0, 0, true}, {1, 1, 20, 0, true}, {1, 1, 0, 20, true}};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(caches); k++) {
		struct curve c;

		run_ebb(&caches[k]);
		c = judged(true, true);
		assert_int_equal(c.shape, CURVE_SLOWING);
		assert_false(c.ebbs);
	}
	/* Its misses are nearly all that is done. */
	run_ebb(&(struct ebb){1, 1, 20, 20, true});
	assert_int_equal(judged(true, true).shape, CURVE_SLOWING);
	assert_true(judged(true, true).ebbs);
}

/* A program that hardly ever comes to run has no load that could be told from chance. */
static void too_few_turns(void **state)
{
	(void)state;
	for (int many = 0; many < 2; many++) {
		/* 80 requests a second on the average */
		run_ebb(&(struct ebb){.ebb = 0.6,
				      .turn = WORK_TURNS / 80.0 * (many ? 1.15 : 0.85)});
		assert_int_equal(judged(true, true).ebbs, many);
	}
}

/* A thread that ends takes its turns out of the sum. */
static void a_thread_that_ends(void **state)
{
	(void)state;
	run_ebb(&(struct ebb){.ebb = 0.6, .turn = 1});
	for (int i = RUN_S / 2; i < RUN_S; i++) {
		turns[i] -= 1000;
		ran[i] -= 2;
	}
	assert_true(judged(true, true).ebbs);
}

/* The work is not known of the end, or of the beginning. */
static void work_of_another_time(void **state)
{
	struct curve c;

	(void)state;
	run_ebb(&(struct ebb){.ebb = 0.6, .turn = 1});
	for (int late = 0; late < 2; late++)
		for (int n = 0; n < 4; n++) {
			struct trend_points part = {RUN_S - (size_t)n, t + (late ? n : 0),
						    turns + (late ? n : 0), turns};
			struct work work = {.turns = part, .ran = {RUN_S, t, ran, ran}};

			trend_points_judge(&grown, &c);
			work_judge(&work, &grown, &c);
			assert_int_equal(c.ebbs, n <= WORK_APART_S);
		}
}

/* Memory that was given back first: the third of the time in which it fell says nothing. */
static void a_cache_behind_a_fall(void **state)
{
	struct curve c;
	struct work work = {.turns = {RUN_S, t, turns, turns}, .ran = {RUN_S, t, ran, ran}};

	(void)state;
	for (int i = 0; i < RUN_S; i++) {
		t[i] = i;
		v[i] = i < 5 ? 10000 - 1600 * i : 2000 + 5000 * (1 - exp(-(i - 5) / 30.0));
		ran[i] = 0.2 * i;
		turns[i] = 40 * i;
	}
	trend_points_judge(&grown, &c);
	work_judge(&work, &grown, &c);
	assert_int_not_equal(c.shape, CURVE_RISING);
	assert_false(c.ebbs);
}

/* ---- A hundred kinds of traffic, drawn. ---- */

static uint64_t seed;

static double drawn(double low, double high)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return low + (high - low) * (double)(seed >> 11) / 9007199254740992.0;
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

struct service {
	int kind;
	double depth, at, rate;
	double size;	   /* seconds after which its cache is 63 % full */
	double background; /* work without requests */
	double miss;	   /* a miss is so many times as dear, in turns and in time */
	/* objects that stay, for each miss, request, and second of the usual rate */
	double by_miss, by_request, by_clock;
};

static struct service draw_service(uint64_t n)
{
	struct service s = {0};

	seed = n * 7919 + 1;
	s.kind = (int)(n % KINDS);
	s.depth = drawn(0.3, 0.8);
	s.at = drawn(15, 40);
	s.rate = drawn(20, 400);
	s.size = drawn(15, 30);
	s.background = drawn(0, 0.1);
	return s;
}

struct called {
	unsigned by_clock, by_work, ebbs;
};

static void watch(const struct service *s, struct called *out)
{
	struct work work = {.turns = {RUN_S, t, turns, turns}, .ran = {RUN_S, t, ran, ran}};
	double done = 0, kept = 0, cpu = 0, turned = 0;
	struct curve curve;

	for (int i = 0; i < RUN_S; i++) {
		double usual = s->rate * traffic(s->kind, s->depth, s->at, i);
		double requests = round(about(drawn, usual, sqrt(usual)));
		double part = exp(-done / (s->rate * s->size)), misses = requests * part;
		double work_done = requests + s->miss * misses;

		t[i] = i;
		v[i] = 1000 + round(kept);
		ran[i] = cpu;
		turns[i] = turned;
		done += requests;
		kept += s->by_request * requests + s->by_clock * s->rate +
			s->by_miss * round(about(drawn, misses, sqrt(misses * (1 - part))));
		cpu += work_done * 0.002 * drawn(0.95, 1.05) + s->background * 0.002 * s->rate;
		turned += round(about(drawn, 1.3 * work_done, sqrt(work_done)) +
				s->background * s->rate);
	}
	trend_points_judge(&grown, &curve);
	out->by_clock += curve.shape == CURVE_RISING;
	work_judge(&work, &grown, &curve);
	out->by_work += curve.shape == CURVE_RISING;
	out->ebbs += curve.ebbs && curve.shape == CURVE_SLOWING;
}

static void a_hundred_kinds_of_traffic(void **state)
{
	static const char *const name[] = {"leaks", "caches", "caches with misses 6 times as dear",
					   "leaks by request behind a warm-up",
					   "leaks by the clock behind a warm-up"};
	struct called c[5] = {0};

	(void)state;
	for (uint64_t n = 0; n < 100; n++)
		for (int what = 0; what < 5; what++) {
			struct service s = draw_service(n);

			s.by_request = what == 0 ? 1 : what == 3 ? 0.5 : 0;
			s.by_clock = what == 4 ? 0.5 : 0;
			s.by_miss = what > 0;
			s.miss = what == 2 ? 5 : 0;
			s.size /= what > 2 ? 4 : 1;
			watch(&s, &c[what]);
		}
	for (int what = 0; what < 5; what++)
		printf("%s: of 100 called %u by the clock, %u with the work; %u ebb\n", name[what],
		       c[what].by_clock, c[what].by_work, c[what].ebbs);
	assert_true(c[0].by_work >= 82 && c[0].by_work + c[0].ebbs >= 98);
	assert_true(!c[1].by_work && !c[1].ebbs);
	assert_true(c[2].by_work <= 3);
	assert_true(c[3].by_work >= 79);
	assert_true(c[4].by_work >= 98);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leak_that_has_to_wait),
		cmocka_unit_test(a_cache_that_has_to_wait),
		cmocka_unit_test(a_cache_on_a_machine_that_gets_busier),
		cmocka_unit_test(a_leak_that_ran_for_less),
		cmocka_unit_test(growth_that_waits_for_nothing),
		cmocka_unit_test(waits_too_short_to_matter),
		cmocka_unit_test(a_leak_under_a_load_that_ebbs),
		cmocka_unit_test(a_cache_under_a_load_that_rises),
		cmocka_unit_test(less_for_more_work),
		cmocka_unit_test(a_leak_that_begins_late),
		cmocka_unit_test(a_cache_under_any_load),
		cmocka_unit_test(too_few_turns),
		cmocka_unit_test(a_thread_that_ends),
		cmocka_unit_test(work_of_another_time),
		cmocka_unit_test(a_cache_behind_a_fall),
		cmocka_unit_test(a_hundred_kinds_of_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
