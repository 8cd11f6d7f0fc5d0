/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Many values read at the same moments, for as long as one likes, in bounded memory: floors of
 * short buckets, which are merged as they grow old. What lies a minute back is kept by the second,
 * what lies a day back by the hour: a change of the last minutes is seen on any day. */
#ifndef PYLEAK_SERIES_H
#define PYLEAK_SERIES_H

#include "base/base.h"

#define SERIES_POINTS 256

struct series;

/* @values per reading; @bucket_s: the finest buckets. */
int series_new(size_t values, double bucket_s, struct series **out);
void series_free(struct series *s);
/* Time that goes backwards counts as standing still. */
void series_add(struct series *s, double t_s, const double *values);
/* Start, floor and (@top may be NULL) ceiling of each bucket of one value, oldest first, into
 * arrays of SERIES_POINTS; the unfinished last bucket is left out when there are others enough.
 * Returns their number. */
size_t series_read(const struct series *s, size_t value, double *t, double *v, double *top);

#endif
