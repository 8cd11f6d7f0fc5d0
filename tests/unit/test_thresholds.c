/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Both sides of each threshold of docs/SCORING.md, by 15 %: what is moved by more is noticed. The
 * numbers stand here once more, as they are meant. */
#include "unit.h"

#include <math.h>
#include <string.h>

#include "verdict/verdict.h"
#include "verdicts.h"

/* A leak of many, of which chance and age say nothing: each test moves one number. */
static struct verdict_evidence many(void)
{
	struct verdict_evidence e = leak();

	e.growth_bytes_per_s = 1e6;
	e.samples = 10000;
	e.collections = 0;
	e.curve.confidence = 1;
	e.mean_age_s = e.least_s = 0;
	return e;
}

static struct report_site judged_with(struct verdict_evidence e)
{
	return judged(&e);
}

static bool is_leak(struct verdict_evidence e)
{
	return judged(&e).verdict == CLASS_LEAK;
}

#define WITH(e, ...)                           \
	({                                     \
		struct verdict_evidence x = e; \
		__VA_ARGS__;                   \
		x;                             \
	})

static void what_a_leak_needs(void **state)
{
	struct verdict_evidence e = many();

	(void)state;
	for (int i = 0; i < 2; i++) {
		double f = i ? 1.15 : 0.85;

		assert_int_equal(is_leak(WITH(e, x.growth_bytes_per_s = 4096 * f / 180)), i);
		assert_int_equal(is_leak(WITH(e, x.oldest_s = 10 * f)), i);
		assert_int_equal(
			is_leak(WITH(e, x.run_s = 15 * f, x.oldest_s = 12, x.curve.since_s = 12)),
			i);
		assert_int_equal(is_leak(WITH(e, x.curve.since_s = 10 * f)), i);
		assert_int_equal(is_leak(WITH(e, x.samples = 3 + i)), i);
		assert_int_equal(is_leak(WITH(e, x.bursts = 2 + i)), i);
		assert_int_equal(is_leak(WITH(e, x.quarters = 1 + i)), i);
	}
}

static void young_ones_are_those_of_a_full_cache(void **state)
{
	struct verdict_evidence e = many();

	(void)state;
	e.least_s = 10; /* 170 s of the run are left */
	assert_false(is_leak(WITH(e, x.mean_age_s = 10 + 170 * 0.26)));
	assert_true(is_leak(WITH(e, x.mean_age_s = 10 + 170 * 0.34)));
	/* Three standard errors of twelve samples are a quarter. */
	e.samples = 12;
	assert_false(is_leak(WITH(e, x.mean_age_s = 10 + 170 * 0.22)));
	assert_true(is_leak(WITH(e, x.mean_age_s = 10 + 170 * 0.28)));
}

/* A store whose load has grown: those from before are still there. A leak whose pace changed rose
 * before. */
static void those_from_before_are_those_of_a_store(void **state)
{
	struct verdict_evidence e = many();

	(void)state;
	e.mean_age_s = 95;
	assert_true(is_leak(WITH(e, x.before = 0.1 * 0.85)));
	assert_false(is_leak(WITH(e, x.before = 0.1 * 1.15)));
	e.curve.slope = 20;
	e.curve.span_s = 178;
	e.curve.gain = 20 * 178;
	assert_true(is_leak(WITH(e, x.before = 0.1 * 1.15)));
}

static void what_chance_makes_of_a_full_store_is_no_growth(void **state)
{
	struct verdict_evidence e = many();

	(void)state;
	e.born = 5000; /* the root of ten thousand is a hundred */
	assert_int_equal(judged_with(WITH(e, x.gained = 200 * 0.85)).verdict, CLASS_STEADY);
	assert_int_equal(judged_with(WITH(e, x.gained = 200 * 1.15)).verdict, CLASS_LEAK);
	assert_int_equal(judged_with(WITH(e, x.born = 85, x.gained = 1)).verdict, CLASS_GROWING);
	assert_int_equal(judged_with(WITH(e, x.born = 115, x.gained = 1)).verdict, CLASS_STEADY);
	/* Ten that all stay are more than chance makes of ten. */
	assert_int_equal(judged_with(WITH(e, x.born = 10, x.gained = 10)).verdict, CLASS_LEAK);
}

