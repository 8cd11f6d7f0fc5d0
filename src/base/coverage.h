/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When births were watched, and for how long each time: windows come when the budget allows, and
 * probes that stay in see everything. Survivors of a steady leak are as old as the time that was
 * watched. */
#ifndef PYLEAK_COVERAGE_H
#define PYLEAK_COVERAGE_H

#include "base/base.h"

#define COVERAGE_POINTS 512 /* even; neighbours become one when it is full */

struct coverage {
	struct coverage_point {
		double begin_s, at_s, on_s; /* CLOCK_MONOTONIC, of the middle; how long in all */
	} v[COVERAGE_POINTS];
	size_t n;
	double width_s; /* of a point; doubles when they become one */
};

void coverage_add(struct coverage *c, uint64_t from_ns, uint64_t to_ns);
/* The mean age of what was watched from @from_ns on, and is @least_s old; 0 = nothing. */
double coverage_age_s(const struct coverage *c, uint64_t from_ns, uint64_t now_ns, double least_s);
/* Which part of the time since the last ones was watched in those windows that saw what was born
 * then; 0 = none. @start_ns: of the run. */
double coverage_at(const struct coverage *c, uint64_t start_ns, uint64_t born_ns);
/* Which part of the time between the two was watched; 0 = none. */
double coverage_share(const struct coverage *c, uint64_t from_ns, uint64_t to_ns);

#endif
