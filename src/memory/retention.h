/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Readings of a process's kinds of memory, the first ones against the last ones. */
#ifndef PYLEAK_MEMORY_RETENTION_H
#define PYLEAK_MEMORY_RETENTION_H

#include "verdict/retention.h"
#include "proc/limits.h"

enum kept {
	KEPT_RSS,
	KEPT_ANON,
	KEPT_PRIVATE,
	KEPT_SHARED,
	KEPT_HUGE,
	KEPT_SHMEM,
	KEPT_LIVE,
	KEPT_POOLS,
	KEPT_CGROUP,
	KEPT_CGROUP_FILE,
	KEPT_IO,
	KEPT_MAX
};

#define RETENTION_FIRST 3
#define RETENTION_LAST	12 /* what lies idle must have done so for so long */
#define RETENTION_GREW	4  /* what grew is taken from so many */

/* One a second. A floor over some seconds: what is held for a moment is no retention. */
struct retention_log {
	double first[KEPT_MAX], last[RETENTION_LAST][KEPT_MAX];
	double first_s, last_s;
	size_t n;
};

void retention_add(struct retention_log *l, double t_s, const double value[KEPT_MAX]);
void retention_evidence(const struct retention_log *l, struct retention_evidence *out);
/* Does the parent run the same program? Then pages may be shared with it. */
bool retention_is_forked(const struct proc *p);

#endif
