/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From survivors to rates: shares of the growth, satellites, ages, weak evidence. */
#include "judge/estimate.h" /* before cmocka.h, which has a macro fail() */

#include "base/coverage.h"
#include "base/map64.h"
#include "base/series.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define S    1000000000ull
#define DICT 0x1000
#define STR  0x2000

struct classes {
	struct trend_points of[EVIDENCE_CLASSES];
	double t[EVIDENCE_CLASSES][SERIES_POINTS], v[EVIDENCE_CLASSES][SERIES_POINTS],
		top[EVIDENCE_CLASSES][SERIES_POINTS];
};

/* Grows by @fill_per_s until it is full, and by @per_s from then on. */
static struct trend_points *growth_of_full(unsigned cls, double fill_per_s, double fill_s,
					   double per_s, double seconds)
{
	struct classes *c = calloc(1, sizeof(*c));
	struct trend_set *t;
	double v[EVIDENCE_CLASSES];

	assert_non_null(c);
	assert_int_equal(trend_set_new(EVIDENCE_CLASSES, 1, &t), 0);
	for (double at = 0; at < seconds; at += 0.1) {
		for (unsigned k = 0; k < EVIDENCE_CLASSES; k++)
			v[k] = 1000 + (k == cls ? floor(fill_per_s * fmin(at, fill_s) +
							per_s * fmax(at - fill_s, 0))
						: 0);
		trend_set_add(t, at, v);
	}
	for (unsigned k = 0; k < EVIDENCE_CLASSES; k++) {
		c->of[k] = (struct trend_points){.t = c->t[k], .v = c->v[k], .top = c->top[k]};
		trend_set_read(t, k, &c->of[k]);
	}
	trend_set_free(t);
	return c->of;
}

static struct trend_points *growth(unsigned cls, double per_s, double seconds)
{
	return growth_of_full(cls, 0, 0, per_s, seconds);
}

static struct survivor survivor(uint64_t stack, uint64_t type, int cls, double born_s)
{
	static uint64_t addr = 0x7000;
	double age = 20 - born_s;

	return (struct survivor){
		.addr = addr += 64,
		.type = type,
		.stack = stack,
		.born_ns = (uint64_t)((100 + born_s) * 1e9),
		.weight = 1,
		.burst = (uint32_t)(born_s * 2),
		.rung = age >= 10  ? 4
			: age >= 3 ? 3
			: age >= 1 ? 2
				   : 1,
		.parts = 1,
		.part = {{.addr = addr, .bytes = 64, .cls = (int8_t)cls}},
		.bytes = 64,
	};
}

static void give_satellite(struct survivor *s, int cls)
{
	s->parts = 2;
	s->part[1] = s->part[0];
	s->part[1].addr += 0x100000;
	s->part[1].cls = (int8_t)cls;
}

static struct estimate_opts opts(void)
{
	return (struct estimate_opts){
		.start_ns = 100 * S, .now_ns = 120 * S, .max_size = UINT64_MAX, .collections = 1};
}

static const struct estimate_site *site(const struct estimate *e, uint64_t stack)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->sites[i].stack == stack)
			return &e->sites[i];
	return NULL;
}

static void growth_is_shared_out_by_survivors(void **state)
{
	struct trend_points *t = growth(3, 200, 20);
	struct estimate_opts o = opts();
	struct survivor v[20];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 20; i++)
		v[i] = survivor(i % 4 ? 1 : 2, DICT, 3, i * 0.85);
	assert_int_equal(estimate_sites(v, 20, t, &o, &e), 0);
	assert_int_equal(e.n, 2);
	assert_true(fabs(site(&e, 1)->count_per_s + site(&e, 2)->count_per_s - 200) < 2);
	assert_true(site(&e, 1)->count_per_s > 2 * site(&e, 2)->count_per_s);
	estimate_free(&e);
	free(t);
}

