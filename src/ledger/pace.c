/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ledger/pace.h"

#include <math.h>

#define LONG_SHARE 50
#define LATER_PART (1.0 / 8)

uint64_t pace_wait_ns(const struct pace *p, uint64_t cost_ns, double ran_s)
{
	double cost = (double)cost_ns;
	double wait = fmin(fmax(cost * p->share, (double)p->least_ns), (double)p->most_ns);

	return (uint64_t)fmax(wait, fmin(cost * LONG_SHARE, ran_s * 1e9 * LATER_PART));
}
