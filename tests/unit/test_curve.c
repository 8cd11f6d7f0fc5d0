/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The judge of curves against series whose truth is known. PYLEAK_TABLE=SEED:N prints the tables of
 * docs/SCORING.md for N series; SEED:N:PERCENT those of runs with so large a hole. */
#include "unit.h"

#include "base/curve.h"
#include "base/fit.h"
#include "curves.h"
#include "golden.h"

#define TABLE_SEED   3
#define TABLE_N	     500
#define TABLE_SHAPES 2000

/* Without readings from @from to @to: we stood still, or the machine slept. */
static void judge_draw(struct draw *d, double from, double to, struct curve *c)
{
	double t[SERIES_POINTS], v[SERIES_POINTS], top[SERIES_POINTS];
	struct series *s;
	size_t n;

	assert_int_equal(series_new(1, 1, &s), 0);
	for (double at = 0; at <= d->run_s; at += d->step_s) {
		double value = draw_value(d, at);

		if (at < from || at >= to)
			series_add(s, at, &value);
	}
	n = series_read(s, 0, t, v, top);
	curve_judge(&(struct curve_points){t, v, top, n, 1}, c);
	series_free(s);
}

struct tables {
	unsigned seen[CURVE_KINDS][CURVE_SHAPES];
	unsigned called[10], right[10]; /* by confidence */
	unsigned innocent, accused, leaks, found;
};

static struct tables shapes; /* of TABLE_SHAPES series without a hole */

/* @hole: the part of each run, in the middle, in which nothing was read. */
static void tabulate(uint64_t seed, unsigned n, double hole, struct tables *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < n; i++) {
		struct draw d;
		struct curve c;
		unsigned bin;

		draw_begin(&d, seed, i);
		judge_draw(&d, d.run_s * (0.5 - hole / 2), d.run_s * (0.5 + hole / 2), &c);
		out->seen[d.kind][c.shape]++;
		out->innocent += !is_leak(d.kind) && !is_open(d.kind);
		out->leaks += is_leak(d.kind);
		if (c.shape != CURVE_RISING)
			continue;
		bin = c.confidence >= 1 ? 9 : (unsigned)(c.confidence * 10);
		out->called[bin]++;
		out->right[bin] += is_leak(d.kind);
		out->accused += !is_leak(d.kind) && !is_open(d.kind);
		out->found += is_leak(d.kind);
	}
}

/* Drawn by themselves: the others stay what they were. */
static void tabulate_powers(uint64_t seed, unsigned n, struct tables *out)
{
	for (unsigned i = 0; i < n; i++) {
		struct draw d;
		struct curve c;

		draw_power(&d, seed, i);
		judge_draw(&d, INFINITY, INFINITY, &c);
		out->seen[d.kind][c.shape]++;
	}
}

static void print_tables(const struct tables *t)
{
	printf("%-18s", "");
	for (unsigned s = 0; s < CURVE_SHAPES; s++)
		printf("%11s", curve_shape_name((enum curve_shape)s));
	for (unsigned k = 0; k < CURVE_KINDS; k++) {
		printf("\n%-18s", curve_kind_name[k]);
		for (unsigned s = 0; s < CURVE_SHAPES; s++)
			printf("%11u", t->seen[k][s]);
	}
	printf("\n\nconfidence   called rising   leaks among them\n");
	for (unsigned b = 0; b < 10; b++)
		if (t->called[b])
			printf("%.1f .. %.1f %14u %13.0f %%\n", b / 10.0, (b + 1) / 10.0,
			       t->called[b], 100.0 * t->right[b] / t->called[b]);
	printf("innocent called rising: %u of %u; leaks found: %u of %u\n", t->accused, t->innocent,
	       t->found, t->leaks);
}

/* At most so many percent of the innocent series are called rising, of the leaks at least so many.
 */
static void check_table(double hole, unsigned accused, unsigned found)
{
	struct tables t;

	tabulate(TABLE_SEED, TABLE_N, hole, &t);
	if (t.accused * 100 > accused * t.innocent || t.found * 100 < found * t.leaks)
		print_tables(&t);
	assert_true(t.accused * 100 <= accused * t.innocent);
	assert_true(t.found * 100 >= found * t.leaks);
}