static void since_when_it_grows(void **state)
{
	struct verdict_evidence e = many();
	struct report_site s;

	(void)state;
	e.oldest_s = 100;
	s = judged_with(WITH(e, x.curve.since_s = 153));
	assert_non_null(strstr(s.reason, "for 2 m 33 s"));
	s = judged_with(WITH(e, x.curve.since_s = 171));
	assert_non_null(strstr(s.reason, "for 3 m 00 s"));
}

static double sure(struct verdict_evidence e)
{
	return judged(&e).confidence;
}

static void how_sure(void **state)
{
	struct verdict_evidence e = many();
	struct report_site rests = {
		.verdict = CLASS_LEAK, .confidence = 0.8, .growth_bytes_per_s = 1};

	(void)state;
	e.curve.shape = CURVE_SLOWING;
	e.oldest_s = 30;
	assert_float_equal(sure(WITH(e, x.samples = 1)), 0.22, 1e-9);
	assert_float_equal(sure(WITH(e, x.samples = 3, x.weak = true)), 0.13, 1e-9);
	assert_float_equal(sure(WITH(e, x.samples = 3, x.oldest_s = 15)), 0.31, 1e-9);
	e.growth_bytes_per_s = 0;
	assert_float_equal(sure(e), 0.5, 1e-9);
	e.levelled_bytes = 1e6;
	assert_float_equal(sure(e), 0.8, 1e-9);
	assert_int_equal(judged_with(WITH(e, x.levelled_bytes = 28000)).verdict, CLASS_STEADY);
	assert_int_equal(judged_with(WITH(e, x.levelled_bytes = 37000)).verdict, CLASS_WARMUP);
	verdict_rests(report, "dict", 8000, 9, &rests);
	assert_float_equal(rests.confidence, 0.24, 1e-9);
}

/* ---- The process. ---- */

static struct report_frame frame = {.function = "f", .file = "/srv/shop.py", .line = 25};

static struct report_site site(enum report_class verdict, double bytes_per_s)
{
	return (struct report_site){.verdict = verdict,
				    .confidence = 0.8,
				    .reason = "grew",
				    .growth_bytes_per_s = bytes_per_s,
				    .stack = &frame,
				    .n_frames = 1};
}

static struct report_process process(struct report_site *s, size_t n)
{
	return (struct report_process){
		.sites = s, .n_sites = n, .rss_bytes = 100 << 20, .explained = 1};
}

static struct curve curve(enum curve_shape shape, double slope, double since_s)
{
	return (struct curve){.shape = shape, .slope = slope, .since_s = since_s};
}

static void what_a_process_grows_by(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		double f = i ? 1.15 : 0.85;
		struct report_site s[3] = {site(CLASS_LEAK, 1e5 * f), site(CLASS_LEAK, 0),
					   site(CLASS_LEAK, 0)};
		struct report_process p = process(s, 1);

		p.rss_curve = curve(CURVE_RISING, 1e6, 40);
		verdict_process(report, &p, 0);
		assert_int_equal(p.verdict, i ? CLASS_LEAK : CLASS_GROWING);

		p = process(s, 1); /* explained */
		p.rss_curve = curve(CURVE_RISING, 2e5, 40);
		p.explained = 0.5 * f;
		verdict_process(report, &p, 0);
		assert_int_equal(!!strstr(p.reason, "the lines that are known"), !i);

		s[0].growth_bytes_per_s = 1000; /* half of the sum */
		s[1].growth_bytes_per_s = s[2].growth_bytes_per_s = (1000 / (0.5 * f) - 1000) / 2;
		p = process(s, 3);
		verdict_process(report, &p, 0);
		assert_int_equal(!!strstr(p.reason, "together"), !i);

		s[1].growth_bytes_per_s = 1e6;
		p = process(s, 2 + (size_t)i);
		p.age_s = 120 * f;
		verdict_process(report, &p, 0);
		assert_int_equal(!!strstr(p.reason, "together"), i);
		assert_int_equal(!!strstr(p.reason, "old"), !i);
	}
}

