/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The reasons that make a leak of growth, those that stand against it, and the sentences. */
#include "unit.h"

#include <math.h>

#include "base/thresholds.h"
#include "verdict/verdict.h"
#include "verdicts.h"

static void a_leak_has_a_sentence_with_its_numbers(void **state)
{
	struct verdict_evidence e = leak();
	struct report_site s = judged(&e);

	(void)state;
	assert_int_equal(s.verdict, CLASS_LEAK);
	assert_string_equal(s.reason, "grew by 1.2 MiB/s for 3 m 00 s over 14 collections without "
				      "levelling off");
	assert_true(s.confidence > 0.85 && s.confidence <= 0.88);
}

/* One thing short of a leak, and the words that say which. */
static void what_is_missing_is_said(void **state)
{
	struct verdict_evidence e;

	(void)state;
#define SHORT_OF(change, words)                              \
	e = leak();                                          \
	change;                                              \
	assert_int_equal(judged(&e).verdict, CLASS_GROWING); \
	assert_non_null(strstr(judged(&e).reason, words))
	SHORT_OF(e.curve.shape = CURVE_SLOWING, "slows down");
	/* A few points have no shape that is known. */
	SHORT_OF(e.curve.shape = CURVE_SLOWING; e.curve.points = 5, "too early");
	SHORT_OF(e.curve.since_s = 5; e.run_s = 9, "too early");
	SHORT_OF(e.samples = 3, "too early");
	SHORT_OF(e.quarters = 1, "too early");
	SHORT_OF(e.oldest_s = 8, "too early");
	SHORT_OF(e.mean_age_s = 25, "make place");
	SHORT_OF(e.weak = true, "look alike");
	SHORT_OF(e.weak = true; e.run_s = 9, "too early");
	SHORT_OF(e.waits_for_gc = true, "collection");
	SHORT_OF(e.one_block = true, "container");
#undef SHORT_OF
}

/* Too little of one place may be enough of a line that has many. */
static void a_line_loses_no_less_from_many_places(void **state)
{
	struct verdict_evidence e = leak();

	(void)state;
	e.growth_bytes_per_s = 20;
	assert_non_null(strstr(judged(&e).reason, "too little yet"));
	e.line_bytes_per_s = 2000;
	assert_int_equal(judged(&e).verdict, CLASS_LEAK);
	assert_non_null(strstr(judged(&e).reason, "grew by 20 B/s"));
}

/* Blocks of what comes and goes with each collection: at any moment there are a few. */
static void blocks_that_were_given_back_are_no_leak(void **state)
{
	struct verdict_evidence e = leak();

	(void)state;
	for (int i = 0; i < 8; i++) {
		double factor = i & 1 ? 1.15 : 0.85, seconds = i & 2 ? 60 : i & 4 ? 90 : 180;
		struct report_site s = {.kind = KIND_HEAP,
					.growth_count_per_s = 30,
					.outstanding_count = 30 * seconds * 0.5 * factor};

		e.curve.since_s = i & 2 ? 60 : 0;
		e.curve.shape = i & 2 ? CURVE_RISING : CURVE_UNKNOWN;
		e.oldest_s = i & 4 ? 90 : 180;
		verdict_site(report, &e, &s);
		assert_int_equal(s.verdict, i & 1 ? CLASS_LEAK : CLASS_GROWING);
		assert_true(i & 1 || strstr(s.reason, "has been given back"));
	}
}

/* By the work that is done its growth ends, but the container of its objects, counted by itself,
 * gets as many of late as before. */
static void what_fills_by_the_work_is_a_leak_if_its_container_keeps_pace(void **state)
{
	(void)state;
	for (int k = 0; k < 3; k++) {
		struct verdict_evidence e = leak();
		struct report_site s;

		e.curve.shape = CURVE_SLOWING;
		e.curve.fills = true;
		e.curve.span_s = 170;
		e.paced_s = k ? 170 : 0;
		e.curve.lags = k == 2; /* ... which it does under a load that rises */
		s = judged(&e);
		assert_int_equal(s.verdict, k == 1 ? CLASS_LEAK : CLASS_GROWING);
		assert_true(k == 1 ||
			    strstr(s.reason, "; measured by the work done, it slows down, "
					     "like a cache that fills"));
	}
}

