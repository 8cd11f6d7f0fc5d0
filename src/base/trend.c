/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Trends of many series, which base/series keeps and base/curve judges. */
#include "base/trend.h"

#include <math.h>

#include "base/batches.h"
#include "base/fit.h"
#include "base/series.h"
#include "base/thresholds.h"

#define FEW_POINTS 8 /* with fewer points only a line through all can be told */

/* Is it growth? The slope must be three errors above zero, and the rise over the run more than the
 * scatter: a sawtooth has slopes, but its points are far from any line. */
static bool stands_out(const struct trend_fit *f)
{
	double rise = f->slope * f->span_s;

	return f->slope > 3 * f->error && rise > 2.5 * f->spread && rise >= 3;
}

void trend_fit(const double *t, const double *y, size_t n, struct trend_fit *out)
{
	struct fit_line line;

	memset(out, 0, sizeof(*out));
	out->n = n;
	if (n < 3 || n > FIT_POINTS)
		return;
	out->span_s = t[n - 1] - t[0];
	fit_theil_sen(t, y, n, &line);
	out->slope = line.slope;
	out->spread = line.spread;
	/* Error of a slope over n evenly spread points: sigma * sqrt(12 / n) / span; Theil-Sen is
	 * a little less efficient than least squares. */
	if (out->span_s > 0)
		out->error = 1.1 * out->spread * sqrt(12.0 / (double)n) / out->span_s;
	out->growing = stands_out(out);
}

struct trend_set {
	struct series *series;
};

int trend_set_new(size_t series, double bucket_s, struct trend_set **out)
{
	struct trend_set *s = calloc(1, sizeof(*s));
	int err = s ? series_new(series, bucket_s, &s->series) : -ENOMEM;

	if (err) {
		free(s);
		return fail(err, "out of memory");
	}
	*out = s;
	return 0;
}

void trend_set_free(struct trend_set *s)
{
	if (!s)
		return;
	series_free(s->series);
	free(s);
}

void trend_set_add(struct trend_set *s, double t_s, const double *values)
{
	series_add(s->series, t_s, values);
}

void trend_points_judge(const struct trend_points *p, struct curve *out)
{
	struct curve_points all = {.t = p->t, .v = p->v, .top = p->top, .n = p->n, .grain = 1};

	memset(out, 0, sizeof(*out));
	if (!p->n)
		return;
	curve_judge(&all, out);
	if (out->shape == CURVE_RISING && !out->minima && batches_wane(&all)) {
		out->shape = CURVE_SLOWING;
		out->confidence = 0;
	}
}

/* The fall at point @i, if values stayed below those before; else 0. */
static double fall_at(const struct trend_points *p, size_t i, double least)
{
	const double *v = p->v;
	double fell = v[i - 1] - v[i], after = i + 1 < p->n ? fmax(v[i], v[i + 1]) : v[i];

	return fell > least && after < fmin(v[i - 2], v[i - 1]) ? fell : 0;
}

/* The largest step up before point @end, by which the memory of a fall may have been taken; 0:
 * there is none. */
static size_t taken_at(const double *v, size_t end, double fall)
{
	size_t at = 0;
	double most = TREND_FALL_BEYOND * fall;

	for (size_t i = 1; i < end; i++)
		if (v[i] - v[i - 1] > most) {
			most = v[i] - v[i - 1];
			at = i;
		}
	return at;
}

/* Writes the points into @v without memory that was taken and given back. False: none was, or it is
 * half of all gain, as when the program itself frees. @beyond: a last point above it has made up
 * for the last fall. */
static bool bridge_falls(const struct trend_points *p, double *v, double *beyond)
{
	double gained = p->v[p->n - 1] - p->v[0];
	double noise = TREND_FALL_NOISE * fit_noise(p->t, p->v, p->n, 1);
	double least = fmax(PROCESS_CLIMB_BYTES, fmax(noise, TREND_FALL_LEAST * gained));
	double fell = 0, high = p->v[0];

	memcpy(v, p->v, p->n * sizeof(*v));
	for (size_t i = 2; i < p->n; i++) {
		double fall = fall_at(p, i, least);

		high = fmax(high, p->v[i - 1]);
		if (!(fall > 0))
			continue;
		for (size_t k = taken_at(v, i, fall); k < i; k++)
			v[k] -= fall;
		*beyond = high + TREND_FALL_BEYOND * fall;
		fell += fall;
	}
	return fell > 0 && fell < TREND_FALL_PART * gained;
}

void trend_memory_judge(const struct trend_points *p, struct curve *out)
{
	double v[SERIES_POINTS], beyond = 0;
	struct curve c;

	trend_points_judge(p, out);
	if (out->shape == CURVE_UNKNOWN || out->shape == CURVE_RISING ||
	    !bridge_falls(p, v, &beyond))
		return;
	trend_points_judge(&(struct trend_points){.n = p->n, .t = p->t, .v = v}, &c);
	c.gain = out->gain;
	if (c.shape != CURVE_RISING && (c.shape != CURVE_SLOWING || curve_grows(out)))
		return;
	if (p->v[p->n - 1] > beyond)
		*out = c;
	else
		out->is_torn = true;
}

void trend_judged_fit(const struct trend_points *p, const struct curve *c, struct trend_fit *out)
{
	if (p->n < FEW_POINTS) {
		trend_fit(p->t, p->v, p->n, out);
		return;
	}
	*out = (struct trend_fit){
		.n = p->n,
		.span_s = c->span_s,
		.slope = c->slope,
		.error = (c->high - c->low) / 3.92,
		.growing = curve_grows(c),
	};
}

void trend_points_fit(const struct trend_points *p, struct trend_fit *out)
{
	struct curve c;

	trend_points_judge(p, &c);
	trend_judged_fit(p, &c, out);
}

void trend_set_read(const struct trend_set *s, size_t series, struct trend_points *out)
{
	out->n = series_read(s->series, series, out->t, out->v, out->top);
}

void trend_set_judge(const struct trend_set *s, size_t series, struct curve *out)
{
	double t[SERIES_POINTS], v[SERIES_POINTS], top[SERIES_POINTS];
	struct trend_points p = {.t = t, .v = v, .top = top};

	trend_set_read(s, series, &p);
	trend_points_judge(&p, out);
}

void trend_set_fit(const struct trend_set *s, size_t series, struct trend_fit *out)
{
	double t[SERIES_POINTS], v[SERIES_POINTS], top[SERIES_POINTS];
	struct trend_points p = {.t = t, .v = v, .top = top};

	trend_set_read(s, series, &p);
	trend_points_fit(&p, out);
}
