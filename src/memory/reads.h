/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reports memory that was not read, so that the process would not pay for being looked at. */
#ifndef PYLEAK_MEMORY_READS_H
#define PYLEAK_MEMORY_READS_H

#include "proc/proc.h"
#include "report/report.h"

#define READS_ROWS 3
/* Writes READS_ROWS rows of `lost`, summed over all readers of the process. */
void reads_lost(const struct proc *p, struct report *r, struct report_lost *to);
/* The same, behind the rows that @out has. */
void reads_add_lost(const struct proc *p, struct report *r, struct report_process *out);

#endif
