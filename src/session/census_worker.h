/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Censuses beside the main job: a thread of its own, so that a walk over a large heap never holds
 * up a window, at long intervals, so that it costs next to nothing. */
#ifndef PYLEAK_SESSION_CENSUS_WORKER_H
#define PYLEAK_SESSION_CENSUS_WORKER_H

#include "report/report.h"

struct census_worker;
struct proc;

/* Watch the process @p is; it may take @share of a core's time. What it needs of the process it
 * opens itself. */
int census_worker_start(const struct proc *p, double share, struct census_worker **out);
/* A walk under way is given up; returns within about two seconds. */
void census_worker_stop(struct census_worker *w);
/* Types, collector, pools as of the last census; nothing before the first. */
int census_worker_fill(struct census_worker *w, struct report *r, struct report_process *p);

#endif