/* Before 3.11 an instance's dict is born at another line, and is no part of the instance there. */
static void a_block_that_is_told_at_its_own_line_counts_once(void **state)
{
	struct trend_points *t = growth(3, 200, 20);
	struct estimate_opts o = opts();
	struct survivor v[20];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 20; i += 2) {
		v[i] = survivor(1, STR, 3, i * 0.85);
		v[i + 1] = survivor(2, DICT, 3, i * 0.85);
		give_satellite(&v[i], 3);
		v[i].part[1].addr = v[i + 1].addr;
		v[i].bytes = 128;
	}
	assert_int_equal(estimate_sites(v, 20, t, &o, &e), 0);
	assert_true(fabs(site(&e, 1)->count_per_s - 100) < 2);
	assert_true(fabs(site(&e, 1)->bytes_per_s - 64 * site(&e, 1)->count_per_s) < 1);
	assert_true(fabs(site(&e, 2)->bytes_per_s - 64 * site(&e, 2)->count_per_s) < 1);
	estimate_free(&e);
	/* --min-size compares all bytes that an object owns, told or not. */
	o.min_size = 100;
	assert_int_equal(estimate_sites(v, 20, t, &o, &e), 0);
	assert_int_equal(e.n, 1);
	assert_non_null(site(&e, 1));
	estimate_free(&e);
	free(t);
}

static void satellites_in_the_class_count_too(void **state)
{
	struct trend_points *t = growth(3, 200, 20);
	struct estimate_opts o = opts();
	struct survivor v[10];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 10; i++) {
		v[i] = survivor(1, DICT, 3, i * 1.7);
		give_satellite(&v[i], 3); /* its table lies in the same class */
	}
	assert_int_equal(estimate_sites(v, 10, t, &o, &e), 0);
	assert_true(fabs(e.sites[0].count_per_s - 100) < 2);
	estimate_free(&e);
	free(t);
}

static void a_block_with_a_birth_of_its_own_counts_once(void **state)
{
	struct trend_points *t = growth(3, 200, 20);
	struct estimate_opts o = opts();
	struct survivor v[20];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 10; i++) {
		v[2 * i] = survivor(1, DICT, 3, i * 1.7);
		v[2 * i + 1] = survivor(2, STR, 7, i * 1.7); /* an instance that owns the dict */
		v[2 * i + 1].parts = 2;
		v[2 * i + 1].part[1] = v[2 * i].part[0];
	}
	assert_int_equal(estimate_sites(v, 20, t, &o, &e), 0);
	assert_true(fabs(site(&e, 1)->count_per_s - 200) < 2);
	estimate_free(&e);
	free(t);
}

/* Instances in a full store: their class is level, and the dict each owns takes the place of one.
 */
static void satellites_of_what_does_not_grow_have_no_share(void **state)
{
	struct trend_points *t = growth(3, 200, 20);
	struct estimate_opts o = opts();
	struct survivor v[20];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 10; i++) {
		v[2 * i] = survivor(1, DICT, 3, i * 1.7);
		v[2 * i + 1] = survivor(2, STR, 7, i * 1.7);
		give_satellite(&v[2 * i + 1], 3);
	}
	assert_int_equal(estimate_sites(v, 20, t, &o, &e), 0);
	assert_true(fabs(site(&e, 1)->count_per_s - 200) < 2);
	assert_true(site(&e, 2)->count_per_s == 0);
	estimate_free(&e);
	free(t);
}

static void a_replacing_stack_has_no_share(void **state)
{
	struct trend_points *t = growth(3, 200, 20);
	struct estimate_opts o = opts();
	struct map64 replaced = {0};
	struct survivor v[20];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 20; i++)
		v[i] = survivor(1 + i % 2, DICT, 3, i * 0.85);
	map64_put(&replaced, 2);
	o.replaced = &replaced;
	assert_int_equal(estimate_sites(v, 20, t, &o, &e), 0);
	assert_int_equal(e.n, 1);
	assert_true(fabs(site(&e, 1)->count_per_s - 200) < 2);
	estimate_free(&e);

	/* where nothing else can be what grows, something else may hold them, too */
	map64_put(&replaced, 1);
	o.coverage = 1;
	assert_int_equal(estimate_sites(v, 20, t, &o, &e), 0);
	assert_int_equal(e.n, 2);
	estimate_free(&e);
	map64_free(&replaced);
	free(t);
}

