/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells whether a difference of two rates is more than chance. A rate rests on samples: objects
 * that were seen to stay. Only independent ones count (a request leaves several behind at once);
 * and no program does the same amount of work in two watches. docs/SCORING.md has the measurements.
 */
#ifndef PYLEAK_COMPARE_CHANCE_H
#define PYLEAK_COMPARE_CHANCE_H

#include "base/base.h"

/* If one of the rates is 0, @high is INFINITY and the others are 0 or INFINITY. */
struct chance {
	double ratio, low, high; /* b / a, and its 95 % interval */
	double p;		 /* how often two watches of the same thing differ as much */
};

/* Both rates above 0, samples above 0. */
struct chance chance_of_ratio(double a, double a_samples, double b, double b_samples);
/* The same p for a site that one watch did not see, though @expected samples would have come had it
 * grown as in the other watch. */
double chance_of_none(double expected);
/* The greatest of @n values of p that may be believed so that, of pairs of watches of the same
 * thing, no more than the share @level shows a difference (Benjamini and Hochberg). */
double chance_limit(const double *p, size_t n, double level);

#endif
