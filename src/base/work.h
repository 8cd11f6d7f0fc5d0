/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Judges growth of a program that does less than before, as it waits for a processor, or its load
 * ebbs. A leak grows more slowly meanwhile, but evenly by the time in which the program could run,
 * or by the work it did. A cache that fills bends by these, too. Pure functions. */
#ifndef PYLEAK_BASE_WORK_H
#define PYLEAK_BASE_WORK_H

#include "base/trend.h"

/* Sums over all threads since each began, at times of the same clock as the judged series; n 0 =
 * not known. */
struct work {
	struct trend_points waited; /* seconds that they were ready and waited for a processor */
	struct trend_points ran;    /* seconds that they ran */
	struct trend_points turns;  /* times that they began to run */
};

/* Changes the judgement of @curve:
 * - CURVE_SLOWING becomes CURVE_RISING if only waiting bends it, or it surely goes on.
 * - CURVE_SLOWING ebbs if hardly any bend is left by turns and by processor time: it is a leak
 * under a load that ebbs, or a cache whose misses are most of the program's work. If it slowed down
 * by little, it becomes CURVE_RISING.
 * - CURVE_RISING becomes CURVE_SLOWING if it fills: by turns and by processor time it comes to an
 *   end, as a cache does whose load rises, or stops for a while.
 * - A curve that grows lags if it comes to less for as much work, of which more is done of late.
 * Slopes stay those per second of the clock. */
void work_judge(const struct work *w, const struct trend_points *p, struct curve *curve);

#endif
