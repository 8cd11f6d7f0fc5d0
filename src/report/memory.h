/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Facts about a process's memory beside its sites: whose pages, which limit, and when it is
 * reached. Integers that are not known are UINT64_MAX, doubles NAN. */
#ifndef PYLEAK_REPORT_MEMORY_H
#define PYLEAK_REPORT_MEMORY_H

#include <math.h>

#include "report/fields.h"

struct report_cgroup {
	REPORT_CGROUP(FIELD_MEMBER, )
};

struct report_memory {
	REPORT_LIMIT(FIELD_MEMBER, )
	REPORT_PAGES(FIELD_MEMBER, )
	struct report_cgroup cgroup;
	double left_high;   /* as left_low, with what may be given up */
	bool limit_refuses; /* allocations fail there, nobody is killed */
};

/* Nothing is known. */
void report_memory_init(struct report_memory *m);

/* Until two that grow have used up together what each would alone; NAN = it does not grow. */
static inline double report_eta_together(double a, double b)
{
	return isnan(a) || isnan(b) ? fmin(a, b) : 1 / (1 / a + 1 / b);
}

#endif