/* The limits are those of docs/SCORING.md with room for the luck of 500 draws; the seed is one the
 * thresholds were not made on. */
static void innocent_series_are_hardly_ever_called_rising(void **state)
{
	(void)state;
	check_table(0, 2, 90);
}

/* Nor are those that rise by a power of time, which is a line nowhere. */
static void what_rises_ever_more_slowly_is_hardly_ever_called_rising(void **state)
{
	struct tables t = {0};

	(void)state;
	tabulate_powers(TABLE_SEED, 200, &t);
	assert_in_range(t.seen[KIND_POWER][CURVE_RISING], 0, 14);
}

/* A tool that stands still a third of the time misses some of both, and makes up little more. */
static void a_hole_in_the_readings_makes_nothing_up(void **state)
{
	(void)state;
	check_table(0.33, 3, 85);
}

/* The share of the calls that are right is the confidence: a bin of n may be off by its luck. */
static void confidence_is_what_it_says(void **state)
{
	unsigned judged = 0;

	(void)state;
	for (unsigned b = 5; b < 10; b++) {
		double n = shapes.called[b], least = b / 10.0, luck = sqrt(n * least * (1 - least));

		if (n < 20)
			continue;
		assert_true(shapes.right[b] >= n * least - 3 * luck);
		judged++;
	}
	assert_true(judged >= 3);
}

static struct curve judge_of(double (*f)(double t), double seconds, double step)
{
	double t[SERIES_POINTS], v[SERIES_POINTS], top[SERIES_POINTS];
	struct series *s;
	struct curve c;
	size_t n;

	assert_int_equal(series_new(1, 1, &s), 0);
	for (double at = 0; at < seconds; at += step) {
		double value = f(at);

		series_add(s, at, &value);
	}
	n = series_read(s, 0, t, v, top);
	curve_judge(&(struct curve_points){t, v, top, n, 1}, &c);
	series_free(s);
	return c;
}

static double still(double t)
{
	(void)t;
	return 7;
}

static double leak(double t)
{
	return 1000 + 20 * t;
}

static double late(double t)
{
	return t < 3600 ? 1000 : 1000 + 20 * (t - 3600);
}

static double filled(double t)
{
	return t < 30 ? 1000 + 333 * t : 11000;
}

static double filling(double t)
{
	return 10000 * (1 - exp(-t / 20));
}

static double teeth(double t)
{
	return 1000 + 500 * fmod(t, 20);
}

static double spike(double t)
{
	return t > 10 && t < 20 ? 90000 : 1000;
}

/* An hour of calm, a job of five minutes, and then a leak; or a leak all along. */
static double peak_in_calm(double t)
{
	return t < 3600 ? 1000 : t < 3900 ? 90000 : 1000 + 50 * (t - 3900);
}

static double peak_on_a_leak(double t)
{
	return 1000 + 50 * t + (t >= 3600 && t < 3900 ? 200000 : 0);
}

/* The fall is that of what an hour has filled, and may come again. */
static double hourly(double t)
{
	return 1000 + 25 * fmod(t, 3600);
}

static void plain_shapes_have_their_names(void **state)
{
	struct curve c;

	(void)state;
	assert_int_equal(judge_of(still, 60, 0.5).shape, CURVE_FLAT);
	c = judge_of(leak, 60, 0.5);
	assert_int_equal(c.shape, CURVE_RISING);
	assert_true(fabs(c.slope - 20) < 0.1 && c.low <= 20.01 && c.high >= 19.99);
	assert_true(c.since_s > 50 && c.confidence > 0.8 && c.confidence < 0.9);
	assert_int_equal(judge_of(filled, 60, 0.5).shape, CURVE_LEVELLED);
	assert_int_equal(judge_of(filling, 25, 0.5).shape, CURVE_SLOWING);
	assert_int_equal(judge_of(filling, 120, 0.5).shape, CURVE_LEVELLED);
	assert_int_equal(judge_of(teeth, 300, 0.5).shape, CURVE_PERIODIC);
	assert_int_equal(judge_of(spike, 60, 0.5).shape, CURVE_GIVEN_BACK);
	assert_int_equal(judge_of(leak, 3, 0.5).shape, CURVE_UNKNOWN);
}

