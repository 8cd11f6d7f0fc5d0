/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A process opened once more, for a worker: a session refreshes what it reads with. */
#ifndef PYLEAK_MEMORY_VIEW_H
#define PYLEAK_MEMORY_VIEW_H

#include "base/worker.h"
#include "heap/heap.h"

struct view {
	struct proc *p;
	struct py_runtime *rt;
	struct heap *heap;
};

/* Reading its heap goes at the pace of @w, and ends with it. -ESRCH when the number is another
 * process's by now. Whatever it returns, view_close() is owed. */
int view_open(struct view *v, int pid, uint64_t start_ticks, struct worker *w);
void view_close(struct view *v);
/* That pace, as heap_watch_by() takes it: @ctx is the worker. */
int view_pace(const struct heap_progress *at, void *ctx);

#endif
