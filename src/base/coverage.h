/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps when births were watched, and for how long each time: windows come when the budget allows,
 * and probes that stay in see everything. Survivors of a steady leak are as old on average as the
 * time that was watched. Times in _ns are those of clock_ns(). */
#ifndef PYLEAK_COVERAGE_H
#define PYLEAK_COVERAGE_H

#include "base/base.h"

#define COVERAGE_POINTS 512 /* an even number: when all are used, neighbours are joined */

struct coverage {
	struct coverage_point {
		double begin_s, at_s, on_s; /* start and middle, by clock_ns(); seconds watched */
	} v[COVERAGE_POINTS];
	size_t n;
	double width_s; /* least width of a point; doubles when points are joined */
};

void coverage_add(struct coverage *c, uint64_t from_ns, uint64_t to_ns);
/* Mean age of the time that was watched since @from_ns and is at least @least_s old; 0 = none was.
 */
double coverage_age_s(const struct coverage *c, uint64_t from_ns, uint64_t now_ns, double least_s);
/* The part (0..1) of the time around @born_ns that was watched, by the window that saw the birth
 * and a few before it; 0 = none was. @start_ns: start of the run, before which there is no window.
 */
double coverage_at(const struct coverage *c, uint64_t start_ns, uint64_t born_ns);
/* The part (0..1) of the time between the two that was watched. */
double coverage_share(const struct coverage *c, uint64_t from_ns, uint64_t to_ns);

#endif
