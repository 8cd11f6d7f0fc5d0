/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes a single step out of a curve of memory. Times are in seconds. Threads: any. */
#ifndef PYLEAK_STEP_H
#define PYLEAK_STEP_H

#include "base/series.h"
#include "base/trend.h"

/* Room for the points of one curve. */
struct step_room {
	double v[SERIES_POINTS], top[SERIES_POINTS];
};

/* The points without their one step, if the curve goes on at the same pace behind it, in @room;
 * else @p as it is. */
struct trend_points step_take_out(const struct trend_points *p, struct step_room *room);

#endif
