/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Decides when to look again if looks are costly, by our own CPU time, not the target's. Pure
 * functions. */
#ifndef PYLEAK_BASE_PACE_H
#define PYLEAK_BASE_PACE_H

#include "base/base.h"

struct pace {
	uint64_t least_ns, most_ns;
	unsigned share; /* a look may take one part in so many of the time, if most_ns allows it */
};

/* The wait until the next look, after one that cost @cost_ns in a watch of @ran_s seconds so far.
 * At least it is as @p says. It grows for costly looks until these take a fiftieth of the time, and
 * from 25 s on up to two and a half times, as a line through minutes needs no points as close as
 * one through seconds; but it does not grow beyond an eighth of the watch. So a short watch has
 * enough points, and a long one takes little CPU time. */
uint64_t pace_wait_ns(const struct pace *p, uint64_t cost_ns, double ran_s);
/* A wait up to PACE_RARER times as long as @wait_ns, when looks cover @seen_s seconds: as long as
 * the last look is not too old beside these (CENSUS_STALE) to tell of now. */
#define PACE_RARER 8
uint64_t pace_rarer_ns(uint64_t wait_ns, double seen_s);

#endif
