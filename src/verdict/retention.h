/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory that is kept although nobody uses it: RSS grew, live bytes did not. Whose doing is it, and
 * how much would come back? */
#ifndef PYLEAK_VERDICT_RETENTION_H
#define PYLEAK_VERDICT_RETENTION_H

#include "report/report.h"

/* How much each grew while watching, floor against floor; NAN = not known. */
struct retention_growth {
	double rss, anon, private_bytes, shared, huge, shmem;
	double live;	  /* live blocks of pymalloc */
	double pools;	  /* memory of its pools, with and without live blocks */
	double malloced;  /* in use by malloc's callers */
	double uncounted; /* memory of no allocator that we can follow */
	double malloc_slack;
	double cgroup, cgroup_file;
	double io; /* bytes that the process itself read and wrote */
};

struct retention_evidence {
	double watched_s;
	struct retention_growth grew;
	double rss, huge, pools_idle;		/* as of now, floors of the last seconds */
	double malloc_slack, trimmable, arenas; /* of malloc; NAN = not known */
	bool is_forked;				/* its parent runs the same program */
};

/* Turns the verdict on @p into retention, with reason and hint, where the evidence says so. A leak
 * stays a leak. The other verdicts must be in place. */
bool retention_judge(const struct retention_evidence *e, struct report *r,
		     struct report_process *p);

#endif
