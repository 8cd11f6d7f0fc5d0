/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A process, opened once more for a worker, since the session refreshes its own view meanwhile. */
#ifndef PYLEAK_MEMORY_VIEW_H
#define PYLEAK_MEMORY_VIEW_H

#include "base/worker.h"
#include "heap/heap.h"

struct view {
	struct proc *p;
	struct py_runtime *rt;
	struct heap *heap;
};

/* Opens it. Its heap is read at the pace of @w, and reading ends with @w. -ESRCH when the pid is
 * another process's by now. view_close() is owed, whatever it returns. */
int view_open(struct view *v, int pid, uint64_t start_ticks, struct worker *w);
void view_close(struct view *v);
/* The worker's pace, for heap_watch_by(): @ctx is the worker. */
int view_pace(const struct heap_progress *at, void *ctx);

#endif
