/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth of a program that waits for a processor: it does less meanwhile, and what it leaks grows
 * by less. Over the time in which it could run, that is a straight line. */
#ifndef PYLEAK_JUDGE_WAITED_H
#define PYLEAK_JUDGE_WAITED_H

#include "base/trend.h"

/* @waited: seconds it has waited, over time; the series @p lies on the same axis. A curve that is
 * CURVE_SLOWING becomes CURVE_RISING when waiting is all that bends it; its slope stays one per
 * second of the clock. */
void waited_judge(const struct trend_points *waited, const struct trend_points *p,
		  struct curve *curve);

#endif
