/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps readings of a process's kinds of memory, to compare the last ones with the first. */
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
#define RETENTION_LAST	12 /* readings for which memory must have lain idle */
#define RETENTION_GREW	4  /* readings that a growth is taken from */

/* Readings, one a second. Floors over some seconds are compared: what is held for a moment is no
 * retention. */
struct retention_log {
	double first[KEPT_MAX], last[RETENTION_LAST][KEPT_MAX];
	double first_s, last_s;
	double least_shared, reshared; /* so much more was shared again after its lowest */
	size_t n;
};

void retention_add(struct retention_log *l, double t_s, const double value[KEPT_MAX]);
void retention_evidence(const struct retention_log *l, struct retention_evidence *out);
/* Was it forked from its parent, and has not exec'ed since? Then pages may be shared with it. */
bool retention_is_forked(const struct proc *p);

#endif
