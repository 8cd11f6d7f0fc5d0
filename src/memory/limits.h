/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The limit that binds a process, as the report tells it. */
#ifndef PYLEAK_MEMORY_LIMITS_H
#define PYLEAK_MEMORY_LIMITS_H

#include "proc/limits.h"
#include "report/report.h"

/* Reads the limits of a process. @limit: the nearest one; its name is empty if none is known. */
void limits_read(const struct proc *p, const struct proc_memory *memory, struct proc_cgroup *cgroup,
		 struct proc_limit *limit);
/* Sets the limit's members of @out, and no others. */
void limits_fill(const struct proc_cgroup *cgroup, const struct proc_limit *limit, struct report *r,
		 struct report_memory *out);

#endif
