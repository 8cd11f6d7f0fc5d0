/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes a census of one process, running or saved, without a session around it. */
#ifndef PYLEAK_COMMAND_CENSUS_PROCESS_H
#define PYLEAK_COMMAND_CENSUS_PROCESS_H

#include "census/census.h"

struct census_opts {
	double diff_s;	  /* seconds within which several censuses are taken; 0: one census */
	const char *type; /* lists objects of this type; NULL: none */
	size_t samples;	  /* how many of them at most */
	bool values;	  /* with their values */
	/* told of progress, and may end it (heap/heap.h); NULL: nobody */
	int (*watch)(const struct heap_progress *at, void *ctx);
	void *watch_ctx;
};
/* Fills @p and @r from the process @t. If @watch ends it, the censuses taken so far count;
 * -ECANCELED if there is none. -ESRCH: the process has ended. */
int census_process(struct proc *t, const struct py_runtime *rt, const struct census_opts *o,
		   struct report *r, struct report_process *p);

#endif
