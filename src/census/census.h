/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Censuses of one process: who lives in its heap, by type name, and what grows from one to the
 * next. Apart from the session, so that a command can have it alone and a thread its own. */
#ifndef PYLEAK_CENSUS_CENSUS_H
#define PYLEAK_CENSUS_CENSUS_H

#include "report/report.h"

struct census;
struct heap_progress;
struct proc;
struct py_runtime;

/* @rt stays the caller's. */
int census_new(const struct py_runtime *rt, struct census **out);
void census_free(struct census *c);
/* Names the function that is told how far a reading is, and may end it (heap/heap.h). */
void census_watch_by(struct census *c, int (*watch)(const struct heap_progress *, void *),
		     void *ctx);
/* Read the heap once. Its cost goes with the size of the heap: some tenths of a second per GB. When
 * it fails or is ended, what was known before still is. */
int census_take(struct census *c);
/* Types, collector, pools. Rows by bytes, largest first; with several censuses by growth in bytes
 * when @by_growth. */
int census_fill(struct census *c, struct report *r, struct report_process *p, bool by_growth);
/* At most @max objects of the type called @name (py_name_fits), chosen evenly; their values only
 * with @values. */
int census_instances(struct census *c, const char *name, size_t max, bool values, struct report *r,
		     struct report_process *p);

#endif
