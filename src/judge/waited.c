/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "judge/waited.h"

#include <math.h>

#include "base/series.h"
#include "base/thresholds.h"

/* Between two readings, and before and after all of them, it is taken to wait evenly or not at all.
 */
static double waited_at(const struct trend_points *w, double t)
{
	size_t i = 0;

	while (i < w->n && w->t[i] < t)
		i++;
	if (!i || i == w->n)
		return w->v[i ? w->n - 1 : 0];
	return w->v[i - 1] + (w->v[i] - w->v[i - 1]) * (t - w->t[i - 1]) / (w->t[i] - w->t[i - 1]);
}

/* Several threads may wait at once, but no more time can be lost than there is. */
static void take_waits(const struct trend_points *w, const struct trend_points *p, double *x)
{
	double before = waited_at(w, p->t[0]);

	x[0] = p->t[0];
	for (size_t i = 1; i < p->n; i++) {
		double step = p->t[i] - p->t[i - 1];
		double now = waited_at(w, p->t[i]);

		x[i] = x[i - 1] + step - fmin(fmax(now - before, 0), WAITED_MOST * step);
		before = now;
	}
}

/* The time of the clock in which the last @since of the other one went by. */
static double clock_of(const double *x, const struct trend_points *p, double since)
{
	size_t i = p->n - 1;

	while (i && x[p->n - 1] - x[i] < since)
		i--;
	return p->t[p->n - 1] - p->t[i];
}

void waited_judge(const struct trend_points *waited, const struct trend_points *p,
		  struct curve *curve)
{
	double x[SERIES_POINTS], could_s, clock_s;
	struct trend_points moved = *p;
	struct curve c;

	if (curve->shape != CURVE_SLOWING || waited->n < 2 || p->n < 2 || p->n > SERIES_POINTS)
		return;
	take_waits(waited, p, x);
	could_s = x[p->n - 1] - x[0];
	if (could_s > (1 - WAITED_PART) * (p->t[p->n - 1] - p->t[0]))
		return;
	moved.t = x;
	trend_points_judge(&moved, &c);
	if (c.shape != CURVE_RISING)
		return;
	clock_s = clock_of(x, p, c.since_s);
	curve->shape = CURVE_RISING;
	curve->confidence = fmin(c.confidence, WAITED_SURE);
	curve->slope = c.slope * c.since_s / clock_s;
	curve->low = c.low * c.since_s / clock_s;
	curve->high = c.high * c.since_s / clock_s;
	curve->since_s = clock_s;
}
