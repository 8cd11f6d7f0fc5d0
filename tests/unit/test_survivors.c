/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Both sides of the thresholds by which survivors count, by 15 %: what is moved by more is noticed.
 */
#include "judge/estimate_priv.h" /* before cmocka.h, which has a macro fail() */

#include <math.h>

#include "base/map64.h"
#include "unit.h"

#define S     1000000000ull
#define NOW_S 200
#define MANY  200

static struct survivor survivor(uint64_t stack, double age_s)
{
	static uint64_t addr = 0x7000;

	addr += 64;
	return (struct survivor){
		.addr = addr,
		.stack = stack,
		.born_ns = (uint64_t)((NOW_S - age_s) * 1e9),
		.weight = 1,
		.rung = 4,
		.parts = 1,
		.part = {{.addr = addr, .bytes = 64, .cls = 3}},
		.bytes = 64,
	};
}

static struct estimate_opts opts(void)
{
	return (struct estimate_opts){
		.start_ns = 100 * S, .now_ns = NOW_S * S, .max_size = UINT64_MAX, .coverage = 0.1};
}

static void one_content(void **state)
{
	struct estimate_opts o = opts();
	struct survivor v[MANY], one = survivor(1, 20);

	(void)state;
	one.ambiguous = true;
	one.burst = 100;
	o.burst = 103;
	assert_true(sample_weak(&one, &o));
	o.burst = 104;
	assert_false(sample_weak(&one, &o));

	for (int more = 0; more < 2; more++) {
		size_t few = more ? 17 : 13;

		for (size_t i = 0; i < 100 + few; i++) {
			v[i] = survivor(i < 100 ? 1 : 2, 20);
			v[i].ambiguous = true;
			v[i].content = 77;
		}
		samples_drop_impostors(v, 100 + few, &o);
		assert_true(v[0].addr);
		assert_int_equal(v[100].addr != 0, more);
	}
}

/* More of them than of the line that keeps all it makes: their like was seen to die. Where hardly
 * another's are of that content they are what they seem to be. */
static void one_that_dies_for_another(void **state)
{
	struct estimate_opts o = opts();
	struct map64 deaths = {0};
	struct survivor v[MANY];

	(void)state;
	o.deaths = &deaths;
	for (int i = 0; i < 5; i++) {
		size_t few = i == 0 ? 0 : i == 1 ? 13 : 17;

		*map64_put(&deaths, evidence_likes(1, 77)) = i < 4 ? 17 : 13;
		for (size_t k = 0; k < 100 + few; k++) {
			v[k] = survivor(k < 100 ? 1 : 2, 20);
			v[k].ambiguous = true;
			v[k].content = i == 3 ? 78 : 77; /* its like was not seen to die */
		}
		samples_drop_impostors(v, 100 + few, &o);
		assert_int_equal(!v[0].addr, i == 2);
		assert_int_equal(!v[100 + few - 1].addr, i == 1);
	}
	/* Once is not enough: of the line that keeps all, or where survivors were thinned out. */
	*map64_put(&deaths, evidence_likes(1, 77)) = 17;
	*map64_put(&deaths, evidence_likes(2, 77)) = 1;
	for (int weight = 1; weight <= 2; weight++) {
		for (size_t k = 0; k < 120; k++) {
			v[k] = survivor(k < 100 ? 1 : 2, 20);
			v[k].ambiguous = true;
			v[k].content = 77;
			v[k].weight = (float)weight;
		}
		samples_drop_impostors(v, 120, &o);
		assert_int_equal(!v[0].addr, weight == 1);
		assert_true(v[119].addr);
	}
	/* Where most is watched, hardly one more has died unseen. */
	o.coverage = 0.9;
	for (size_t k = 0; k < 120; k++)
		v[k].weight = 1;
	samples_drop_impostors(v, 120, &o);
	assert_true(v[0].addr);
	map64_free(&deaths);
}

/* @n births of one line, evenly from @quiet_s to @quiet_s + @span_s before the last of another. */
static bool has_stopped(double quiet_s, size_t n, double span_s)
{
	struct estimate_opts o = opts();
	struct survivor v[MANY] = {survivor(2, 12)};

	for (size_t i = 0; i < n; i++)
		v[1 + i] = survivor(1, 12 + quiet_s + span_s * (double)i / (double)(n - 1));
	samples_mark_stopped(v, n + 1, &o);
	assert_false(v[0].stopped);
	return v[1].stopped;
}

