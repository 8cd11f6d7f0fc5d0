/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How often to look again at what is dear to look at: by our own CPU time, not the target's. */
#ifndef PYLEAK_LEDGER_PACE_H
#define PYLEAK_LEDGER_PACE_H

#include "base/base.h"

struct pace {
	uint64_t least_ns, most_ns;
	unsigned share; /* a look may take one part in so many of our time, if most_ns allows it */
};

/* Until the next look, after one that cost @cost_ns. In a watch of @ran_s seconds so far a dear one
 * is due after an eighth of that, though it was to come sooner, until looks are a fiftieth of our
 * time: a short watch has its points, a long one takes no core. */
uint64_t pace_wait_ns(const struct pace *p, uint64_t cost_ns, double ran_s);

#endif
