/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Limits work of which the target says how much there is: half a core, and a second of CPU time at
 * once. Whoever has none left leaves the work out, and counts that. */
#ifndef PYLEAK_SPEND_H
#define PYLEAK_SPEND_H

#include "base/base.h"

struct spend {
	int64_t left_ns;
	uint64_t refilled_ns; /* 0 = never used: it begins full */
	uint64_t begin_ns;
};

/* Is there some left? Then the work is done between the two, by one thread. */
bool spend_begin(struct spend *s);
void spend_end(struct spend *s);

#endif
