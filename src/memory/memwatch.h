/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Watches what kind of memory a process has, which limit binds it, and how its use moves. */
#ifndef PYLEAK_MEMORY_MEMWATCH_H
#define PYLEAK_MEMORY_MEMWATCH_H

#include "alert/alert.h"
#include "heap/heap.h"
#include "evidence/evidence.h"
#include "proc/limits.h"
#include "report/report.h"

struct memwatch;

int memwatch_new(struct memwatch **out);
void memwatch_free(struct memwatch *w);
/* Takes a reading, at most one a second. @m was read just now, @c some time ago, of @h; @t_s:
 * seconds since the start; @spent_ns: CPU time that probes have cost the process. */
void memwatch_read(struct memwatch *w, const struct py_runtime *rt, const struct heap *h,
		   const struct proc_memory *m, const struct heap_census *c, double t_s,
		   double spent_ns);
/* Sets the members of a row of the report's series that are known here. */
void memwatch_series(const struct memwatch *w, struct report_series *row);
/* News since the last call, as of a limit that was changed: writes a sentence and returns true. */
bool memwatch_change(struct memwatch *w, bool is_stopped, char *text, size_t size);
/* The same when the process has ended: did the kernel kill for lack of memory? */
bool memwatch_ended(struct memwatch *w, char *text, size_t size);
void memwatch_fill(const struct memwatch *w, struct report *r, struct report_memory *out);
/* Copies the series, and the evidence for retention. */
void memwatch_observe(const struct memwatch *w, const struct proc *proc, struct report *scratch,
		      struct memory_fact *out);
void memwatch_metrics(const struct memwatch *w, struct metrics *out);

#endif
