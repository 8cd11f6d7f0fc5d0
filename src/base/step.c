/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes a single step out of a memory curve. A table that doubles once makes a step between two
 * lines of one slope, and that slope is the rate: a line through a few points on both sides would
 * be far steeper. */
#include <math.h>

#include "base/fit.h"
#include "base/step.h"

#define SIDE	   12 /* points on either side that a line is fitted to */
#define FEW_BEFORE 6
#define FEW_AFTER  3
#define SURE	   10	/* the step must exceed the scatter, and a grain, by so many times */
#define SAME_PART  0.25 /* the slopes may differ by this part of the greater one */
/* another step of this part of its height: steps recur, none is removed */
#define ANOTHER_PART 0.5

/* Height of point @i above a line of @slope through point @i - 1. */
static double rise_at(const struct trend_points *p, size_t i, double slope)
{
	return p->v[i] - p->v[i - 1] - slope * (p->t[i] - p->t[i - 1]);
}

static size_t highest(const struct trend_points *p)
{
	size_t at = 1;

	for (size_t i = 2; i < p->n; i++)
		if (rise_at(p, i, 0) > rise_at(p, at, 0))
			at = i;
	return at;
}

static bool is_alone(const struct trend_points *p, size_t at, double slope)
{
	for (size_t i = 1; i < p->n; i++)
		if (i != at && fabs(rise_at(p, i, slope)) > ANOTHER_PART * rise_at(p, at, slope))
			return false;
	return true;
}

/* The height of the step before point @at; 0: it is none. */
static double height_of(const struct trend_points *p, size_t at)
{
	size_t before = at < SIDE ? at : SIDE, after = p->n - at < SIDE ? p->n - at : SIDE;
	struct fit_line a, b;
	double slope, height;

	if (before < FEW_BEFORE || after < FEW_AFTER)
		return 0;
	fit_theil_sen(p->t + at - before, p->v + at - before, before, &a);
	fit_theil_sen(p->t + at, p->v + at, after, &b);
	slope = fmax(a.slope, b.slope);
	height = rise_at(p, at, slope);
	return fmin(a.slope, b.slope) >= (1 - SAME_PART) * slope && slope > 0 &&
			       height > SURE * fmax(1, fmax(a.spread, b.spread)) &&
			       is_alone(p, at, slope)
		       ? height
		       : 0;
}

struct trend_points step_take_out(const struct trend_points *p, struct step_room *room)
{
	size_t at = p->n > 1 && p->n <= SERIES_POINTS ? highest(p) : 0;
	double height = at ? height_of(p, at) : 0;

	if (!(height > 0))
		return *p;
	for (size_t i = 0; i < p->n; i++) {
		room->v[i] = p->v[i] + (i < at ? height : 0);
		room->top[i] = p->top ? p->top[i] + (i < at ? height : 0) : 0;
	}
	return (struct trend_points){p->n, p->t, room->v, p->top ? room->top : NULL};
}