static double begun_s; /* until then nothing comes */

static double late_cache(double t)
{
	return 1000 + (t > begun_s ? floor(4000 * (1 - exp((begun_s - t) / 15))) : 0);
}

static double late_leak(double t)
{
	return 1000 + (t > begun_s ? floor(100 * (t - begun_s)) : 0);
}

/* Rest and bend together look like a line. */
static void a_cache_that_begins_late_is_no_leak(void **state)
{
	(void)state;
	for (begun_s = 8; begun_s < 36; begun_s += 4) {
		assert_int_not_equal(judge_of(late_cache, 60, 0.5).shape, CURVE_RISING);
		assert_int_equal(judge_of(late_leak, 60, 0.5).shape, CURVE_RISING);
	}
}

/* A table over six thousand keys that are asked for by chance, 800 a second: misses become rare,
 * and the last few come one by one. */
static void the_end_of_a_saturation_is_no_leak(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct draw d = {.random = seed * 0x9e3779b97f4a7c15ull | 1};
		double t[80], v[80], known = 1000;
		struct curve c;

		for (size_t i = 0; i < 80; i++) {
			t[i] = (double)i;
			v[i] = known;
			for (unsigned k = 0; k < 800; k++)
				known += uniform(&d) * 6000 > known - 1000;
			if (i < 30)
				continue;
			curve_judge(&(struct curve_points){t, v, v, i + 1, 1}, &c);
			assert_int_not_equal(c.shape, CURVE_RISING);
		}
	}
}

/* Judges values that were read a second apart. */
static void judge_seconds(const double *v, size_t n, struct curve *c)
{
	double t[64];

	assert_true(n <= ARRAY_SIZE(t));
	for (size_t i = 0; i < n; i++)
		t[i] = (double)i;
	curve_judge(&(struct curve_points){t, v, v, n, 1}, c);
}

/* Blocks of a size class, a second apart, of 376 objects a second but for the seconds from 26 to
 * 34, when a busy machine let them come at 333. */
static void a_dip_makes_no_cache_of_a_leak(void **state)
{
	static const double v[] = {2449,  2881,	 3357,	3741,  4021,  4721,  4905,  5149,
				   5561,  5937,	 6325,	6745,  7101,  7489,  7833,  8257,
				   8513,  9037,	 9401,	9749,  10117, 10485, 11029, 11193,
				   11697, 12013, 12369, 12733, 13125, 13373, 13717, 14109,
				   14385, 14645, 15077, 15413, 15937, 16297, 16497};
	struct curve c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		judge_seconds(v, i + 1, &c);
		if (i >= 20)
			assert_int_equal(c.shape, CURVE_RISING);
	}
}

/* Live KiB of a server, a second apart: cycles that a full collection frees, in the 51st second.
 * Nothing is left of the rise. */
static void a_rise_that_was_taken_back_is_none(void **state)
{
	static const double v[] = {7154, 7196, 7145, 7109, 7230, 7221, 7267, 7230, 7238, 7287,
				   7362, 7225, 7289, 7239, 7247, 7254, 7354, 7334, 7305, 7239,
				   7348, 7331, 7308, 7351, 7379, 7358, 7291, 7303, 7326, 7399,
				   7385, 7366, 7361, 7373, 7414, 7384, 7387, 7364, 7364, 7391,
				   7482, 7506, 7482, 7400, 7391, 7430, 7450, 7420, 7460, 7470,
				   6967, 7001, 7017, 7107, 7062, 7138, 7116};
	struct curve c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		judge_seconds(v, i + 1, &c);
		if (i == 49)
			assert_true(curve_grows(&c));
		if (i > 50)
			assert_false(curve_grows(&c));
	}
}

