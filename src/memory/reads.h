/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reports what was not read, so that the process does not pay for being looked at. */
#ifndef PYLEAK_MEMORY_READS_H
#define PYLEAK_MEMORY_READS_H

#include "proc/proc.h"
#include "report/report.h"

#define READS_ROWS 3
/* READS_ROWS rows of `lost`, for all readers of the process. */
void reads_lost(const struct proc *p, struct report *r, struct report_lost *to);
/* Behind those that @out has. */
void reads_add_lost(const struct proc *p, struct report *r, struct report_process *out);

#endif