static void what_does_not_grow_has_no_rate(void **state)
{
	struct trend_points *t = growth(3, 200, 20);
	struct estimate_opts o = opts();
	struct survivor v[10];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 10; i++)
		v[i] = survivor(1, STR, 7, i * 1.7);
	assert_int_equal(estimate_sites(v, 10, t, &o, &e), 0);
	assert_true(e.sites[0].count_per_s == 0);
	estimate_free(&e);
	free(t);
}

/* A store that is full after 13 s, of 700 a second, gains 34 a second from then on. 25 were seen to
 * live for 30 s in 50 s: those are as many as that when a part of 0.015 of all births was watched,
 * and one never drops them; of 0.001 they are fifteen times as many, and must make place. */
static void what_stays_in_a_full_store_leaks(void **state)
{
	static const struct {
		double seconds, coverage, low, high;
		enum curve_shape shape;
	} is[] = {
		{80, 0.015, 30, 38, CURVE_RISING},
		{80, 0.001, 0, 0, CURVE_LEVELLED},
		/* a cache may have filled beside: it has not risen for as long as it filled */
		{24, 0.1, 30, 38, CURVE_SLOWING},
	};
	struct survivor v[25];
	struct estimate e;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(is); k++) {
		struct trend_points *t = growth_of_full(3, 700, 13, 34, is[k].seconds);
		struct estimate_opts o = opts();
		double late = is[k].seconds > 60 ? 30 : 3;

		o.now_ns = (100 + (uint64_t)is[k].seconds) * S;
		o.coverage = is[k].coverage;
		for (int i = 0; i < 25; i++) {
			v[i] = survivor(1, DICT, 3, (is[k].seconds - late) * i / 25);
			v[i].rung = is[k].seconds > 60 ? 5 : 3;
		}
		assert_int_equal(estimate_sites(v, 25, t, &o, &e), 0);
		assert_int_equal(e.curve[3].shape, is[k].shape);
		assert_true(e.n == 1 && e.sites[0].count_per_s >= is[k].low &&
			    e.sites[0].count_per_s <= is[k].high);
		estimate_free(&e);
		free(t);
	}
}

static void old_survivors_outrank_a_cache(void **state)
{
	struct trend_points *t = growth(3, 20, 20);
	struct estimate_opts o = opts();
	struct survivor v[49];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 9; i++)
		v[i] = survivor(1, DICT, 3, 1 + i * 1.8); /* the leak: seen at every age */
	for (int i = 0; i < 40; i++)
		v[9 + i] = survivor(2, DICT, 3, 15 + i * 0.1); /* entries that live five seconds */
	assert_int_equal(estimate_sites(v, 49, t, &o, &e), 0);
	assert_int_equal(e.n, 1);
	assert_int_equal(e.sites[0].stack, 1);
	assert_true(fabs(e.sites[0].count_per_s - 20) < 1);
	estimate_free(&e);
	free(t);
}

static void ambiguous_survivors_count_only_alone(void **state)
{
	struct trend_points *t = growth(3, 20, 20);
	struct estimate_opts o = opts();
	struct survivor v[12];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 12; i++) {
		v[i] = survivor(i < 6 ? 1 : 2, STR, 3, 1 + i % 6 * 3);
		v[i].ambiguous = i >= 6;
	}
	assert_int_equal(estimate_sites(v, 12, t, &o, &e), 0);
	assert_int_equal(e.n, 1);
	assert_int_equal(e.sites[0].stack, 1);
	assert_false(e.sites[0].weak);
	estimate_free(&e);
	assert_int_equal(estimate_sites(v + 6, 6, t, &o, &e), 0);
	assert_true(e.n == 1 && e.sites[0].weak);
	estimate_free(&e);
	free(t);
}

