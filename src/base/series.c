/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/series.h"

#include <math.h>

/* A bucket may be as wide as this part of its age: that makes some 24 for each doubling of the age,
 * and 220 for a day of seconds. */
#define PART_OF_AGE (1.0 / 24)
#define FREED	    (SERIES_POINTS / 8) /* by one thinning, so that few are needed */

struct series {
	size_t values, n;
	double bucket_s, last_s;
	double t[SERIES_POINTS + 1]; /* starts; t[n] is not used */
	double *floor, *top;	     /* [bucket * values + value] */
};

int series_new(size_t values, double bucket_s, struct series **out)
{
	struct series *s = calloc(1, sizeof(*s));

	if (s) {
		s->floor = calloc(SERIES_POINTS * values, sizeof(*s->floor));
		s->top = calloc(SERIES_POINTS * values, sizeof(*s->top));
	}
	if (!s || !s->floor || !s->top) {
		series_free(s);
		return fail(-ENOMEM, "out of memory");
	}
	s->values = values;
	s->bucket_s = bucket_s;
	*out = s;
	return 0;
}

void series_free(struct series *s)
{
	if (!s)
		return;
	free(s->floor);
	free(s->top);
	free(s);
}

static void widen(double *low, double *high, const double *from, const double *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		low[i] = fmin(low[i], from[i]);
		high[i] = fmax(high[i], to[i]);
	}
}

static double end_of(const struct series *s, size_t i)
{
	return i + 1 < s->n ? s->t[i + 1] : s->last_s;
}

/* Merges neighbours that are narrow for their age even together. */
static void merge_old(struct series *s, double part)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; kept++) {
		size_t to = kept * s->values, at = i * s->values, next = at + s->values;
		size_t row = s->values * sizeof(*s->floor);
		double start = s->t[i];
		bool pair = i + 1 < s->n && end_of(s, i + 1) - start <= (s->last_s - start) * part;

		if (kept != i) {
			memcpy(&s->floor[to], &s->floor[at], row);
			memcpy(&s->top[to], &s->top[at], row);
		}
		if (pair)
			widen(&s->floor[to], &s->top[to], &s->floor[next], &s->top[next],
			      s->values);
		s->t[kept] = start;
		i += pair ? 2 : 1;
	}
	s->n = kept;
}

static void thin(struct series *s)
{
	for (double part = PART_OF_AGE; s->n > SERIES_POINTS - FREED; part *= 1.25)
		merge_old(s, part);
}

void series_add(struct series *s, double t_s, const double *values)
{
	size_t row = s->values * sizeof(*values), at;

	if (!isfinite(t_s) || (s->n && t_s < s->last_s))
		t_s = s->last_s;
	s->last_s = t_s;
	if (s->n && t_s < s->t[s->n - 1] + s->bucket_s) {
		at = (s->n - 1) * s->values;
		widen(&s->floor[at], &s->top[at], values, values, s->values);
		return;
	}
	if (s->n == SERIES_POINTS)
		thin(s);
	/* on the grid, so that readings slightly early or late do not widen buckets */
	s->t[s->n] = s->n ? s->t[0] + s->bucket_s * floor((t_s - s->t[0]) / s->bucket_s) : t_s;
	at = s->n++ * s->values;
	memcpy(&s->floor[at], values, row);
	memcpy(&s->top[at], values, row);
}

size_t series_read(const struct series *s, size_t value, double *t, double *v, double *top)
{
	size_t n = s->n > 4 ? s->n - 1 : s->n;

	for (size_t i = 0; i < n; i++) {
		t[i] = s->t[i];
		v[i] = s->floor[i * s->values + value];
		if (top)
			top[i] = s->top[i * s->values + value];
	}
	return n;
}
