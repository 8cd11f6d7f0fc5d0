/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One process by means that cost it nothing: resident size and the headers of its pools. Tells
 * whether it grows, not which line. */
#ifndef PYLEAK_SWEEP_GROWTH_H
#define PYLEAK_SWEEP_GROWTH_H

#include "base/curve.h"
#include "proc/list.h"
#include "report/report.h"

struct growth;
struct heap_progress;

/* Takes @p, also when it fails: closed then. What is no CPython that we know is refused. */
int growth_open(struct proc *p, const struct proc_entry *e, struct growth **out);
/* Tells of readings that take long, as heap_watch_by() does. */
void growth_watch_by(struct growth *g, int (*watch)(const struct heap_progress *at, void *ctx),
		     void *ctx);
void growth_close(struct growth *g);

/* A reading. False when the process has ended, or is another program now. */
bool growth_read(struct growth *g);
bool growth_has_ended(const struct growth *g);
/* How the process grows: its live bytes, or its anonymous memory where these are no more than a
 * part of it. As last judged, which is no longer ago than a part of the time it is watched, nor
 * than ten seconds. */
const struct curve *growth_curve(const struct growth *g);
/* Everything but sites, as of the last reading; the verdict says no more than that it grows, and
 * @unprobed: why no line is known. */
void growth_fill(struct growth *g, const char *unprobed, struct report *r,
		 struct report_process *p);

const struct proc_entry *growth_entry(const struct growth *g);

#endif
