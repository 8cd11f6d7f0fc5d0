/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Limits the CPU time of work whose amount the target decides: to half a core, and a second at
 * once. When none is left the caller leaves the work out, and counts that. */
#ifndef PYLEAK_SPEND_H
#define PYLEAK_SPEND_H

#include "base/base.h"

struct spend {
	int64_t left_ns;
	uint64_t refilled_ns; /* 0 = never used: it begins full */
	uint64_t begin_ns;
};

/* Is some time left? Then the work is done between these two calls, by one thread. */
bool spend_begin(struct spend *s);
void spend_end(struct spend *s);

#endif
