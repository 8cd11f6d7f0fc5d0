/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Watches a process by means that cost it nothing: its resident size and the headers of its pools.
 * Tells whether it grows, not which line. */
#ifndef PYLEAK_SWEEP_GROWTH_H
#define PYLEAK_SWEEP_GROWTH_H

#include "base/curve.h"
#include "proc/list.h"
#include "report/report.h"

struct growth;
struct heap_progress;

/* Takes @p, and closes it on failure. Refuses what is no known CPython. */
int growth_open(struct proc *p, const struct proc_entry *e, struct growth **out);
/* Tells @watch of readings that take long, like heap_watch_by(). */
void growth_watch_by(struct growth *g, int (*watch)(const struct heap_progress *at, void *ctx),
		     void *ctx);
void growth_close(struct growth *g);

/* Reads the process. False when it has ended, or is another program now. */
bool growth_read(struct growth *g);
bool growth_has_ended(const struct growth *g);
/* The curve of its live bytes, or of its anonymous memory where that grows far more. As last
 * judged: no more than ten seconds ago, nor than a part of the watched time. */
const struct curve *growth_curve(const struct growth *g);
/* Fills in all but sites, as of the last reading; the verdict only says that it grows, and nothing
 * is predicted of one that has ended. @unprobed: why no line is known. */
void growth_fill(struct growth *g, const char *unprobed, struct report *r,
		 struct report_process *p);

const struct proc_entry *growth_entry(const struct growth *g);

#endif
