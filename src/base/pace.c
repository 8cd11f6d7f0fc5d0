/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/pace.h"

#include <math.h>

#define LONG_SHARE   50
#define LATER_PART   (1.0 / 8)
#define RARER_PART   0.2
#define RARER_FROM_S 25
#define RARER_LOOKS  2.5

uint64_t pace_wait_ns(const struct pace *p, uint64_t cost_ns, double ran_s)
{
	double cost = (double)cost_ns, late = ran_s * 1e9 * LATER_PART;
	double wait = fmin(fmax(cost * p->share, (double)p->least_ns), (double)p->most_ns);
	double rarer = wait * fmin(ran_s / RARER_FROM_S, RARER_LOOKS);

	return (uint64_t)fmax(wait, fmin(fmax(rarer, cost * LONG_SHARE), late));
}

uint64_t pace_rarer_ns(uint64_t wait_ns, double seen_s)
{
	double wait = (double)wait_ns;

	return (uint64_t)fmax(wait, fmin(wait * PACE_RARER, seen_s * 1e9 * RARER_PART));
}