static void ambiguous_survivors_are_forgiven_after_many_bursts(void **state)
{
	struct trend_points *t = growth(3, 20, 20);
	struct estimate_opts o = opts();
	struct survivor v[6];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 6; i++) {
		v[i] = survivor(1, STR, 3, i < 5 ? 1 + i * 1.8 : 15);
		v[i].ambiguous = true;
	}
	o.burst = 5;
	assert_int_equal(estimate_sites(v, 6, t, &o, &e), 0);
	assert_true(e.sites[0].weak);
	estimate_free(&e);
	o.burst = 40;
	assert_int_equal(estimate_sites(v, 6, t, &o, &e), 0);
	assert_false(e.sites[0].weak);
	estimate_free(&e);
	free(t);
}

static void impostors_of_one_content_are_dropped(void **state)
{
	struct trend_points *t = growth(3, 20, 20);
	struct estimate_opts o = opts();
	struct survivor v[22];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 22; i++) {
		v[i] = survivor(i < 20 ? 1 : 2, STR, 3, i < 20 ? 1 + i * 0.8 : 6 + i % 2 * 9);
		v[i].ambiguous = true;
		v[i].content = 77;
	}
	o.burst = 100;
	assert_int_equal(estimate_sites(v, 22, t, &o, &e), 0);
	assert_int_equal(e.n, 1);
	assert_int_equal(e.sites[0].stack, 1);
	estimate_free(&e);
	v[20].content = v[21].content = 78; /* a content of its own is a leak of its own */
	assert_int_equal(estimate_sites(v, 22, t, &o, &e), 0);
	assert_int_equal(e.n, 2);
	estimate_free(&e);
	free(t);
}

/* One window met six of stack 2, where a leak of the same content that was not probed yet had taken
 * their addresses; later windows meet that leak alone. */
static void impostors_of_one_window_are_dropped(void **state)
{
	struct trend_points *t = growth(3, 20, 20);
	struct estimate_opts o = opts();
	struct survivor v[16];
	struct estimate e;

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		v[i] = survivor(i < 10 ? 1 : 2, STR, 3, i < 10 ? 4 + (double)i : 3);
		v[i].ambiguous = true;
		v[i].content = 77;
		v[i].burst = i < 10 ? 2 + i : 1;
	}
	o.burst = 100;
	assert_int_equal(estimate_sites(v, 16, t, &o, &e), 0);
	assert_int_equal(e.n, 1);
	assert_int_equal(e.sites[0].stack, 1);
	estimate_free(&e);
	/* The others met it no more often before than now. */
	v[10].burst = 7;
	assert_int_equal(estimate_sites(v, 16, t, &o, &e), 0);
	assert_int_equal(e.n, 2);
	estimate_free(&e);
	free(t);
}