/* A leak whose pace follows the load is no younger for it; one that has just begun is. */
static void a_change_of_pace_is_no_beginning(void **state)
{
	static const struct {
		double slope, fastest, gain;
		enum report_class class;
	} row[] = {
		{150, 210, 170 * 28, CLASS_LEAK},   {150, 310, 250 * 28, CLASS_GROWING},
		{210, 150, 170 * 28, CLASS_LEAK},   {210, 0, 210 * 6, CLASS_GROWING},
		{150, 150, 70 * 28, CLASS_GROWING}, /* it paused */
	};
	struct verdict_evidence e = leak();

	(void)state;
	e.run_s = e.oldest_s = 28;
	e.mean_age_s = 15;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		e.curve = (struct curve){.shape = CURVE_RISING,
					 .since_s = 6,
					 .span_s = 28,
					 .slope = row[i].slope,
					 .fastest = row[i].fastest,
					 .gain = row[i].gain,
					 .confidence = 0.8};
		assert_int_equal(judged(&e).verdict, row[i].class);
	}
}

/* A short line of objects whose second half brings less may bend. */
static void a_short_line_must_not_look_bent(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct verdict_evidence e = leak();
		bool is_short = i & 1, is_late = i & 2, is_bend = i & 4;

		e.run_s = e.oldest_s = 28;
		e.mean_age_s = 0;
		e.curve = (struct curve){.shape = CURVE_RISING,
					 .since_s = 15,
					 .span_s = YOUNG_LINE_S * (is_short ? 0.85 : 1.15),
					 .slope = 170,
					 .fastest = is_bend ? 200 : 0,
					 .late = YOUNG_LINE_LATE * (is_late ? 0.85 : 1.15),
					 .gain = 170 * 28,
					 .confidence = 0.8};
		/* A bend that was found was judged. */
		assert_int_equal(judged(&e).verdict,
				 is_short && is_late && !is_bend ? CLASS_GROWING : CLASS_LEAK);
	}
}

/* Few survivors may be young by luck: turnover must be proven. */
static void a_few_young_survivors_prove_no_turnover(void **state)
{
	struct verdict_evidence e = leak();

	(void)state;
	e.samples = 5;
	e.mean_age_s = 55;
	assert_int_equal(judged(&e).verdict, CLASS_LEAK);
	e.samples = 500;
	assert_int_equal(judged(&e).verdict, CLASS_GROWING);
}

/* Probes that stayed in of late saw more of the young ones. */
static void who_was_watched_of_late_is_young(void **state)
{
	struct verdict_evidence e = leak();

	(void)state;
	e.mean_age_s = 40;
	assert_int_equal(judged(&e).verdict, CLASS_GROWING);
	e.watched_age_s = 38;
	assert_int_equal(judged(&e).verdict, CLASS_LEAK);
	e.mean_age_s = 14;
	assert_int_equal(judged(&e).verdict, CLASS_GROWING);
}

static void what_stopped_is_a_warmup_and_small_change_is_not(void **state)
{
	struct verdict_evidence e = leak();
	struct report_site s;

	(void)state;
	e.growth_bytes_per_s = 0;
	e.levelled_bytes = 12 << 20;
	e.curve = (struct curve){.shape = CURVE_LEVELLED, .since_s = 60};
	s = judged(&e);
	assert_int_equal(s.verdict, CLASS_WARMUP);
	assert_string_equal(s.reason, "grew by 12.0 MiB, level for 60 s since");
	e.levelled_bytes = 1000;
	assert_int_equal(judged(&e).verdict, CLASS_STEADY);
}

static void descriptors_are_counted(void **state)
{
	struct verdict_evidence e = leak();
	struct report_site s = {.kind = KIND_FD, .growth_count_per_s = 5};

	(void)state;
	e.curve.shape = CURVE_UNKNOWN;
	verdict_site(report, &e, &s);
	assert_int_equal(s.verdict, CLASS_LEAK);
	assert_non_null(strstr(s.reason, "grew by 5/s"));
}

