/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/counts.h"

#include <math.h>

#include "base/thresholds.h"

#define STEPS	 24
#define TAUS	 24 /* time constants tried, 0.02 to 4 spans */
#define HALVINGS 14 /* of the interval that a part is searched in */
#define STARTS	 8  /* starts of a power tried, 0.005 to 1 span before the first step */
#define POWERS	 8  /* powers tried, 0, 0.1 .. 0.7: higher ones look like a line */

struct steps {
	size_t n, at[STEPS + 1]; /* the points that each begins and ends with */
	double came[STEPS], all;
	double goes_on, ends; /* deviances of the best models so far */
};

/* Steps end at the last point. Only what is there until the end has come. */
static void make_steps(const struct trend_points *p, struct steps *s)
{
	size_t last = p->n - 1, each = last / STEPS + 1, k = last / each;
	double low = p->v[last], next = low;

	*s = (struct steps){.n = k, .goes_on = INFINITY, .ends = INFINITY};
	s->at[k] = last;
	for (size_t i = last; i-- > 0 && k;) {
		low = fmin(low, p->v[i]);
		if ((last - i) % each)
			continue;
		s->at[--k] = i;
		s->came[k] = next - low;
		next = low;
	}
	s->all = p->v[last] - next;
}

/* The part of axis @x until step @k begins. */
static double until(const struct steps *s, const double *x, size_t k)
{
	return (x[s->at[k]] - x[s->at[0]]) / (x[s->at[s->n]] - x[s->at[0]]);
}

/* Writes the parts of all that come in each step, if growth comes to an end over axis @x. */
static void saturate(const struct steps *s, const double *x, double tau, double *part)
{
	for (size_t k = 0; k < s->n; k++)
		part[k] = (exp(-until(s, x, k) / tau) - exp(-until(s, x, k + 1) / tau)) /
			  -expm1(-1 / tau);
}

/* @a: the part of all that comes in a line; the rest comes to an end. */
static double deviance(const struct steps *s, const double *line, const double *end, double a)
{
	double sum = 0;

	for (size_t k = 0; k < s->n; k++)
		if (s->came[k] > 0)
			sum += s->came[k] *
			       log(s->came[k] / s->all / (a * line[k] + (1 - a) * end[k]));
	return 2 * sum;
}

static double likeliest(const struct steps *s, const double *line, const double *end)
{
	double low = 0, high = 1;

	for (int i = 0; i < HALVINGS; i++) {
		double a = (low + high) / 2, rise = 0;

		for (size_t k = 0; k < s->n; k++)
			rise += s->came[k] * (line[k] - end[k]) / (a * line[k] + (1 - a) * end[k]);
		*(rise > 0 ? &low : &high) = a;
	}
	return (low + high) / 2;
}

/* From which part of all on is the line WORK_GOES_ON of what comes in its last third? */
static double least_of(const struct steps *s, const double *line, const double *end)
{
	double sum = 0, goes = 0, ends = 0;

	for (size_t k = 0; k < s->n; k++) {
		sum += line[k];
		goes += sum > 2 / 3.0 ? (1 - WORK_GOES_ON) * line[k] : 0;
		ends += sum > 2 / 3.0 ? WORK_GOES_ON * end[k] : 0;
	}
	return ends / (ends + goes);
}

/* Tries a line over axis @x beside a saturation over axis @over: by the work it may end. */
static void try_saturations(struct steps *s, const double *x, const double *over, bool may_end)
{
	double line[STEPS], end[STEPS];

	saturate(s, x, 1e6, line); /* without an end */
	for (size_t i = 0; i < TAUS; i++) {
		double a, least;

		saturate(s, over, 0.02 * pow(4 / 0.02, (double)i / (TAUS - 1)), end);
		a = likeliest(s, line, end);
		least = least_of(s, line, end);
		s->goes_on = fmin(s->goes_on, deviance(s, line, end, fmax(a, least)));
		if (may_end)
			s->ends = fmin(s->ends, deviance(s, line, end, fmin(a, least)));
	}
}

static void try_powers(struct steps *s, const double *x)
{
	for (size_t i = 0; i < STARTS * POWERS; i++) {
		double start = 0.005 * pow(1 / 0.005, (double)(i % STARTS) / (STARTS - 1));
		double power = 0.1 * floor((double)i / STARTS) + 1e-6;
		double all = pow(1 + 1 / start, power), part[STEPS];

		for (size_t k = 0; k < s->n; k++)
			part[k] = (pow(1 + until(s, x, k + 1) / start, power) -
				   pow(1 + until(s, x, k) / start, power)) /
				  (all - 1);
		s->ends = fmin(s->ends, deviance(s, part, part, 1));
	}
}

double counts_end_likelier(const struct trend_points *p, const double *turns, const double *ran)
{
	const double *const work[] = {turns, ran};
	struct steps s;

	make_steps(p, &s);
	if (s.n < CURVE_FEWEST || !(s.all > 0))
		return 0;
	try_saturations(&s, p->t, p->t, false);
	for (size_t i = 0; i < ARRAY_SIZE(work); i++) {
		try_saturations(&s, p->t, work[i], false);
		try_saturations(&s, work[i], work[i], true);
		try_powers(&s, work[i]);
	}
	return (s.goes_on - s.ends) / fmax(1, fmin(s.goes_on, s.ends) / (double)(s.n - 3));
}