static void births_that_stopped_do_not_grow(void **state)
{
	struct trend_points *t = growth(3, 20, 20);
	struct estimate_opts o = opts();
	struct coverage watched = {0};
	struct survivor v[30];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 20; i++)
		v[i] = survivor(1, DICT, 3, 0.5 + i * 0.1); /* the start of a thread pool */
	for (int i = 0; i < 10; i++)
		v[20 + i] = survivor(2, DICT, 3, 0.5 + i * 1.5);
	assert_int_equal(estimate_sites(v, 30, t, &o, &e), 0);
	assert_int_equal(e.n, 2);
	assert_true(site(&e, 1)->stopped && !site(&e, 2)->stopped);
	assert_true(site(&e, 1)->count_per_s == 0 && site(&e, 1)->held_count > 200);
	assert_true(fabs(site(&e, 2)->count_per_s - 20) < 1);
	assert_true(fabs(site(&e, 1)->held_count + site(&e, 2)->held_count - 380) < 20);
	estimate_free(&e);
	/* Everything was watched while the pool started, and a twentieth of the time later. */
	for (uint64_t i = 0; i < 30; i++)
		coverage_add(&watched, 100 * S + i * S / 10, 100 * S + (i + 1) * S / 10);
	for (uint64_t i = 3; i < 20; i++)
		coverage_add(&watched, (100 + i) * S, (100 + i) * S + S / 20);
	o.watched = &watched;
	assert_int_equal(estimate_sites(v, 30, t, &o, &e), 0);
	assert_true(site(&e, 1)->held_count < 120);
	assert_true(fabs(site(&e, 1)->held_count + site(&e, 2)->held_count - 380) < 20);
	estimate_free(&e);
	/* Two a second: since then one or two would have been seen. That none was says nothing. */
	for (int i = 0; i < 6; i++)
		v[i] = survivor(1, DICT, 3, 0.5 + i * 0.5);
	assert_int_equal(estimate_sites(v, 6, t, &o, &e), 0);
	assert_false(site(&e, 1)->stopped);
	estimate_free(&e);
	for (int i = 0; i < 10; i++)
		v[6 + i] = v[20 + i];
	assert_int_equal(estimate_sites(v, 16, t, &o, &e), 0);
	assert_false(site(&e, 1)->stopped);
	estimate_free(&e);
	free(t);
}

/* A job runs for three seconds of forty and is silent in between; another ran each ten seconds, and
 * then no more. */
static void a_job_that_runs_now_and_then_has_not_stopped(void **state)
{
	static const double often[] = {0, 10, 20}, seldom[] = {0, 40};
	struct trend_points *t = growth(3, 20, 58);
	struct estimate_opts o = opts();
	struct survivor v[28 + 75];
	struct estimate e;
	size_t n = 0;

	(void)state;
	o.now_ns = 158 * S;
	for (int i = 0; i < 28; i++)
		v[n++] = survivor(1, DICT, 3, i * 2);
	for (int i = 0; i < 30; i++)
		v[n++] = survivor(2, DICT, 3, seldom[i / 15] + i % 15 * 0.2);
	for (int i = 0; i < 45; i++)
		v[n++] = survivor(3, DICT, 3, often[i / 15] + i % 15 * 0.2);
	for (size_t i = 0; i < n; i++)
		v[i].rung = 4;
	assert_int_equal(estimate_sites(v, n, t, &o, &e), 0);
	assert_false(site(&e, 2)->stopped);
	assert_true(site(&e, 3)->stopped);
	estimate_free(&e);
	free(t);
}

/* Grows, stands still for six seconds, and goes on for the last 24 of a minute. */
static struct trend_points *a_stop(unsigned cls)
{
	struct trend_points *t = growth(cls, 40, 60);

	for (size_t i = 0; i < t[cls].n; i++) {
		double at = t[cls].t[i];

		t[cls].v[i] = 1000 + 40 * fmin(at, 30) + 20 * fmax(at - 36, 0);
		t[cls].top[i] = t[cls].v[i];
	}
	return t;
}

static size_t sites_of_those_before(struct trend_points *t, size_t n)
{
	struct estimate_opts o = opts();
	struct survivor v[64];
	struct estimate e;
	size_t sites;

	o.now_ns = 160 * S;
	for (size_t i = 0; i < n; i++) {
		v[i] = survivor(1, DICT, 3, 28 * (double)i / (double)n);
		v[i].rung = 4;
	}
	assert_int_equal(estimate_sites(v, n, t, &o, &e), 0);
	sites = e.n;
	estimate_free(&e);
	return sites;
}

static void of_a_few_nobody_need_have_been_seen_again(void **state)
{
	struct trend_points *t = a_stop(3);

	(void)state;
	assert_int_equal(sites_of_those_before(t, 5), 1);
	assert_int_equal(sites_of_those_before(t, 40), 0);
	free(t);
}