/* Half of twenty seconds without a reading: the line goes on behind it. */
static void a_line_goes_on_behind_a_hole(void **state)
{
	double t[11], v[11];
	struct curve c;

	(void)state;
	for (size_t i = 0; i < 11; i++) {
		t[i] = i < 6 ? (double)i : (double)i + 10;
		v[i] = leak(t[i]);
	}
	curve_judge(&(struct curve_points){t, v, v, 11, 1}, &c);
	assert_int_equal(c.shape, CURVE_RISING);
	assert_true(fabs(c.slope - 20) < 0.1);
}

/* An hour of nothing, then a leak: named within two minutes, with the time since when. */
/* Two readings a second, and noise that is no rhythm. */
static struct curve shape_of(double seconds, double (*value)(double at, double x), double x,
			     unsigned noise)
{
	double t[512], v[512];
	struct curve c = {0};
	size_t n = 0;

	for (double at = 0; at < seconds; at += 0.5, n++) {
		t[n] = at;
		v[n] = 1000 + value(at, x) + (double)((n * 7919 + 13) % 17 * noise);
	}
	curve_judge(&(struct curve_points){.t = t, .v = v, .n = n, .grain = 1}, &c);
	return c;
}

static double teeth_and_a_line(double at, double x)
{
	(void)x;
	return at < 100 ? fmod(at, 10) * 20 : (at - 100) * 20;
}

static double a_ramp_and_a_slope(double at, double slope)
{
	return at < 60 ? at * 10 : 600 + (at - 60) * slope;
}

/* Both sides of two thresholds. */
static void what_comes_after_teeth_and_ramps(void **state)
{
	(void)state;
	/* three teeth of ten seconds */
	assert_int_not_equal(shape_of(128, teeth_and_a_line, 0, 0).shape, CURVE_RISING);
	assert_int_equal(shape_of(136, teeth_and_a_line, 0, 0).shape, CURVE_RISING);
	/* at most 21 and 26 % as steep as before */
	assert_int_equal(shape_of(75, a_ramp_and_a_slope, 1, 2).shape, CURVE_LEVELLED);
	assert_int_equal(shape_of(75, a_ramp_and_a_slope, 1.5, 2).shape, CURVE_SLOWING);
}

/* When the leak has come so far that the fall ends in a minimum, it is one of a tooth of five
 * minutes; of one that took an hour to fill it says nothing. */
static void a_peak_hides_no_more_than_it_took(void **state)
{
	(void)state;
	for (double after = 1000; after <= 3400; after += 600)
		assert_int_equal(judge_of(peak_in_calm, 3900 + after, 1).shape, CURVE_RISING);
	for (double after = 2500; after <= 3400; after += 300)
		assert_int_equal(judge_of(peak_on_a_leak, 3900 + after, 1).shape, CURVE_RISING);
	for (double after = 1500; after <= 3300; after += 300)
		assert_int_equal(judge_of(hourly, 3600 + after, 1).shape, CURVE_TEETH);
}

/* A start gives back a part of what it took, and then there is a leak. */
static double start_and_leak(double t)
{
	return 1000 + (t < 60 ? 400000 * t / 60 : t < 70 ? 400000 : 150000 + 100 * (t - 70));
}

/* Four times as long as the start took: the rise is small beside its peak. What fell far below
 * where we came had begun before. */
static void a_start_that_is_given_back_hides_no_leak(void **state)
{
	struct curve c;

	(void)state;
	for (double at = 300; at <= 1200; at += 30) {
		c = judge_of(start_and_leak, at, 1);
		assert_int_equal(c.shape, CURVE_RISING);
		assert_true(fabs(c.slope - 100) < 1);
	}
	assert_int_not_equal(judge_of(start_and_leak, 240, 1).shape, CURVE_RISING);
}

/* The memory that such a start leaves goes up and down by a seventh of its peak. */
static double start_and_teeth(double t)
{
	return t < 6 ? 20000 + 80000 * t / 6 : 50000 + 14000 * fmod(t, 31) / 31;
}

static double start_and_teeth_on_a_leak(double t)
{
	return start_and_teeth(t) + (t < 6 ? 0 : 100 * (t - 6));
}

