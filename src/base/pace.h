/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How often to look again at what is dear to look at: by our own CPU time, not the target's. */
#ifndef PYLEAK_BASE_PACE_H
#define PYLEAK_BASE_PACE_H

#include "base/base.h"

struct pace {
	uint64_t least_ns, most_ns;
	unsigned share; /* a look may take one part in so many of our time, if most_ns allows it */
};

/* Until the next look, after one that cost @cost_ns. In a watch of @ran_s seconds so far a dear one
 * is due after an eighth of that, though it was to come sooner, until looks are a fiftieth of our
 * time: a short watch has its points, a long one takes no core. After half a minute looks become
 * rarer, up to two and a half times: a line through minutes needs no points as close as one through
 * seconds. */
uint64_t pace_wait_ns(const struct pace *p, uint64_t cost_ns, double ran_s);
/* Until the next look, instead of @wait_ns, when looks cover @seen_s: up to PACE_RARER times as
 * long, while the last one is not too old beside that time to tell of now (CENSUS_STALE). */
#define PACE_RARER 8
uint64_t pace_rarer_ns(uint64_t wait_ns, double seen_s);

#endif