static void gc_objects_wait_for_a_full_collection(void **state)
{
	struct trend_points *t = growth(3, 20, 20);
	struct estimate_opts o = opts();
	struct survivor v[6];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 6; i++) {
		v[i] = survivor(1, DICT, 3, 1 + i * 3);
		v[i].gc = true;
		v[i].collections = 1;
	}
	assert_int_equal(estimate_sites(v, 6, t, &o, &e), 0);
	assert_true(e.sites[0].waits_for_gc);
	estimate_free(&e);
	o.collections = 2;
	assert_int_equal(estimate_sites(v, 6, t, &o, &e), 0);
	assert_false(e.sites[0].waits_for_gc);
	estimate_free(&e);
	free(t);
}

static void big_bodies_share_the_growth_of_bytes(void **state)
{
	struct trend_points *t = growth(3, 20, 20);
	struct estimate_opts o = opts();
	struct survivor v[8];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 8; i++) {
		v[i] = survivor(i % 2, STR, -1, 1 + i * 2);
		v[i].stack = 1 + i % 2;
		v[i].bytes = v[i].part[0].bytes = 4096;
	}
	o.malloc_bytes_per_s = 409600;
	assert_int_equal(estimate_sites(v, 8, t, &o, &e), 0);
	assert_int_equal(e.n, 2);
	assert_true(fabs(e.sites[0].count_per_s + e.sites[1].count_per_s - 100) < 1);
	assert_true(fabs(e.sites[0].bytes_per_s - 204800) < 4096 * 15);
	estimate_free(&e);
	free(t);
}

static void size_limits_are_kept(void **state)
{
	struct trend_points *t = growth(3, 20, 20);
	struct estimate_opts o = opts();
	struct survivor v[6];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 6; i++)
		v[i] = survivor(1, DICT, 3, 1 + i * 3);
	o.min_size = 65;
	assert_int_equal(estimate_sites(v, 6, t, &o, &e), 0);
	assert_int_equal(e.n, 0);
	estimate_free(&e);
	free(t);
}

/* Ten times as many births of one stack's type were looked at: its survivors are ten times as many,
 * and have no more of the growth for it. */
static void those_seen_more_often_stand_for_fewer(void **state)
{
	struct trend_points *t = growth(3, 200, 20);
	struct estimate_opts o = opts();
	struct survivor v[44];
	struct estimate e;

	(void)state;
	for (int i = 0; i < 44; i++) {
		bool is_often = i < 40;
		double born_s = is_often ? 1 + 0.2 * i : 1 + 2.5 * (i - 40);

		v[i] = survivor(is_often ? 1 : 2, is_often ? DICT : STR, 3, born_s);
		v[i].often = is_often ? 10 : 1;
	}
	assert_int_equal(estimate_sites(v, 44, t, &o, &e), 0);
	assert_int_equal(e.n, 2);
	assert_true(fabs(site(&e, 1)->count_per_s - 100) < 5);
	assert_true(fabs(site(&e, 2)->count_per_s - 100) < 5);
	assert_int_equal(site(&e, 1)->samples, 40);
	estimate_free(&e);
	free(t);
}

/* As many objects a second of two lines, in turn: of the second's time five times as much was
 * watched. */
static void those_seen_when_more_was_watched_stand_for_fewer(void **state)
{
	struct trend_points *t = growth(3, 200, 20);
	struct estimate_opts o = opts();
	struct coverage watched = {0};
	struct survivor v[45];
	struct estimate e;
	size_t n = 0;

	(void)state;
	for (uint64_t i = 0; i < 68; i++)
		coverage_add(&watched, 100 * S + i * S / 4,
			     100 * S + i * S / 4 + (i >= 24 && i < 52 ? S / 40 : S / 200));
	for (int i = 0; i < 17; i++)
		for (int k = 0; k < (i >= 6 && i < 13 ? 5 : 1); k++)
			v[n++] = survivor(i >= 6 && i < 13 ? 2 : 1, DICT, 3, i + 0.2 * k + 0.002);
	assert_int_equal(n, ARRAY_SIZE(v));
	o.watched = &watched;
	assert_int_equal(estimate_sites(v, n, t, &o, &e), 0);
	/* Those of six and of four seconds are old enough. */
	assert_true(fabs(site(&e, 1)->count_per_s - 120) < 20);
	assert_true(fabs(site(&e, 2)->count_per_s - 80) < 20);
	assert_int_equal(site(&e, 2)->samples, 20);
	estimate_free(&e);
	free(t);
}

