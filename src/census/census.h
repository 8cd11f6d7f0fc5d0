/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes censuses of one process: counts the objects of its heap by type name, and tells what grows
 * from one to the next. It needs no session, so that a command can use it alone. One thread at a
 * time uses a census. Functions return 0 or a negative errno, with the sentence. */
#ifndef PYLEAK_CENSUS_CENSUS_H
#define PYLEAK_CENSUS_CENSUS_H

#include "report/report.h"

struct census;
struct heap_progress;
struct proc;
struct py_runtime;

/* Opens the heap of @rt, which must outlive the census. */
int census_new(const struct py_runtime *rt, struct census **out);
void census_free(struct census *c);
/* Sets the function that is told how far a reading is, and may end it (heap/heap.h). */
void census_watch_by(struct census *c, int (*watch)(const struct heap_progress *, void *),
		     void *ctx);
/* Reads the heap once, which takes some tenths of a second per GB. Where that fails or is ended,
 * the results of earlier censuses stay. */
int census_take(struct census *c);
/* Writes types, collector and pools of the last census into @p. Types are sorted by bytes, largest
 * first; by growth in bytes if @by_growth and there are several censuses. Without a census @p is
 * left as it is. */
int census_fill(struct census *c, struct report *r, struct report_process *p, bool by_growth);
/* Writes at most @max objects of types called @name (py_name_fits()) into @p, each as likely as any
 * other; their values only with @values. Reads the heap once. The next census_fill() says how many
 * types had names that could not be read. */
int census_instances(struct census *c, const char *name, size_t max, bool values, struct report *r,
		     struct report_process *p);

#endif
