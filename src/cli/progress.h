/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One line on standard error, rewritten in place while a heap or many files are read: on a terminal
 * only, and only when it takes long. */
#ifndef PYLEAK_CLI_PROGRESS_H
#define PYLEAK_CLI_PROGRESS_H

#include "heap/heap.h"

struct progress {
	bool is_wanted;
	size_t shown; /* length of the line that stands there; 0 = none */
	uint64_t begin_ns, next_ns;
	uint64_t turn_ns, cpu_ns; /* when it gave way to others last, and its CPU time by then */
};

void progress_begin(struct progress *p, bool quiet);
/* For heap_watch_by, @ctx is the struct above. Rests while others want the CPU. Ends the reading,
 * with -ECANCELED, after Ctrl-C. */
int progress_heap(const struct heap_progress *at, void *ctx);
/* Something is waited for that does not tell how far it is. */
void progress_wait(struct progress *p, const char *doing);
/* So many of @of things are done. Never ends anything. */
void progress_count(struct progress *p, const char *doing, size_t done, size_t of);
/* Take the line away, before anything else is written to a terminal. */
void progress_end(struct progress *p);

#endif