/* All that json.loads() makes has many sizes: those that grow most tell of it, not those that came
 * last; where none grows, those that are most. */
static void a_line_has_the_size_class_that_grows_most(void **state)
{
	struct trend_points *t = growth(3, 200, 20), *small = growth(1, 10, 20);
	struct estimate_opts o = opts();
	struct survivor v[20];
	struct estimate e;

	(void)state;
	t[1] = small[1];
	for (int i = 0; i < 20; i++)
		v[i] = survivor(1, i % 2 ? DICT : STR, i % 4 < 3 ? 3 : 1, i * 0.85);
	assert_int_equal(estimate_sites(v, 20, t, &o, &e), 0);
	assert_int_equal(e.n, 1);
	assert_int_equal(e.sites[0].cls, 3);
	assert_int_equal(e.sites[0].type, STR);
	assert_int_equal(e.sites[0].n_types, 3);
	for (size_t i = 0; i < e.sites[0].n_types; i++) {
		const struct estimate_type *of = &e.sites[0].types[i];
		bool is_small = of->cls == 1;

		assert_int_equal(of->type == STR ? 3 : of->cls, of->cls);
		assert_true(fabs(of->count_per_s - (is_small	      ? 10
						    : of->type == STR ? 133
								      : 67)) < 3);
	}
	estimate_free(&e);
	t[3] = t[4]; /* level */
	assert_int_equal(estimate_sites(v, 20, t, &o, &e), 0);
	assert_int_equal(e.sites[0].cls, 1);
	estimate_free(&e);
	t[1] = t[4];
	assert_int_equal(estimate_sites(v, 20, t, &o, &e), 0);
	assert_int_equal(e.sites[0].cls, 3);
	estimate_free(&e);
	free(small);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growth_is_shared_out_by_survivors),
		cmocka_unit_test(a_block_that_is_told_at_its_own_line_counts_once),
		cmocka_unit_test(satellites_in_the_class_count_too),
		cmocka_unit_test(a_block_with_a_birth_of_its_own_counts_once),
		cmocka_unit_test(satellites_of_what_does_not_grow_have_no_share),
		cmocka_unit_test(a_replacing_stack_has_no_share),
		cmocka_unit_test(what_does_not_grow_has_no_rate),
		cmocka_unit_test(what_stays_in_a_full_store_leaks),
		cmocka_unit_test(old_survivors_outrank_a_cache),
		cmocka_unit_test(ambiguous_survivors_count_only_alone),
		cmocka_unit_test(ambiguous_survivors_are_forgiven_after_many_bursts),
		cmocka_unit_test(impostors_of_one_content_are_dropped),
		cmocka_unit_test(impostors_of_one_window_are_dropped),
		cmocka_unit_test(births_that_stopped_do_not_grow),
		cmocka_unit_test(a_job_that_runs_now_and_then_has_not_stopped),
		cmocka_unit_test(of_a_few_nobody_need_have_been_seen_again),
		cmocka_unit_test(gc_objects_wait_for_a_full_collection),
		cmocka_unit_test(big_bodies_share_the_growth_of_bytes),
		cmocka_unit_test(size_limits_are_kept),
		cmocka_unit_test(those_seen_more_often_stand_for_fewer),
		cmocka_unit_test(those_seen_when_more_was_watched_stand_for_fewer),
		cmocka_unit_test(a_line_has_the_size_class_that_grows_most),
	};

	return cmocka_run_group_tests_name("estimate", tests, NULL, NULL);
}
