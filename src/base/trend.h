/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds slopes in spite of outliers: Theil-Sen over the floors of short buckets. Memory that a
 * program holds for a moment raises a reading, but not the minimum of a second; a leak raises the
 * minimum. Times are in seconds. Not thread-safe. */
#ifndef PYLEAK_TREND_H
#define PYLEAK_TREND_H

#include "base/curve.h"

struct trend_fit {
	size_t n;      /* points */
	double span_s; /* from the first to the last */
	double slope;  /* per second, of the last stretch, since the last change */
	double error;  /* one standard deviation of the slope */
	double spread; /* typical distance of a point from the line; of trend_fit() only */
	bool growing;  /* the slope is well above its error and the scatter */
};

/* Fits one line through all points. @t is ascending. With fewer than 3 points all but n is 0. */
void trend_fit(const double *t, const double *y, size_t n, struct trend_fit *out);

/* One series as it is kept: start, floor and ceiling of each bucket. */
struct trend_points {
	size_t n;
	double *t, *v, *top;
};

/* Gives the slope of now, that of the last stretch. */
void trend_points_fit(const struct trend_points *p, struct trend_fit *out);
/* Judges the shape. */
void trend_points_judge(const struct trend_points *p, struct curve *out);
/* Judges the shape of memory that an allocator holds. An allocator gives back at once memory that
 * was free for long. So a fall that is small beside the gain tells nothing of memory in use: when
 * it has been made up for, the line goes on across it; until then the curve is torn. */
void trend_memory_judge(const struct trend_points *p, struct curve *out);
/* Gives the slope of now of points that were judged as @c. */
void trend_judged_fit(const struct trend_points *p, const struct curve *c, struct trend_fit *out);

/* Many series that are read at the same times (size classes, bytes), in bounded memory however
 * long.
 */
struct trend_set;

int trend_set_new(size_t series, double bucket_s, struct trend_set **out);
void trend_set_free(struct trend_set *s);
void trend_set_add(struct trend_set *s, double t_s, const double *values);
/* Copies one of them into arrays of SERIES_POINTS, as series_read() does. */
void trend_set_read(const struct trend_set *s, size_t series, struct trend_points *out);
/* As trend_points_fit() and trend_points_judge(). */
void trend_set_fit(const struct trend_set *s, size_t series, struct trend_fit *out);
void trend_set_judge(const struct trend_set *s, size_t series, struct curve *out);

#endif