static void when_a_line_has_stopped(void **state)
{
	(void)state;
	assert_false(has_stopped(5 * 0.85, 10, 1));
	assert_true(has_stopped(5 * 1.15, 10, 1));
	/* Four gaps may by chance be half of the usual ones. */
	assert_false(has_stopped(34.4 * 0.85, 5, 20));
	assert_true(has_stopped(34.4 * 1.15, 5, 20));
}

/* A hundred births of one call are one: they say nothing of how often it is called. */
static void births_of_one_moment_are_one(void **state)
{
	struct estimate_opts o = opts();
	struct survivor v[MANY];

	(void)state;
	/* They take 90 ms, wherever the clock stands. */
	for (size_t i = 0; i < 101; i++)
		v[i] = survivor(i < 100 ? 1 : 2, i < 100 ? 41.96 + 0.0009 * (double)i : 12);
	samples_mark_stopped(v, 101, &o);
	assert_false(v[0].stopped);
	/* ... unless they are those of the start, and nothing came for 54 times as long. */
	o.start_ns = v[0].born_ns - 500000000;
	samples_mark_stopped(v, 101, &o);
	assert_true(v[0].stopped);
}

/* All blocks weigh @all, of which one line's weigh @live, and @died of its own have died. */
static bool is_doubtful(uint64_t live, uint64_t died, uint64_t all)
{
	struct estimate_classes c = {0};
	struct estimate_opts o = opts();
	struct survivor v[] = {survivor(1, 20), survivor(2, 20)};
	struct map64 deaths = {0};

	v[0].weight = (float)live;
	v[1].weight = (float)(all - live);
	if (died)
		*map64_put(&deaths, 1) = died;
	o.deaths = &deaths;
	samples_weigh(v, 2, &o);
	samples_mark_doubtful(v, 2, &c, &o);
	map64_free(&deaths);
	return v[0].doubtful;
}

static void whose_place_is_another_s(void **state)
{
	(void)state;
	assert_false(is_doubtful(100, 34, 500)); /* a quarter died */
	assert_true(is_doubtful(100, 53, 500));	 /* a third */
	assert_true(is_doubtful(430, 900, 1000));
	assert_false(is_doubtful(570, 900, 1000));
	assert_true(is_doubtful(8, 0, 1000));
	assert_false(is_doubtful(12, 0, 1000));
}

/* A line that a hundred and fifty stacks lead to has all of them; one that has as few as one of
 * these is another. */
static void few_of_a_stack_are_many_of_its_line(void **state)
{
	struct estimate_classes c = {0};
	struct estimate_opts o = opts();
	struct survivor v[151];
	struct map64 deaths = {0}, lines = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		v[i] = survivor(1 + i, 20);
		*map64_put(&lines, 1 + i) = i < 150 ? 77 : 78;
	}
	o.deaths = &deaths;
	samples_weigh(v, ARRAY_SIZE(v), &o);
	samples_mark_doubtful(v, ARRAY_SIZE(v), &c, &o);
	assert_true(v[0].doubtful);
	o.lines = &lines;
	samples_mark_doubtful(v, ARRAY_SIZE(v), &c, &o);
	for (size_t i = 0; i < 150; i++)
		assert_false(v[i].doubtful);
	assert_true(v[150].doubtful);
	map64_free(&lines);
}

/* Those of its line that are younger than what counts make it no more. */
static void few_as_old_as_many(void **state)
{
	struct estimate_classes c = {.rung = {[3] = 4}};
	struct estimate_opts o = opts();
	struct survivor v[] = {survivor(1, 20), survivor(2, 20), survivor(1, 5)};
	struct map64 deaths = {0};

	(void)state;
	v[0].weight = 4;
	v[1].weight = 450;
	v[2].weight = 10;
	v[2].rung = 3;
	o.deaths = &deaths;
	samples_weigh(v, 3, &o);
	samples_mark_doubtful(v, 3, &c, &o);
	assert_true(v[0].doubtful);
	assert_false(v[1].doubtful);
}

