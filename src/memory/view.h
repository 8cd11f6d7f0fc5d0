/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A process opened once more, for a thread of its own: a session refreshes what it reads with. */
#ifndef PYLEAK_MEMORY_VIEW_H
#define PYLEAK_MEMORY_VIEW_H

#include "heap/heap.h"

struct view {
	struct proc *p;
	struct py_runtime *rt;
	struct heap *heap;
};

/* -ESRCH when the number is another process's by now. Whatever it returns, view_close() is owed. */
int view_open(struct view *v, int pid, uint64_t start_ticks);
void view_close(struct view *v);

#endif