/* The rise of a tooth is no line, however small it is beside the peak. */
static void a_tooth_after_a_start_is_no_leak(void **state)
{
	struct curve c;

	(void)state;
	for (double at = 80; at <= 300; at += 5) {
		c = judge_of(start_and_teeth, at, 1);
		assert_int_not_equal(c.shape, CURVE_RISING);
		assert_true(!c.minima || c.height < 14000); /* theirs */
	}
	for (double at = 200; at <= 300; at += 5)
		assert_int_equal(judge_of(start_and_teeth_on_a_leak, at, 1).shape, CURVE_RISING);
}

static void a_late_leak_is_not_averaged_away(void **state)
{
	struct curve c = judge_of(late, 3600 + 120, 1);

	(void)state;
	assert_int_equal(c.shape, CURVE_RISING);
	assert_true(fabs(c.slope - 20) < 1);
	assert_true(c.since_s > 60 && c.since_s < 150);
}

static double loaded_and_late(double t)
{
	return 1000 + (t < 60 ? 40000 * t / 60 : 40000 + (t > 600 ? 40 * (t - 600) : 0));
}

/* Nor where it is a third of the watch old, and what was loaded before it bends the line. */
static void a_leak_is_seen_at_any_age(void **state)
{
	(void)state;
	for (double after = 160; after <= 600; after += 20) {
		struct curve c = judge_of(loaded_and_late, 600 + after, 1);

		assert_int_equal(c.shape, CURVE_RISING);
		assert_true(fabs(c.slope - 40) < 2);
	}
}

/* A warm-up, idle, and then a leak. */
struct rest {
	double warm_s, kept, until, leak;
};
static struct rest rest;

static double warm_idle_leak(double t)
{
	return 1000 + rest.kept * fmin(t / rest.warm_s, 1) + rest.leak * fmax(t - rest.until, 0);
}

/* The rest in between is no time in which a saturation came to its end. */
static void a_rest_hides_no_leak(void **state)
{
	static const struct rest cases[] = {{20, 20000, 120, 40},
					    {30, 30000, 120, 40},
					    {120, 60000, 600, 40},
					    {180, 180000, 600, 60}};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++)
		for (double after = 40; after < 150; after *= 1.3) {
			rest = cases[k];
			assert_int_equal(judge_of(warm_idle_leak, rest.until + after, 1).shape,
					 CURVE_RISING);
		}
	rest = cases[3];
	assert_int_equal(judge_of(warm_idle_leak, rest.until + 700, 1).shape, CURVE_RISING);
}

/* Two seconds of work in each twenty, all of which stays. */
static double begin_s;

static double bursts(double t)
{
	double at = t + begin_s;

	return 1000 + 1980 * (floor(at / 20) + fmin(fmod(at, 20) / 2, 1));
}

/* The last of them is no new slope after a rest like those before. */
static void bursts_go_on_in_a_line(void **state)
{
	(void)state;
	for (begin_s = 0; begin_s < 20; begin_s++)
		for (double until = 65; until <= 200; until++) {
			struct curve c = judge_of(bursts, until, 1);

			assert_int_equal(c.shape, CURVE_RISING);
			assert_true(fabs(c.slope - 99) < 99 * 0.25);
		}
}

/* A day by the half second, a clock that jumps both ways, a sleep of an hour, values from hell. */
static void any_run_fits_in_bounded_memory(void **state)
{
	double t[SERIES_POINTS], v[SERIES_POINTS], top[SERIES_POINTS];
	struct series *s;
	struct curve c;
	size_t n;

	(void)state;
	assert_int_equal(series_new(1, 1, &s), 0);
	for (double at = 0; at < 86400; at += 0.5) {
		double jump = at > 5000 && at < 5010 ? -4000 : at > 40000 ? 3600 : 0;
		double value = leak(at + jump);

		series_add(s, at + jump, &value);
	}
	n = series_read(s, 0, t, v, top);
	assert_true(n > 100 && n <= SERIES_POINTS);
	for (size_t i = 1; i < n; i++)
		assert_true(t[i] > t[i - 1]);
	assert_true(t[n - 1] - t[n - 30] < 120); /* the last minutes by the second */
	curve_judge(&(struct curve_points){t, v, top, n, 1}, &c);
	assert_int_equal(c.shape, CURVE_RISING);
	assert_true(fabs(c.slope - 20) < 0.5);
	series_free(s);

	for (size_t i = 0; i < n; i++)
		v[i] = i % 3 ? 1e308 : i % 2 ? -1e308 : 0;
	curve_judge(&(struct curve_points){t, v, top, n, 1}, &c);
	curve_judge(&(struct curve_points){0}, &c);
	assert_int_equal(c.shape, CURVE_UNKNOWN);
}

