/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shows a line on standard error, rewritten in place, while a heap or many files are read: only on
 * a terminal, and only after a second. One thread. */
#ifndef PYLEAK_CLI_PROGRESS_H
#define PYLEAK_CLI_PROGRESS_H

#include "heap/heap.h"

struct progress {
	bool is_wanted;
	size_t shown; /* length of the line that is shown; 0 = none */
	uint64_t begin_ns, next_ns;
	uint64_t turn_ns, cpu_ns; /* when it last let others run, and its CPU time then */
};

/* Begins now; with @quiet nothing is shown. */
void progress_begin(struct progress *p, bool quiet);
/* For heap_watch_by(); @ctx is a struct progress. Rests while others want the CPU. -ECANCELED with
 * the sentence, which ends the reading, after Ctrl-C. */
int progress_heap(const struct heap_progress *at, void *ctx);
/* Shows that @doing is waited for, and for how long. */
void progress_wait(struct progress *p, const char *doing);
/* Shows that @done of @of things are done. */
void progress_count(struct progress *p, const char *doing, size_t done, size_t of);
/* Removes the line, before anything else is written to a terminal. */
void progress_end(struct progress *p);

#endif
