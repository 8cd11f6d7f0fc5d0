/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth of a program that does less: it waits for a processor, or its load ebbs. What it leaks
 * grows by less meanwhile, and over the time in which it could run, or over what it did, that is a
 * straight line. What fills bends over these, too. */
#ifndef PYLEAK_BASE_WORK_H
#define PYLEAK_BASE_WORK_H

#include "base/trend.h"

/* Sums over all threads since they began, over time; the series that are judged lie on the same
 * axis. n 0 = not known. */
struct work {
	struct trend_points waited; /* seconds, ready to run, for a processor */
	struct trend_points ran;    /* seconds, at one */
	struct trend_points turns;  /* times that they came to run */
};

/* A curve that is CURVE_SLOWING becomes CURVE_RISING when waiting is all that bends it. It ebbs
 * when hardly any bend is left over the turns and over the processor time: a leak under a load that
 * ebbs, or a cache whose misses are most of what the process does; and becomes CURVE_RISING when it
 * has slowed down by little. One that rises behind a steeper stretch becomes CURVE_SLOWING when it
 * bends over both and has paused with the work: what fills went on. Slopes stay those per second of
 * the clock. */
void work_judge(const struct work *w, const struct trend_points *p, struct curve *curve);

#endif
