/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth of a program that does less: it waits for a processor, or its load ebbs. What it leaks
 * grows by less meanwhile, and over the time in which it could run, or over what it did, that is a
 * straight line. What fills bends over these, too. */
#ifndef PYLEAK_JUDGE_WORK_H
#define PYLEAK_JUDGE_WORK_H

#include "base/trend.h"

/* Sums over all threads since they began, over time; the series that are judged lie on the same
 * axis. n 0 = not known. */
struct work {
	struct trend_points waited; /* seconds, ready to run, for a processor */
	struct trend_points ran;    /* seconds, at one */
	struct trend_points turns;  /* times that they came to run */
};

/* A curve that is CURVE_SLOWING becomes CURVE_RISING when waiting is all that bends it, or a load
 * that ebbs (curve->ebbs): over the turns, and over the processor time as well, hardly any bend is
 * left. One of them alone may be that of dear misses of a cache. One that rises behind a steeper
 * stretch becomes CURVE_SLOWING when it bends over both: its load paused, and what fills went on.
 * Slopes stay those per second of the clock. */
void work_judge(const struct work *w, const struct trend_points *p, struct curve *curve);

#endif
