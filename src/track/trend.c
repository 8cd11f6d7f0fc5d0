/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Theil-Sen slopes and the buckets they are taken over. */
#include "track/trend.h"

#include <math.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* The slope must be three errors away from zero, and what it adds over the run must stand out of
 * the scatter: a sawtooth has slopes, but its points lie far from any line. */
static bool stands_out(const struct trend_fit *f)
{
	double rise = f->slope * f->span_s;

	return f->slope > 3 * f->error && rise > 2.5 * f->spread && rise >= 3;
}

/* Most series are: they need none of the thousands of slopes. */
static bool is_flat(const double *y, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (y[i] != y[0])
			return false;
	return true;
}

void trend_fit(const double *t, const double *y, size_t n, struct trend_fit *out)
{
	double slope[TREND_POINTS * (TREND_POINTS - 1) / 2], off[TREND_POINTS];
	size_t k = 0;
	double level;

	memset(out, 0, sizeof(*out));
	out->n = n;
	if (n < 3 || n > TREND_POINTS)
		return;
	out->span_s = t[n - 1] - t[0];
	if (is_flat(y, n))
		return;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			if (t[j] > t[i])
				slope[k++] = (y[j] - y[i]) / (t[j] - t[i]);
	if (!k)
		return;
	out->slope = median(slope, k);
	for (size_t i = 0; i < n; i++)
		off[i] = y[i] - out->slope * t[i];
	level = median(off, n);
	for (size_t i = 0; i < n; i++)
		off[i] = fabs(y[i] - out->slope * t[i] - level);
	/* 1.48: from the median deviation to a standard deviation, for normal scatter */
	out->spread = 1.48 * median(off, n);
	/* Error of a slope over n evenly spread points: sigma * sqrt(12 / n) / span; Theil-Sen is
	 * a little less efficient than least squares. */
	out->error = 1.1 * out->spread * sqrt(12.0 / (double)n) / out->span_s;
	out->growing = stands_out(out);
}

struct trend_set {
	size_t series, n; /* buckets in use, the last one may be unfinished */
	double bucket_s, start_s;
	bool started;
	double t[TREND_POINTS]; /* when the floor's bucket began */
	double *floor;		/* [bucket * series + i] */
};

int trend_set_new(size_t series, double bucket_s, struct trend_set **out)
{
	struct trend_set *s = calloc(1, sizeof(*s));

	if (s)
		s->floor = calloc(TREND_POINTS * series, sizeof(*s->floor));
	if (!s || !s->floor) {
		free(s);
		return fail(-ENOMEM, "out of memory");
	}
	s->series = series;
	s->bucket_s = bucket_s;
	*out = s;
	return 0;
}

void trend_set_free(struct trend_set *s)
{
	if (!s)
		return;
	free(s->floor);
	free(s);
}

static void merge_pairs(struct trend_set *s)
{
	for (size_t b = 0; b < s->n / 2; b++) {
		const double *x = &s->floor[2 * b * s->series], *y = x + s->series;
		double *to = &s->floor[b * s->series];

		s->t[b] = s->t[2 * b];
		for (size_t i = 0; i < s->series; i++)
			to[i] = x[i] < y[i] ? x[i] : y[i];
	}
	s->n /= 2;
	s->bucket_s *= 2;
}

static double bucket_start(const struct trend_set *s, double t_s)
{
	return s->start_s + s->bucket_s * floor((t_s - s->start_s) / s->bucket_s);
}

void trend_set_add(struct trend_set *s, double t_s, const double *values)
{
	double *low, start;

	if (!s->started) {
		s->start_s = t_s;
		s->started = true;
	}
	start = bucket_start(s, t_s);
	if (s->n == TREND_POINTS && start > s->t[s->n - 1]) {
		merge_pairs(s);
		start = bucket_start(s, t_s);
	}
	if (!s->n || start > s->t[s->n - 1]) {
		low = &s->floor[s->n * s->series];
		s->t[s->n++] = start;
		memcpy(low, values, s->series * sizeof(*low));
		return;
	}
	low = &s->floor[(s->n - 1) * s->series];
	for (size_t i = 0; i < s->series; i++)
		if (values[i] < low[i])
			low[i] = values[i];
}

/* What grew and has stopped does not grow: the later half must go on rising. */
static bool still_rises(const double *t, const double *y, size_t n, double slope)
{
	struct trend_fit tail;

	if (n < 8)
		return true;
	trend_fit(t + n / 2, y + n / 2, n - n / 2, &tail);
	return tail.slope > 0.25 * slope;
}

void trend_set_fit(const struct trend_set *s, size_t series, struct trend_fit *out)
{
	double y[TREND_POINTS] = {0};
	size_t n = s->n > 4 ? s->n - 1 : s->n;

	for (size_t b = 0; b < n; b++)
		y[b] = s->floor[b * s->series + series];
	trend_fit(s->t, y, n, out);
	out->growing = out->growing && still_rises(s->t, y, n, out->slope);
}