/* Eight million blocks, half a gigabyte, thousands of which come and go every second, in bursts and
 * with a memory of minutes; and one block of 64 bytes a second, or none, that stays. */
static enum curve_shape drip(uint64_t seed, double per_s, double seconds)
{
	struct draw d = {.random = seed * 0x9e3779b97f4a7c15ull | 1};
	double t[SERIES_POINTS], v[SERIES_POINTS], top[SERIES_POINTS], slow = 0;
	struct series *s;
	struct curve c;
	size_t n;

	assert_int_equal(series_new(1, 1, &s), 0);
	for (double at = 0; at < seconds; at += 0.1) {
		double burst = uniform(&d) < 0.3 ? 2000 * uniform(&d) : 0, value;

		slow += -slow * 0.1 / 30 + normal(&d) * 20 * sqrt(2 * 0.1 / 30);
		value = 8e6 + floor(per_s * at) + floor(fabs(40 * normal(&d)) + slow + burst);
		series_add(s, at, &value);
	}
	n = series_read(s, 0, t, v, top);
	curve_judge(&(struct curve_points){t, v, top, n, 1}, &c);
	series_free(s);
	return c.shape;
}

static void a_drip_is_seen_within_ten_minutes_and_never_made_up(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++)
		assert_int_equal(drip(seed, 1, 600), CURVE_RISING);
	for (uint64_t seed = 11; seed <= 20; seed++)
		assert_int_not_equal(drip(seed, 0, 3600), CURVE_RISING);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Takes any number of values, in any order, with few and many that are the same. */
static void a_median_is_that_of_the_sorted(void **state)
{
	double v[FIT_POINTS], sorted[FIT_POINTS];
	uint64_t random = 5;

	(void)state;
	assert_true(fit_median(v, 0) == 0);
	for (size_t n = 1; n <= FIT_POINTS; n++)
		for (uint64_t kinds = 1; kinds <= 10000; kinds *= 10) {
			for (size_t i = 0; i < n; i++)
				v[i] = (double)(random_next(&random) >> 33) - (double)(1u << 30);
			for (size_t i = 0; i < n && kinds < 10000; i++)
				v[i] = fmod(v[i], (double)kinds);
			memcpy(sorted, v, sizeof(v));
			qsort(sorted, n, sizeof(*v), by_value);
			assert_true(fit_median(v, n) == (sorted[(n - 1) / 2] + sorted[n / 2]) / 2);
			assert_true(fit_median(sorted, n) == fit_median(v, n));
		}
}

static void fits_find_what_was_put_in(void **state)
{
	double t[60], y[60];
	struct fit_line line;
	struct fit_bend bend;
	struct fit_saturation sat;

	(void)state;
	for (int i = 0; i < 60; i++) {
		t[i] = i;
		y[i] = 5 + 2 * i + (i % 7 == 3 ? 400 : i * 7 % 5); /* a seventh of them wild */
	}
	fit_theil_sen(t, y, 60, &line);
	assert_true(fabs(line.slope - 2) < 0.05 && line.low < 2 && line.high > 2);
	fit_theil_sen(t, y, 2, &line);
	assert_true(line.slope == 0);

	for (int i = 0; i < 60; i++)
		y[i] = i < 40 ? 3 * i : 120 + 0.5 * (i - 40);
	assert_true(fit_change(t, y, 60, 6, 0.1, &bend));
	assert_true(fabs(bend.at - 40) < 1.5 && bend.gain > 1000);
	assert_true(fabs(bend.before - 3) < 0.05 && fabs(bend.after - 0.5) < 0.05);
	assert_false(fit_change(t, y, 10, 6, 0.1, &bend));
	for (int i = 0; i < 60; i++)
		y[i] = 40;
	assert_false(fit_change(t, y, 60, 6, 0.1, &bend));

	for (int i = 0; i < 60; i++)
		y[i] = 700 * (1 - exp(-i / 15.0)) + 1.5 * i;
	assert_true(fit_saturating(t, y, 60, 0.5, &sat));
	assert_true(fabs(sat.tau - 15) < 3 && fabs(sat.drift - 1.5) < 0.5);
	assert_true(sat.low < 2 && sat.high > 1 && sat.low > 0);
}

