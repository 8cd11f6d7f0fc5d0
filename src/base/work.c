/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/work.h"

#include <math.h>

#include "base/series.h"
#include "base/thresholds.h"

/* The value at a time: it rises evenly between two readings, and stays as it is before and after
 * all.
 */
static double value_at(const struct trend_points *w, double t)
{
	size_t i = 0;

	while (i < w->n && w->t[i] < t)
		i++;
	if (!i || i == w->n)
		return w->v[i ? w->n - 1 : 0];
	return w->v[i - 1] + (w->v[i] - w->v[i - 1]) * (t - w->t[i - 1]) / (w->t[i] - w->t[i - 1]);
}

/* Writes the time in which it could run into @x. Threads that wait at once cannot lose more time
 * than passes. False: it hardly waited. */
static bool could_run(const struct trend_points *w, const struct trend_points *p, double *x)
{
	double before = value_at(w, p->t[0]);

	x[0] = p->t[0];
	for (size_t i = 1; i < p->n; i++) {
		double step = p->t[i] - p->t[i - 1];
		double now = value_at(w, p->t[i]);

		x[i] = x[i - 1] + step - fmin(fmax(now - before, 0), WAITED_MOST * step);
		before = now;
	}
	return x[p->n - 1] - x[0] <= (1 - WAITED_PART) * (p->t[p->n - 1] - p->t[0]);
}

/* Writes its work into @x, in seconds at its usual pace. A sum falls when a thread ends: that
 * counts as no work. False: the sums do not cover all of the time, or are too small. */
static bool did(const struct trend_points *w, const struct trend_points *p, double least_per_s,
		double *x)
{
	double begin = p->t[0], end = p->t[p->n - 1], before, sum = 0;

	if (w->n < 2 || w->t[0] > begin + WORK_APART_S || w->t[w->n - 1] < end - WORK_APART_S)
		return false;
	before = value_at(w, begin);
	x[0] = begin;
	for (size_t i = 1; i < p->n; i++) {
		double now = value_at(w, p->t[i]);

		sum += fmax(now - before, 0);
		x[i] = sum;
		before = now;
	}
	if (!(sum > least_per_s * (end - begin)))
		return false;
	for (size_t i = 1; i < p->n; i++)
		x[i] = fmax(begin + x[i] / sum * (end - begin),
			    x[i - 1] + WORK_LEAST * (p->t[i] - p->t[i - 1]));
	return true;
}

/* The seconds of the clock in which the last @since of the other axis passed. */
static double clock_of(const double *x, const struct trend_points *p, double since)
{
	size_t i = p->n - 1;

	while (i && x[p->n - 1] - x[i] < since)
		i--;
	return p->t[p->n - 1] - p->t[i];
}

/* The growth in the last third of axis @x over that in the first. */
static double late_part(double *x, const struct trend_points *p)
{
	const struct trend_points over = {.n = p->n, .t = x, .v = p->v};
	double third = (x[p->n - 1] - x[0]) / 3;
	double first = value_at(&over, x[0] + third) - p->v[0];
	double last = p->v[p->n - 1] - value_at(&over, x[0] + 2 * third);

	return first > 0 ? last / first : INFINITY;
}

static bool waits(const struct work *w, const struct trend_points *p, struct curve *curve)
{
	double x[SERIES_POINTS], part;
	const struct trend_points over = {.n = p->n, .t = x, .v = p->v, .top = p->top};
	struct curve c;

	if (w->waited.n < 2 || !could_run(&w->waited, p, x))
		return false;
	trend_points_judge(&over, &c);
	if (c.shape != CURVE_RISING)
		return false;
	curve->confidence = fmin(c.confidence, WAITED_SURE);
	curve->since_s = clock_of(x, p, c.since_s);
	part = c.since_s / curve->since_s;
	curve->slope = c.slope * part;
	curve->low = c.low * part;
	curve->high = c.high * part;
	return true;
}

struct by_work {
	double late;	  /* late_part() */
	bool is_straight; /* the growth is a line by it */
	bool is_followed; /* the work paused, and the growth, too */
};

/* Did the growth stand still when the work did? */
static bool follows(const double *x, const struct trend_points *p, double slope)
{
	double still_s = 0, gain = 0;

	for (size_t i = 1; i < p->n; i++) {
		double step = p->t[i] - p->t[i - 1];

		if (x[i] - x[i - 1] >= WORK_STILL * step)
			continue;
		still_s += step;
		gain += p->v[i] - p->v[i - 1];
	}
	return still_s >= WORK_STILL_S && gain < WORK_STILL * slope * still_s;
}

static bool over_work(const struct trend_points *w, double least_per_s,
		      const struct trend_points *p, double slope, struct by_work *out)
{
	double x[SERIES_POINTS];
	const struct trend_points over = {.n = p->n, .t = x, .v = p->v, .top = p->top};
	struct curve c;

	if (!did(w, p, least_per_s, x))
		return false;
	trend_points_judge(&over, &c);
	*out = (struct by_work){late_part(x, p), c.shape == CURVE_RISING, follows(x, p, slope)};
	return true;
}

/* Is little of the bend left by the work, also in comparison with the bend by the clock? */
static bool is_explained(const struct by_work *b, double by_clock)
{
	return b->late >= CURVE_BENT && 1 - b->late <= WORK_LEFT * (1 - by_clock);
}

/* Does the growth bend by the work, too, and pause with it? */
static bool bends(const struct by_work *turns, const struct by_work *ran)
{
	return turns->is_followed && ran->is_followed &&
	       fmax(turns->late, ran->late) < CURVE_BENT &&
	       !(turns->is_straight && ran->is_straight);
}

void work_judge(const struct work *w, const struct trend_points *p, struct curve *curve)
{
	bool slows = curve->shape == CURVE_SLOWING;
	struct by_work turns, ran;
	bool has_ran, has_turns;
	double by_clock;

	if (p->n < 2 || p->n > SERIES_POINTS ||
	    !(slows ||
	      (curve->shape == CURVE_RISING && curve->slope < CURVE_BENT * curve->fastest)))
		return;
	has_turns = over_work(&w->turns, WORK_TURNS, p, curve->slope, &turns);
	has_ran = over_work(&w->ran, 0, p, curve->slope, &ran);
	/* if it bends by processor time, too, waiting of some threads is not what slows it */
	if (slows && !(has_ran && ran.late < CURVE_BENT) && waits(w, p, curve)) {
		curve->shape = CURVE_RISING;
		return;
	}
	if (!has_turns || !has_ran)
		return;
	if (!slows) {
		if (bends(&turns, &ran))
			curve->shape = CURVE_SLOWING;
		return;
	}
	by_clock = late_part(p->t, p);
	if (by_clock >= 1)
		return;
	curve->ebbs = is_explained(&turns, by_clock) && is_explained(&ran, by_clock);
	/* a cache that has slowed down by so little was called a leak a moment before, too */
	if (curve->ebbs && by_clock >= WORK_MILD && fmin(turns.late, ran.late) >= WORK_EVEN) {
		curve->shape = CURVE_RISING;
		curve->confidence = WORK_SURE;
		curve->since_s = curve->span_s;
	}
}