static void how_much_is_a_move(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		double f = i ? 1.15 : 0.85;
		struct report_process p = process(NULL, 0);

		p.rss_curve = curve(CURVE_LEVELLED, 0, 40);
		p.rss_curve.gain = 10 * f * 1048576;
		verdict_process(report, &p, 0);
		assert_int_equal(p.verdict, i ? CLASS_WARMUP : CLASS_STEADY);
		p.rss_bytes = 1 << 20;
		p.rss_curve.gain = f * 1048576;
		verdict_process(report, &p, 0);
		assert_int_equal(p.verdict, i ? CLASS_WARMUP : CLASS_STEADY);

		p.rss_curve = curve(CURVE_RISING, 262144 * f / 40, 40);
		verdict_process(report, &p, 0);
		assert_int_equal(p.verdict, i ? CLASS_GROWING : CLASS_STEADY);
		p.rss_curve = curve(CURVE_RISING, 512 * f, 4000);
		verdict_process(report, &p, 0);
		assert_int_equal(p.verdict, i ? CLASS_GROWING : CLASS_STEADY);

		p.rss_curve = curve(CURVE_FLAT, 0, 0);
		p.live_curve = curve(CURVE_RISING, 65536 * f / 40, 40);
		p.coverage = 0.01;
		verdict_process(report, &p, 4 / (600 * f * 0.01));
		assert_int_equal(p.verdict, i ? CLASS_GROWING : CLASS_STEADY);
		if (i) {
			assert_float_equal(p.confidence, 0.2, 1e-9);
			assert_null(strstr(p.reason, "more"));
			verdict_process(report, &p, 4 / (600 * 0.85 * 0.01));
			assert_non_null(strstr(p.reason, "; 8 m 30 s more at least"));
		}
	}
}

/* ---- The order. ---- */

static bool is_first(struct report_site a, struct report_site b)
{
	struct report_site v[] = {a, b};
	struct report_process p = process(v, 2);

	strcpy(v[0].id, "a");
	strcpy(v[1].id, "b");
	report_sort(&p);
	return v[0].id[0] == 'a';
}

static void what_comes_first(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		double f = i ? 1.15 : 0.85;
		struct report_site bounded = site(CLASS_GROWING, 20e5 * f);
		struct report_site fd = site(CLASS_LEAK, NAN), thread = fd;

		bounded.is_bounded = true;
		fd.kind = KIND_FD;
		thread.kind = KIND_THREAD;
		fd.growth_count_per_s = thread.growth_count_per_s = f;
		assert_int_equal(is_first(site(CLASS_GROWING, 4e5 * f), site(CLASS_LEAK, 1e5)), i);
		assert_int_equal(is_first(bounded, site(CLASS_LEAK, 1e5)), i);
		assert_int_equal(is_first(fd, site(CLASS_LEAK, 262144)), i);
		assert_int_equal(is_first(thread, site(CLASS_LEAK, 16777216)), i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_leak_needs),
		cmocka_unit_test(young_ones_are_those_of_a_full_cache),
		cmocka_unit_test(those_from_before_are_those_of_a_store),
		cmocka_unit_test(what_chance_makes_of_a_full_store_is_no_growth),
		cmocka_unit_test(since_when_it_grows),
		cmocka_unit_test(how_sure),
		cmocka_unit_test(what_a_process_grows_by),
		cmocka_unit_test(how_much_is_a_move),
		cmocka_unit_test(what_comes_first),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