/* A leak by all other evidence, in a container that has a bound. */
static void what_will_be_full_is_no_leak(void **state)
{
	struct verdict_evidence e = leak();
	struct verdict_bound b = {50000, 12300, 100, "maxlen", "deque"};
	struct report_process p = {.memory = {.limit_source = "ram", .left_low = 1e12}};
	struct report_site s = judged(&e);

	(void)state;
	assert_true(verdict_bounded(report, &p, &b, &s));
	assert_int_equal(s.verdict, CLASS_GROWING);
	assert_string_equal(s.reason, "grows by 1.2 MiB/s; fills a bounded deque (maxlen 50,000, "
				      "now 12,300)");
	b.entries = 50000;
	assert_true(verdict_bounded(report, &p, &b, &s));
	assert_non_null(strstr(s.reason, "has filled a bounded deque"));
	/* 377 s at 1.2 MiB/s */
	b.entries = 12300;
	p.memory.left_low = 400 << 20;
	s = judged(&e);
	assert_false(verdict_bounded(report, &p, &b, &s));
	assert_int_equal(s.verdict, CLASS_LEAK);
	assert_non_null(strstr(s.reason,
			       "levelling off; what holds them is bounded (maxlen 50,000), "
			       "but that would take 452 MiB more"));
	p.memory.left_low = 500 << 20;
	assert_true(verdict_bounded(report, &p, &b, &s));
	/* what does not grow has no need of it */
	s.verdict = CLASS_WARMUP;
	assert_false(verdict_bounded(report, &p, &b, &s));
}

static void a_holder_that_does_not_grow_is_none_of_a_leak(void **state)
{
	struct report_site s = {.verdict = CLASS_LEAK,
				.confidence = 0.8,
				.growth_bytes_per_s = 1200,
				.reason = "grew by 1.2 KiB/s for 20 s without levelling off"};

	(void)state;
	verdict_elsewhere(report, "lru_cache", 8000, &s);
	assert_int_equal(s.verdict, CLASS_LEAK);
	assert_string_equal(s.reason,
			    "grew by 1.2 KiB/s for 20 s without levelling off; the lru_cache that "
			    "was found to hold them stays at 8,000 entries, new ones in the place "
			    "of old ones: look for what else holds such objects");
	verdict_rests(report, "dict", 8000, 12, &s);
	assert_int_equal(s.verdict, CLASS_GROWING);
	assert_string_equal(s.reason,
			    "grew by 1.2 KiB/s, but the dict that holds them has kept its "
			    "8,000 entries for 12 s");
	assert_true(s.confidence < 0.3);
	s.verdict = CLASS_WARMUP;
	verdict_rests(report, "dict", 8000, 12, &s);
	assert_int_equal(s.verdict, CLASS_WARMUP);
}

static struct report_process process(struct report_site *sites, size_t n)
{
	return (struct report_process){.sites = sites, .n_sites = n, .rss_bytes = 100 << 20};
}

static void a_process_is_its_worst_site(void **state)
{
	struct report_frame f[] = {{.native = true, .module = "x.so"},
				   {.function = "g", .file = "/usr/lib/python3.11/json.py"},
				   {.function = "f", .file = "/srv/shop.py", .line = 25}};
	struct report_site s = {.verdict = CLASS_LEAK,
				.confidence = 0.8,
				.reason = "grew by 1.0 KiB/s for 3 min",
				.stack = f,
				.n_frames = 3};
	struct report_process p = process(&s, 1);

	(void)state;
	verdict_process(report, &p, 0);
	assert_int_equal(p.verdict, CLASS_LEAK);
	assert_string_equal(p.reason,
			    "objects allocated at shop.py:25 grew by 1.0 KiB/s for 3 min");
	s.kind = KIND_FD;
	verdict_process(report, &p, 0);
	assert_non_null(strstr(p.reason, "descriptors opened at"));
}

