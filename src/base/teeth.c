/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/teeth.h"

#include <math.h>

#include "base/fit.h"
#include "base/thresholds.h"

#define NARROW 48 /* the scatter is that of so many points, the last ones */

/* Finds minima between falls and rises of more than @least. The lowest point before the first fall
 * is one, too; that of the last fall is one only after it has turned. */
static void find_minima(const double *t, const double *v, size_t n, double least, struct teeth *m)
{
	double low = v[0], high = v[0], low_t = t[0];
	bool up = true; /* on the way up; the first fall ends it */

	memset(m, 0, sizeof(*m));
	m->least = least;
	m->t[0] = t[0];
	m->v[0] = v[0];
	m->n = 1;
	for (size_t i = 1; i < n; i++) {
		if (up && v[i] > high)
			high = v[i];
		if (up && m->falls == 0 && v[i] < m->v[0]) {
			m->t[0] = t[i];
			m->v[0] = v[i];
			high = fmax(high, v[i]);
		}
		if (up && high - v[i] > least) {
			up = false;
			m->falls++;
			low = v[i];
			low_t = t[i];
		}
		if (!up && v[i] < low) {
			low = v[i];
			low_t = t[i];
		}
		if (!up && v[i] - low > least && m->n < TEETH_MINIMA) {
			up = true;
			high = v[i];
			m->t[m->n] = low_t;
			m->v[m->n++] = low;
		}
	}
	m->falls_on = !up;
	m->low_t = low_t;
}

/* Are the minima at even times? */
static bool by_the_clock(const struct teeth *m)
{
	double mean, worst = 0;

	if (m->n < 4)
		return false;
	mean = (m->t[m->n - 1] - m->t[1]) / (double)(m->n - 2);
	for (size_t i = 2; i < m->n; i++)
		worst = fmax(worst, fabs(m->t[i] - m->t[i - 1] - mean));
	return worst < 0.3 * mean;
}

void teeth_find(const struct curve_points *p, struct teeth *m)
{
	double low = p->v[0], high = low, least;
	size_t late = p->n > NARROW ? p->n - NARROW : 0;

	for (size_t i = 1; i < p->n; i++) {
		low = fmin(low, p->v[i]);
		high = fmax(high, p->v[i]);
	}
	least = fmax(CURVE_TOOTH_PART * (high - low),
		     CURVE_TOOTH_NOISE *
			     fit_noise(p->t + late, p->v + late, p->n - late, p->grain));
	find_minima(p->t, p->v, p->n, least, m);
	m->height = high - low;
}

void teeth_judge(const struct teeth *m, double grain, struct curve *out)
{
	struct fit_line f;
	double span = m->t[m->n - 1] - m->t[0], worst = 0;
	bool sure;

	out->minima = (unsigned)m->n;
	out->since_s = span;
	out->shape = by_the_clock(m) ? CURVE_PERIODIC : CURVE_TEETH;
	if (m->n < 4)
		return;
	fit_theil_sen(m->t, m->v, m->n, &f);
	for (size_t i = 0; i < m->n; i++)
		worst = fmax(worst, fabs(m->v[i] - f.level - f.slope * (m->t[i] - m->t[0])));
	out->slope = f.slope;
	out->low = f.low;
	out->high = f.high;
	if (m->n >= CURVE_MANY_MINIMA)
		sure = f.low > 0 && f.slope > 5 * fit_error(&f);
	else
		sure = f.slope * span >
		       fmax(CURVE_FEW_MINIMA_SURE * worst, CURVE_FEW_MINIMA_PART * m->height);
	if (sure && f.slope * span >= 3 * grain)
		out->shape = CURVE_RISING;
}

/* Length of the first tooth, from where the curve left its floor, as a level before is no part of
 * it. If it only fell, its floor is not known, and it begins with the first minimum. */
static double first_tooth(const struct curve_points *p, const struct teeth *m)
{
	double low = fmax(m->v[0], m->v[1]) + m->least / 2, left = m->t[0];

	for (size_t i = 0; p->t[i] < m->t[1]; i++) {
		if (p->t[i] > m->t[0] && p->v[i] > low)
			return m->t[1] - left;
		left = fmax(left, p->t[i]);
	}
	return m->t[1] - m->t[0];
}

bool teeth_are_over(const struct curve_points *p, const struct teeth *m)
{
	double longest = m->n > 1 ? first_tooth(p, m) : 0;

	for (size_t i = 2; i < m->n; i++)
		longest = fmax(longest, m->t[i] - m->t[i - 1]);
	return m->n > 1 && p->t[p->n - 1] - m->t[m->n - 1] > CURVE_TEETH_OVER * longest;
}
