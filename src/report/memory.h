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
	double left_high;   /* like left_low, with all that may be given up */
	bool limit_refuses; /* at the limit allocations fail, and nobody is killed */
};

/* Sets all to not known. */
void report_memory_init(struct report_memory *m);

/* Seconds until two have used up together what each would alone; NAN = it does not grow. */
static inline double report_eta_together(double a, double b)
{
	return isnan(a) || isnan(b) ? fmin(a, b) : 1 / (1 / a + 1 / b);
}

#endif
