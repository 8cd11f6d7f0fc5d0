/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory that is kept although nobody uses it: RSS grew, live bytes did not. Finds the cause, and
 * what would give the memory back. */
#ifndef PYLEAK_VERDICT_RETENTION_H
#define PYLEAK_VERDICT_RETENTION_H

#include "report/report.h"

/* Growth while watched, from the first floors to the last; NAN = not known. */
struct retention_growth {
	double rss, anon, private_bytes, shared, huge, shmem;
	double live;	  /* live blocks of pymalloc or mimalloc */
	double pools;	  /* the same with the free blocks beside them */
	double malloced;  /* blocks of malloc in use */
	double uncounted; /* memory of allocators that are not followed */
	double malloc_slack;
	double cgroup, cgroup_file;
	double io; /* bytes that the process itself read and wrote */
};

struct retention_evidence {
	double watched_s;
	struct retention_growth grew;
	double rss, huge, pools_idle;		/* floors of the last seconds */
	double malloc_slack, trimmable, arenas; /* of malloc; NAN = not known */
	bool is_forked;				/* from its parent, with no exec of its own since */
	bool has_mimalloc;			/* in place of pymalloc */
};

/* Turns the verdict on @p into retention, with reason and hint, where the evidence says so. A leak
 * stays a leak. The other verdicts must be in place. */
bool retention_judge(const struct retention_evidence *e, struct report *r,
		     struct report_process *p);

#endif