static void without_sites_memory_speaks(void **state)
{
	static const struct {
		enum curve_shape live, rss;
		enum report_class want;
	} row[] = {
		{CURVE_FLAT, CURVE_FLAT, CLASS_STEADY},
		{CURVE_LEVELLED, CURVE_LEVELLED, CLASS_WARMUP},
		{CURVE_FLAT, CURVE_LEVELLED, CLASS_WARMUP},
		{CURVE_FLAT, CURVE_GIVEN_BACK, CLASS_BLOAT},
		{CURVE_TEETH, CURVE_FLAT, CLASS_BLOAT},
		{CURVE_FLAT, CURVE_RISING, CLASS_GROWING},
		{CURVE_SLOWING, CURVE_FLAT, CLASS_GROWING},
		{CURVE_UNKNOWN, CURVE_UNKNOWN, CLASS_STEADY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct report_process p = process(NULL, 0);
		struct curve big = {
			.gain = 40 << 20, .height = 40 << 20, .slope = 1 << 20, .since_s = 40};

		p.live_curve = p.rss_curve = big;
		p.live_curve.shape = row[i].live;
		p.rss_curve.shape = row[i].rss;
		verdict_process(report, &p, 0);
		assert_int_equal(p.verdict, row[i].want);
		assert_true(*p.reason);
		p.live_curve.gain = p.live_curve.height = p.live_curve.slope = 1024;
		p.rss_curve.gain = p.rss_curve.height = p.rss_curve.slope = 1024;
		verdict_process(report, &p, 0);
		assert_int_equal(p.verdict, CLASS_STEADY);
	}
}

/* Memory that climbs by more than what has come to rest held is another thing. */
static void a_site_that_has_levelled_hides_no_growth(void **state)
{
	static const struct {
		double held, rise;
		enum curve_shape rss, live;
		enum report_class want;
	} row[] = {
		{40 << 10, 40 << 20, CURVE_RISING, CURVE_FLAT, CLASS_GROWING},
		{40 << 10, 40 << 20, CURVE_FLAT, CURVE_RISING, CLASS_GROWING},
		{40 << 10, 40 << 20, CURVE_RISING, CURVE_LEVELLED, CLASS_GROWING},
		{40 << 10, 200 << 10, CURVE_RISING, CURVE_FLAT, CLASS_WARMUP},
		{40 << 20, 40 << 20, CURVE_SLOWING, CURVE_FLAT, CLASS_WARMUP},
		{40 << 20, 20 << 20, CURVE_RISING, CURVE_LEVELLED, CLASS_WARMUP},
		{40 << 20, 60 << 20, CURVE_RISING, CURVE_LEVELLED, CLASS_GROWING},
		{40 << 10, 40 << 20, CURVE_FLAT, CURVE_FLAT, CLASS_WARMUP},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct report_site s[] = {
			{.verdict = CLASS_WARMUP,
			 .confidence = 0.8,
			 .reason = "grew by 40.0 KiB, then no more",
			 .outstanding_bytes = row[i].held},
			{.kind = KIND_FD, .verdict = CLASS_WARMUP, .outstanding_bytes = NAN}};
		struct report_process p = process(s, ARRAY_SIZE(s));

		p.rss_curve = p.live_curve =
			(struct curve){.slope = row[i].rise / 40, .since_s = 40};
		p.rss_curve.shape = row[i].rss;
		p.live_curve.shape = row[i].live;
		p.live_curve.gain = row[i].live == CURVE_LEVELLED ? row[i].held : row[i].rise;
		verdict_process(report, &p, 0);
		if (p.verdict != row[i].want)
			fail_msg("row %zu: %s", i, p.reason);
		assert_non_null(strstr(p.reason, p.verdict == CLASS_GROWING ? "no line stands out"
									    : "no more"));
	}
}

static struct report_frame place[] = {{.function = "f", .file = "/srv/shop.py", .line = 25},
				      {.function = "f", .file = "/srv/shop.py", .line = 40}};

static struct report_site at(size_t i, enum report_class verdict, double bytes_per_s)
{
	return (struct report_site){.verdict = verdict,
				    .confidence = 0.8,
				    .reason = verdict == CLASS_LEAK ? "grew" : "grows",
				    .growth_bytes_per_s = bytes_per_s,
				    .stack = &place[i],
				    .n_frames = 1};
}

static struct curve rising(double bytes_per_s)
{
	return (struct curve){.shape = CURVE_RISING, .slope = bytes_per_s, .since_s = 40};
}

static void what_the_process_grows_by_decides(void **state)
{
	static const struct {
		double leak, other, rss, explained;
		bool bounded;
		enum report_class want;
		const char *says[2];
	} row[] = {
		{17e3, 0, 20e3, 0.85, false, CLASS_LEAK, {"shop.py:25 grew", ""}},
		/* Free arenas, say. */
		{17e3,
		 0,
		 3.6e6,
		 0.005,
		 false,
		 CLASS_GROWING,
		 {"the process grows by 3.4 MiB/s, and the lines that are known explain 0 % of it",
		  "besides, objects allocated at shop.py:25 grow by 16.6 KiB/s, a leak"}},
		{17e3,
		 151e3,
		 160e3,
		 1,
		 false,
		 CLASS_LEAK,
		 {"shop.py:25 grew",
		  "shop.py:40 grow by 147 KiB/s, but are not sure to be a leak"}},
		{17e3,
		 400e3,
		 400e3,
		 1,
		 false,
		 CLASS_GROWING,
		 {"objects allocated at shop.py:40 grow", "shop.py:25 grow by 16.6 KiB/s, a leak"}},
		/* It will end by itself. */
		{17e3, 400e3, 410e3, 1, true, CLASS_LEAK, {"shop.py:25 grew", ""}},
		{17e3,
		 0,
		 100e3,
		 0.17,
		 false,
		 CLASS_LEAK,
		 {"shop.py:25 grew",
		  "but the process grows by 97.7 KiB/s, and the lines that are known "
		  "explain 17 % of it"}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct report_site s[] = {at(0, CLASS_LEAK, row[i].leak),
					  at(1, CLASS_GROWING, row[i].other)};
		struct report_process p = process(s, row[i].other > 0 ? 2 : 1);

		s[1].is_bounded = row[i].bounded;
		p.rss_curve = rising(row[i].rss);
		p.explained = row[i].explained;
		report_sort(&p);
		verdict_process(report, &p, 0);
		if (p.verdict != row[i].want)
			fail_msg("row %zu: %s", i, p.reason);
		for (size_t k = 0; k < 2; k++)
			if (!strstr(p.reason, row[i].says[k]))
				fail_msg("row %zu: %s", i, p.reason);
	}
}

/* A line that is small beside the climb is not all that there is to say. */
static void growth_that_no_line_explains_is_said(void **state)
{
	struct report_site s = at(1, CLASS_GROWING, 1e3);
	struct report_process p = process(&s, 1);

	(void)state;
	p.rss_curve = rising(1 << 20);
	for (int most = 0; most < 2; most++) {
		p.explained = most ? 0.6 : 0.001;
		verdict_process(report, &p, 0);
		assert_int_equal(p.verdict, CLASS_GROWING);
		assert_non_null(strstr(p.reason, "shop.py:40 grow"));
		assert_int_equal(!strstr(p.reason, "; but the process grows by 1.0 MiB/s, and the "
						   "lines that are known explain 0 % of it"),
				 most);
	}
	/* They are a small part of what live objects grow by, but not of what RSS does. */
	p.explained = 0.4;
	s.growth_bytes_per_s = 0.6 * (1 << 20);
	verdict_process(report, &p, 0);
	assert_null(strstr(p.reason, "that are known"));
	p.explained = 0.2;
	s.growth_bytes_per_s = 0.4 * (1 << 20);
	verdict_process(report, &p, 0);
	assert_non_null(strstr(p.reason, "that are known explain 40 % of it"));
	p.live_curve = rising(2 << 20); /* the report says 20 %, too */
	verdict_process(report, &p, 0);
	assert_non_null(strstr(p.reason, "; but the process grows by 1.0 MiB/s, its live objects "
					 "by 2.0 MiB/s, and the lines that are known explain 20 % "
					 "of that"));
}

/* Futures that callbacks come to and leave have no line: nothing in them tells one from the next.
 */
static void a_type_that_lines_leave_out_is_named(void **state)
{
	struct report_site s = at(1, CLASS_GROWING, 1e3);
	struct report_process p = process(&s, 1);
	struct report_type type = {.name = "_asyncio.Future", .share = 1};
	struct report_class_row row[] = {{.name = "dict", .growth_bytes_per_s = 9e5},
					 {.name = type.name,
					  .gain = NAN, /* of two censuses */
					  .growth_count_per_s = 41,
					  .growth_bytes_per_s = 6e5}};

	(void)state;
	p.rss_curve = rising(1 << 20);
	p.classes = row;
	p.n_classes = ARRAY_SIZE(row);
	p.counted_to_s = p.counted_from_s + 2 * TYPE_S;
	verdict_process(report, &p, 0);
	assert_non_null(strstr(p.reason,
			       "explain 0 % of it; _asyncio.Future objects grow by 41/s (pyleak"));
	s.types = &type;
	s.n_types = 1;
	s.growth_count_per_s = 41;
	verdict_process(report, &p, 0);
	assert_null(strstr(p.reason, "Future"));
	s.growth_count_per_s = 4; /* a line that brings a few of them tells nothing of the others */
	verdict_process(report, &p, 0);
	assert_non_null(strstr(p.reason, "Future objects grow"));
	row[1].growth_bytes_per_s = 4e5; /* less than half of the rest */
	verdict_process(report, &p, 0);
	assert_null(strstr(p.reason, "Future"));
	row[1].growth_bytes_per_s = 6e5;
	row[1].gain = 2 * TYPE_S * 41;
	row[1].late = 0.1; /* it has come to rest */
	verdict_process(report, &p, 0);
	assert_null(strstr(p.reason, "Future"));
	row[1].late = 0.5;
	verdict_process(report, &p, 0);
	assert_non_null(strstr(p.reason, "Future objects grow"));
}

static void descriptors_end_a_process_by_themselves(void **state)
{
	struct report_site s = at(0, CLASS_LEAK, NAN);
	struct report_process p = process(&s, 1);

	(void)state;
	s.kind = KIND_FD;
	s.growth_count_per_s = 1;
	p.rss_curve = rising(4e6);
	verdict_process(report, &p, 0);
	assert_int_equal(p.verdict, CLASS_LEAK);
}

static void many_lines_have_a_sum(void **state)
{
	struct report_site s[200];
	struct report_process p = process(s, ARRAY_SIZE(s));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = at(0, CLASS_LEAK, 4096);
	p.explained = 1;
	verdict_process(report, &p, 0);
	assert_string_equal(p.reason, "objects allocated at shop.py:25 grew; 200 places grow by "
				      "800 KiB/s together");
	p.n_sites = 2;
	verdict_process(report, &p, 0);
	assert_string_equal(p.reason, "objects allocated at shop.py:25 grew");
}

/* The first of a cause stands for all of it, the sum for what it does not explain. */
static void a_cause_has_a_sum(void **state)
{
	struct report_site s[] = {at(0, CLASS_LEAK, 1024), at(1, CLASS_GROWING, 3072),
				  at(1, CLASS_GROWING, 2048)};
	struct report_process p = process(s, ARRAY_SIZE(s));

	(void)state;
	p.explained = 1;
	s[0].reason = "grew by 1.0 KiB/s for 40 s";
	strcpy(s[0].id, "000000000000000a");
	s[1].part_of = s[0].id;
	verdict_process(report, &p, 0);
	assert_string_equal(p.reason, "objects allocated at shop.py:25 grew by 4.0 KiB/s in 2 "
				      "places for 40 s");
	s[2].growth_bytes_per_s = 8192;
	s[0].verdict = s[1].verdict = CLASS_GROWING;
	s[0].reason = "grows by 1.0 KiB/s; too early";
	verdict_process(report, &p, 0);
	assert_string_equal(p.reason, "objects allocated at shop.py:25 grow by 4.0 KiB/s in 2 "
				      "places; too early; 3 places grow by 12.0 KiB/s together");
}

static void growth_without_a_line_says_how_long_one_takes(void **state)
{
	struct report_process p = process(NULL, 0);

	(void)state;
	p.live_curve = (struct curve){.shape = CURVE_RISING, .slope = 14336, .since_s = 15};
	p.coverage = 0.03;
	verdict_process(report, &p, 10);
	assert_int_equal(p.verdict, CLASS_GROWING);
	assert_string_equal(
		p.reason, "Python's live objects grow by 14.0 KiB/s, but no line stands "
			  "out yet: births are watched for 3.0 % of the time; 13 s more at least");
	verdict_process(report, &p, 1e6);
	assert_non_null(strstr(p.reason, "; 10 s more at least"));
	p.watched_from_s = 100, p.watched_to_s = 104;
	verdict_process(report, &p, 10);
	assert_non_null(strstr(p.reason, "; 9 s more at least"));
	p.watched_to_s = 190; /* what was watched before it grew does not count */
	p.live_curve.since_s = 11;
	verdict_process(report, &p, 10);
	assert_non_null(strstr(p.reason, "; 2 s more at least"));
	p.live_curve.since_s = 60;
	verdict_process(report, &p, 10);
	assert_string_equal(strstr(p.reason, "yet"),
			    "yet: births are watched for 3.0 % of the time");
	for (size_t i = 0; i < 3; i++) {
		static const double coverage[] = {NAN, 0, 1e-9};

		p.coverage = coverage[i];
		verdict_process(report, &p, 10);
		assert_non_null(strstr(p.reason, "but no line stands out yet"));
		assert_null(strstr(p.reason, "more"));
	}
	p.live_curve.since_s = 4; /* 56 KiB */
	verdict_process(report, &p, 10);
	assert_int_equal(p.verdict, CLASS_STEADY);
}

static void who_is_not_looked_at_has_no_line(void **state)
{
	struct report_lost refused = {.key = "windows_refused", .n = 1};
	struct report_process p = process(NULL, 0);

	(void)state;
	p.rss_curve = (struct curve){.shape = CURVE_RISING, .slope = 1 << 20, .since_s = 15};
	p.lost = &refused;
	p.n_lost = 1;
	verdict_process(report, &p, 10);
	assert_string_equal(p.reason,
			    "the process grows by 1.0 MiB/s, but no line can be told: no window "
			    "was opened, for the sake of the process or the host");
	p.coverage = 0.01;
	verdict_process(report, &p, 10);
	assert_non_null(strstr(p.reason, "no line stands out yet"));
	p.mode = "growth"; /* from here on */
	verdict_process(report, &p, 10);
	assert_string_equal(p.reason, "the process grows by 1.0 MiB/s, but no line stands out, and "
				      "births are not watched any more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leak_has_a_sentence_with_its_numbers),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(a_line_loses_no_less_from_many_places),
		cmocka_unit_test(a_few_young_survivors_prove_no_turnover),
		cmocka_unit_test(what_fills_by_the_work_is_a_leak_if_its_container_keeps_pace),
		cmocka_unit_test(a_change_of_pace_is_no_beginning),
		cmocka_unit_test(a_short_line_must_not_look_bent),
		cmocka_unit_test(blocks_that_were_given_back_are_no_leak),
		cmocka_unit_test(who_was_watched_of_late_is_young),
		cmocka_unit_test(what_stopped_is_a_warmup_and_small_change_is_not),
		cmocka_unit_test(descriptors_are_counted),
		cmocka_unit_test(what_will_be_full_is_no_leak),
		cmocka_unit_test(a_holder_that_does_not_grow_is_none_of_a_leak),
		cmocka_unit_test(a_process_is_its_worst_site),
		cmocka_unit_test(without_sites_memory_speaks),
		cmocka_unit_test(a_site_that_has_levelled_hides_no_growth),
		cmocka_unit_test(what_the_process_grows_by_decides),
		cmocka_unit_test(growth_that_no_line_explains_is_said),
		cmocka_unit_test(a_type_that_lines_leave_out_is_named),
		cmocka_unit_test(descriptors_end_a_process_by_themselves),
		cmocka_unit_test(many_lines_have_a_sum),
		cmocka_unit_test(a_cause_has_a_sum),
		cmocka_unit_test(growth_without_a_line_says_how_long_one_takes),
		cmocka_unit_test(who_is_not_looked_at_has_no_line),
	};

	return cmocka_run_group_tests_name("verdict", tests, begin, end);
}