/* Which of them are called what, exactly: a threshold that is moved is seen to move something. A
 * change that is meant comes with the new table. */
static void every_series_is_called_what_it_was_called(void **state)
{
	struct tables t = shapes;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_non_null(f);
	for (unsigned i = 0; i < TABLE_SHAPES / 10; i++) {
		struct draw d;
		struct curve c;

		draw_power(&d, TABLE_SEED, i);
		judge_draw(&d, 0, 0, &c);
		t.seen[KIND_POWER][c.shape]++;
	}
	for (unsigned k = 0; k < CURVE_KINDS; k++) {
		fprintf(f, "%-20s", curve_kind_name[k]);
		for (unsigned s = 0; s < CURVE_SHAPES; s++)
			if (t.seen[k][s])
				fprintf(f, " %s %u", curve_shape_name((enum curve_shape)s),
					t.seen[k][s]);
		fputc('\n', f);
	}
	fclose(f);
	golden_compare("shapes.txt", text, size);
	free(text);
}

static int tabulate_shapes(void **state)
{
	(void)state;
	tabulate(TABLE_SEED, TABLE_SHAPES, 0, &shapes);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_median_is_that_of_the_sorted),
		cmocka_unit_test(fits_find_what_was_put_in),
		cmocka_unit_test(plain_shapes_have_their_names),
		cmocka_unit_test(a_cache_that_begins_late_is_no_leak),
		cmocka_unit_test(the_end_of_a_saturation_is_no_leak),
		cmocka_unit_test(a_dip_makes_no_cache_of_a_leak),
		cmocka_unit_test(a_rise_that_was_taken_back_is_none),
		cmocka_unit_test(a_line_goes_on_behind_a_hole),
		cmocka_unit_test(what_comes_after_teeth_and_ramps),
		cmocka_unit_test(a_peak_hides_no_more_than_it_took),
		cmocka_unit_test(a_start_that_is_given_back_hides_no_leak),
		cmocka_unit_test(a_tooth_after_a_start_is_no_leak),
		cmocka_unit_test(a_late_leak_is_not_averaged_away),
		cmocka_unit_test(a_leak_is_seen_at_any_age),
		cmocka_unit_test(a_rest_hides_no_leak),
		cmocka_unit_test(bursts_go_on_in_a_line),
		cmocka_unit_test(any_run_fits_in_bounded_memory),
		cmocka_unit_test(a_drip_is_seen_within_ten_minutes_and_never_made_up),
		cmocka_unit_test(innocent_series_are_hardly_ever_called_rising),
		cmocka_unit_test(what_rises_ever_more_slowly_is_hardly_ever_called_rising),
		cmocka_unit_test(a_hole_in_the_readings_makes_nothing_up),
		cmocka_unit_test(confidence_is_what_it_says),
		cmocka_unit_test(every_series_is_called_what_it_was_called),
	};
	const char *table = getenv("PYLEAK_TABLE");
	unsigned long long seed;
	unsigned n, hole = 0;
	struct tables t;

	if (table && sscanf(table, "%llu:%u:%u", &seed, &n, &hole) >= 2) {
		tabulate(seed, n, hole / 100.0, &t);
		tabulate_powers(seed, n / 5, &t);
		print_tables(&t);
		return 0;
	}
	return cmocka_run_group_tests_name("curve", tests, tabulate_shapes, NULL);
}
