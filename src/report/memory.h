/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of a process's memory beside its sites: whose pages, which limit, and when it is
 * reached. Integers that are not known are UINT64_MAX, doubles NAN. */
#ifndef PYLEAK_REPORT_MEMORY_H
#define PYLEAK_REPORT_MEMORY_H

#include "base/base.h"

struct report_cgroup {
	int version; /* 0 = not known, and nothing below */
	const char *path;
	uint64_t current, file, limit, high, oom_kills;
};

struct report_memory {
	uint64_t pss, anon, swap, huge, private_bytes, shared;
	double minor_faults_per_s, major_faults_per_s;
	struct report_cgroup cgroup;
	/* the limit that will be met first */
	const char *limit_source; /* "cgroup|rlimit|ram", NULL = none is known */
	const char *limit_name;	  /* "cgroup /a/b", "RLIMIT_AS", "RAM" */
	uint64_t limit_bytes;
	double left_low, left_high; /* room below it: without and with what may be given up */
	bool limit_refuses;	    /* allocations fail there, nobody is killed */
	double eta_s, eta_low_s, eta_high_s;
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
