/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Is a difference of two rates more than chance? A rate rests on samples: things that were seen to
 * stay. They are counted as far as they are independent (a request leaves several behind at once);
 * and no program does the same amount of work in two watches. docs/SCORING.md has the measurements.
 */
#ifndef PYLEAK_COMPARE_CHANCE_H
#define PYLEAK_COMPARE_CHANCE_H

#include "base/base.h"

/* @high is INFINITY and all of it 0 or INFINITY where one of the rates is 0. */
struct chance {
	double ratio, low, high; /* b / a, and its 95 % interval */
	double p;		 /* how often two watches of the same thing differ as much */
};

/* Both rates above 0, samples above 0. */
struct chance chance_of_ratio(double a, double a_samples, double b, double b_samples);
/* The same where one was not seen to grow, and @expected samples would have come had it grown as in
 * the other watch. */
double chance_of_none(double expected);
/* Which of @n values of p may be believed together, so that in all but @level of the pairs of
 * watches of the same thing none is (Benjamini and Hochberg): those not above the result. */
double chance_limit(const double *p, size_t n, double level);

#endif
