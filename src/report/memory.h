/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Facts about a process's memory beside its sites: whose pages, which limit, and when it is
 * reached. Integers that are not known are UINT64_MAX, doubles NAN. */
#ifndef PYLEAK_REPORT_MEMORY_H
#define PYLEAK_REPORT_MEMORY_H

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

/* How fast it grows, and how sure that is. */
struct eta_growth {
	double slow, fast; /* bytes per second, by the ways of measuring it that there are */
	double error;	   /* of either, one standard deviation */
	double reusable;   /* bytes that are resident and free: growth may fill them first */
};

/* When the limit of @m is reached, as an interval; leaves it unknown where nothing grows. */
void eta_predict(const struct eta_growth *g, struct report_memory *m);

#endif
