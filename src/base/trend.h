/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Slopes that outliers do not bend: Theil-Sen over the floors of short buckets. What a program
 * holds for a moment lifts a reading, never the minimum over a second; a leak lifts the minimum. */
#ifndef PYLEAK_TREND_H
#define PYLEAK_TREND_H

#include "base/curve.h"

struct trend_fit {
	size_t n;      /* points */
	double span_s; /* from the first to the last */
	double slope; /* per second, of the last stretch: what was before a change does not count */
	double error; /* of the slope, one standard deviation */
	double spread; /* typical distance of a point from the line; trend_fit only */
	bool growing;  /* the slope stands out of its error and of the scatter */
};

/* One line through all of it. @t ascending, in seconds. Fewer than 3 points: all zero. */
void trend_fit(const double *t, const double *y, size_t n, struct trend_fit *out);

/* One series, as kept: start, floor and ceiling of each bucket. */
struct trend_points {
	size_t n;
	double *t, *v, *top;
};

/* The growth now: the last stretch. */
void trend_points_fit(const struct trend_points *p, struct trend_fit *out);
/* The same with all that is known of the shape. */
void trend_points_judge(const struct trend_points *p, struct curve *out);
/* The same of memory that an allocator holds. It gives back at once what was free for long: a fall
 * that is small beside what was gained says nothing of what is in use, and once it is made up for
 * the line goes on over it; till then the curve is torn. */
void trend_memory_judge(const struct trend_points *p, struct curve *out);
/* The line of points that were judged as @c: what grows now. */
void trend_judged_fit(const struct trend_points *p, const struct curve *c, struct trend_fit *out);

/* Many series read at the same moments (size classes, bytes), in bounded memory however long. */
struct trend_set;

int trend_set_new(size_t series, double bucket_s, struct trend_set **out);
void trend_set_free(struct trend_set *s);
void trend_set_add(struct trend_set *s, double t_s, const double *values);
/* A copy of one of them into arrays of SERIES_POINTS; the unfinished last bucket is left out when
 * there are others. */
void trend_set_read(const struct trend_set *s, size_t series, struct trend_points *out);
/* As trend_points_fit() and trend_points_judge(). */
void trend_set_fit(const struct trend_set *s, size_t series, struct trend_fit *out);
void trend_set_judge(const struct trend_set *s, size_t series, struct curve *out);

#endif
