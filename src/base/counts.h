/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compares models of growth by what each of a few steps brought: the sum of objects that come by
 * chance wanders off any line through its points, but what one step brings has nothing to do with
 * the others. Pure functions. */
#ifndef PYLEAK_BASE_COUNTS_H
#define PYLEAK_BASE_COUNTS_H

#include "base/trend.h"

/* How much likelier it is that the growth comes to an end by the work than that it goes on, by the
 * clock or by the work, behind a warm-up or not: the difference of the deviances of the best
 * models, in units of chance. @turns and @ran: the work until each point. 0: not known. */
double counts_end_likelier(const struct trend_points *p, const double *turns, const double *ran);

#endif
