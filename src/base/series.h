/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps many values that are read at the same times, in bounded memory however long: floors and
 * ceilings of short buckets, which are merged as they grow old. Those of a minute ago are of
 * seconds, those of a day ago of an hour, so a change of the last minutes is seen on any day. Times
 * are in seconds. Not thread-safe. */
#ifndef PYLEAK_SERIES_H
#define PYLEAK_SERIES_H

#include "base/base.h"

#define SERIES_POINTS 256

struct series;

/* @values: values of a reading; @bucket_s: width of the finest buckets. */
int series_new(size_t values, double bucket_s, struct series **out);
void series_free(struct series *s);
/* Adds a reading. A time before the last one is taken for the last one. */
void series_add(struct series *s, double t_s, const double *values);
/* Copies start, floor and ceiling (@top may be NULL) of each bucket of one value, oldest first,
 * into arrays of SERIES_POINTS. The last bucket, which is unfinished, is left out if there are four
 * others. Returns their number. */
size_t series_read(const struct series *s, size_t value, double *t, double *v, double *top);

#endif
