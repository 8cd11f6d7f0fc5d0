/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/work.h"

#include <math.h>

#include "base/counts.h"
#include "base/fit.h"
#include "base/rest.h"
#include "base/series.h"
#include "base/thresholds.h"

/* The value at a time: it rises evenly between two readings, and rests before and after all. */
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

#define FEW_POINTS  48			   /* fits cost the square */
#define WORK_POINTS (2 * CURVE_FEWEST + 2) /* two lines are fitted to so many, too */

/* Is the last third of it still filling, more than going on in a line? */
static bool comes_to_end(const struct fit_saturation *s, double span)
{
	double fills = s->amplitude * (exp(-span * 2 / 3 / s->tau) - exp(-span / s->tau));
	double line = s->drift * span / 3;

	return line < WORK_GOES_ON * (line + fills);
}

/* The growth over one axis, at FEW_POINTS points at most. */
struct over_axis {
	double t[FEW_POINTS], v[FEW_POINTS], noise;
	size_t n;
};

/* Fits a saturation. False: there are too few points. */
static bool fit_over(const double *x, const struct trend_points *p, struct over_axis *out,
		     struct fit_saturation *best)
{
	size_t step = (p->n + FEW_POINTS - 1) / FEW_POINTS;

	out->n = 0;
	for (size_t i = 0; i < p->n; i += step, out->n++) {
		out->t[out->n] = x[i];
		out->v[out->n] = p->v[i];
	}
	out->noise = fit_noise(out->t, out->v, out->n, 1);
	return fit_saturating(out->t, out->v, out->n, out->noise, best);
}

/* The squared error of a model that goes on over the clock: two lines that meet, or a saturation
 * that goes on in one. INFINITY: none fits. */
static double goes_on(const struct trend_points *p)
{
	struct over_axis o;
	struct fit_saturation s;
	struct fit_bend b;

	if (!fit_over(p->t, p, &o, &s))
		return INFINITY;
	return fit_change(o.t, o.v, o.n, CURVE_FEWEST, o.noise, &b) ? fmin(s.left, b.left) : s.left;
}

/* The squared error of a model that comes to an end over the work: a saturation that hardly goes
 * on, or a power. INFINITY: none fits. */
static double ends_over(const struct trend_points *w, double least_per_s,
			const struct trend_points *p)
{
	double x[SERIES_POINTS], power;
	struct over_axis o;
	struct fit_saturation s;

	if (!did(w, p, least_per_s, x) || !(late_part(x, p) < CURVE_BENT) ||
	    !fit_over(x, p, &o, &s) || s.gain <= CURVE_CHANGE_GAIN || s.amplitude <= 0)
		return INFINITY;
	power = fit_power(o.t, o.v, o.n);
	if (comes_to_end(&s, o.t[o.n - 1] - o.t[0]))
		return fmin(s.left, power);
	return power < s.left ? power : INFINITY;
}

/* Leaves out the rest that the growth begins with. */
static struct trend_points since_rest(const struct trend_points *p, double gain)
{
	double rest_s = rest_s_at_start(&(struct curve_points){p->t, p->v, p->top, p->n, 1}, gain);
	size_t i = 0;

	while (i + 2 < p->n && p->t[i] < p->t[0] + rest_s)
		i++;
	return (struct trend_points){p->n - i, p->t + i, p->v + i, p->top ? p->top + i : NULL};
}

static double end_likelier(const struct work *w, const struct trend_points *p)
{
	double turns[SERIES_POINTS], ran[SERIES_POINTS];

	return p->n >= WORK_POINTS && did(&w->turns, p, WORK_TURNS, turns) &&
			       did(&w->ran, p, 0, ran)
		       ? counts_end_likelier(p, turns, ran)
		       : 0;
}

/* Does a model that comes to an end fit the growth over the work, and far better than any that goes
 * on does over the clock, or is it likelier by what came step by step? */
static bool fills(const struct work *w, const struct trend_points *all, double gain)
{
	const struct trend_points p = since_rest(all, gain);
	double turns = p.n >= WORK_POINTS ? ends_over(&w->turns, WORK_TURNS, &p) : INFINITY;
	double ran = turns < INFINITY ? ends_over(&w->ran, 0, &p) : INFINITY;

	return (ran < INFINITY && fmin(turns, ran) < WORK_BETTER * goes_on(&p)) ||
	       end_likelier(w, &p) > WORK_ENDS;
}

/* The late part by the work. False: not known. */
static bool over_work(const struct trend_points *w, double least_per_s,
		      const struct trend_points *p, double *late)
{
	double x[SERIES_POINTS];

	if (!did(w, p, least_per_s, x))
		return false;
	*late = late_part(x, p);
	return true;
}

/* Is little of the bend left by the work, also in comparison with the bend by the clock? */
static bool is_explained(double by_work, double by_clock)
{
	return by_work >= CURVE_BENT && 1 - by_work <= WORK_LEFT * (1 - by_clock);
}

/* Was more work done of late than at first? */
static bool rose(const struct trend_points *w, const struct trend_points *p)
{
	double begin = p->t[0], end = p->t[p->n - 1], half = value_at(w, (begin + end) / 2);

	return half - value_at(w, begin) < CURVE_BENT * (value_at(w, end) - half);
}

/* Does it grow by less for as much work, of which there is more? */
static bool lags(const struct work *w, const struct trend_points *p)
{
	double turns, ran;

	return over_work(&w->turns, WORK_TURNS, p, &turns) && over_work(&w->ran, 0, p, &ran) &&
	       fmax(turns, ran) < CURVE_BENT && rose(&w->turns, p) && rose(&w->ran, p);
}

void work_judge(const struct work *w, const struct trend_points *p, struct curve *curve)
{
	double turns, ran, by_clock;
	bool has_ran, has_turns;
	struct trend_points late;

	if (p->n < 2 || p->n > SERIES_POINTS)
		return;
	curve->lags = curve_grows(curve) && lags(w, p);
	if (curve->shape == CURVE_RISING && !curve->minima && fills(w, p, curve->gain)) {
		curve->shape = CURVE_SLOWING;
		curve->fills = true;
		return;
	}
	if (curve->shape != CURVE_SLOWING)
		return;
	late = since_rest(p, curve->gain);
	p = late.n >= WORK_POINTS ? &late : p;
	has_turns = over_work(&w->turns, WORK_TURNS, p, &turns);
	has_ran = over_work(&w->ran, 0, p, &ran);
	/* if it bends by processor time, too, waiting of some threads is not what slows it */
	if (!(has_ran && ran < CURVE_BENT) && waits(w, p, curve)) {
		curve->shape = CURVE_RISING;
		return;
	}
	if (!has_turns || !has_ran)
		return;
	by_clock = late_part(p->t, p);
	curve->ebbs = by_clock < 1 && is_explained(turns, by_clock) && is_explained(ran, by_clock);
	curve->ebbed = by_clock;
	/* a cache that has slowed down by so little was called a leak a moment before, too */
	if ((curve->ebbs && by_clock >= WORK_MILD && fmin(turns, ran) >= WORK_EVEN) ||
	    end_likelier(w, p) < -WORK_GOES) {
		curve->shape = CURVE_RISING;
		curve->confidence = WORK_SURE;
		curve->since_s = curve->span_s;
	}
}