/* A line of replaced ones beside one survivor of another, where the class grows by @slope. */
static bool is_dropped(double slope)
{
	struct curve curve[EVIDENCE_CLASSES] = {0};
	struct estimate_classes c = {.curve = curve};
	struct estimate_opts o = opts();
	struct survivor v[] = {survivor(1, 20), survivor(2, 20)};
	struct map64 replaced = {0};

	curve[3] = (struct curve){.shape = CURVE_RISING, .slope = slope};
	v[1].weight = (float)(class_window_s(&c, 3, &o) - survivor_age_s[SURVIVED_RUNGS - 1]);
	map64_put(&replaced, 1);
	o.replaced = &replaced;
	samples_weigh(v, 2, &o);
	samples_drop_replaced(v, 2, &c, &o);
	map64_free(&replaced);
	return !v[0].addr;
}

static void what_others_explain(void **state)
{
	(void)state;
	/* One a second stays; a tenth is watched, and the program crawls: a hundred at most. */
	assert_true(is_dropped(100 * 0.85));
	assert_false(is_dropped(100 * 1.15));
}

static struct estimate_classes judged(double rise_s, double trend_s, struct curve *curve)
{
	static double t[1000], v[1000];
	struct trend_points points[EVIDENCE_CLASSES] = {0};
	struct estimate_classes c = {.curve = curve};
	struct estimate_opts o = opts();

	o.trend_s = trend_s;
	for (size_t i = 0; i < 100; i++) {
		t[i] = (double)i;
		v[i] = 1000 + 50 * fmax(0, t[i] - (99 - rise_s)) + (double)(i * 7 % 3);
	}
	for (unsigned k = 0; k < EVIDENCE_CLASSES; k++)
		points[k] = (struct trend_points){.t = t, .v = v, .n = 100};
	classes_judge(points, &o, &c);
	return c;
}

static void what_began_late(void **state)
{
	struct curve curve[EVIDENCE_CLASSES];

	(void)state;
	assert_false(judged(20 * 0.85, 0, curve).since_ns[3]);
	assert_true(judged(20 * 1.15, 0, curve).since_ns[3]);
	assert_true(judged(50 * 0.85, 0, curve).since_ns[3]);
	assert_false(judged(50 * 1.15, 0, curve).since_ns[3]);
}

static void what_came_since_the_last_floor(void **state)
{
	struct curve curve[EVIDENCE_CLASSES];
	double gain, span_s;

	(void)state;
	judged(99, 0, curve);
	gain = curve[3].gain;
	span_s = curve[3].span_s;
	judged(99, span_s + 5 * 0.85, curve);
	assert_true(curve[3].gain > gain + 100);
	judged(99, span_s + 5 * 1.15, curve);
	assert_float_equal(curve[3].gain, gain, 1);
}

/* The share of one sample in the growth of class 7, when @high is the most by which class 3 may
 * grow, where half of the samples have their bodies. */
static double factor(double high)
{
	struct curve curve[EVIDENCE_CLASSES] = {0};
	struct trend_points none[EVIDENCE_CLASSES] = {0};
	struct estimate_classes c = {.curve = curve};
	struct estimate_opts o = opts();
	struct survivor v[20];

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		v[i] = survivor(1 + i % 2, 20);
		v[i].part[0].cls = i % 2 ? 7 : 3;
		if (i % 2)
			continue;
		v[i].parts = 2;
		v[i].part[1] = v[i].part[0];
		v[i].part[1].addr += 0x100000;
		v[i].part[1].cls = 7;
	}
	curve[3] = (struct curve){.shape = CURVE_FLAT, .high = high};
	curve[7] = (struct curve){.shape = CURVE_RISING, .slope = 100};
	samples_weigh(v, ARRAY_SIZE(v), &o);
	classes_find_factors(v, ARRAY_SIZE(v), none, &o, &c);
	return c.factor[7];
}

static void what_a_flat_class_has_room_for(void **state)
{
	(void)state;
	/* Without them, the others stand for twice as many. */
	assert_float_equal(factor(25 * 0.85) / factor(25 * 1.15), 2, 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_content),
		cmocka_unit_test(one_that_dies_for_another),
		cmocka_unit_test(when_a_line_has_stopped),
		cmocka_unit_test(births_of_one_moment_are_one),
		cmocka_unit_test(whose_place_is_another_s),
		cmocka_unit_test(few_of_a_stack_are_many_of_its_line),
		cmocka_unit_test(few_as_old_as_many),
		cmocka_unit_test(what_others_explain),
		cmocka_unit_test(what_began_late),
		cmocka_unit_test(what_came_since_the_last_floor),
		cmocka_unit_test(what_a_flat_class_has_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
