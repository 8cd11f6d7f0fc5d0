/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The census as the whole job. */
#ifndef PYLEAK_COMMAND_CENSUS_PROCESS_H
#define PYLEAK_COMMAND_CENSUS_PROCESS_H

#include "census/census.h"

/* A census of one process, running or saved, with nothing else around it: takes (several within
 * @diff_s) and fills. When @watch ends it, what is known by then counts, if anything. */
struct census_opts {
	double diff_s;	  /* 0: one census */
	const char *type; /* NULL: no samples */
	size_t samples;
	bool values;
	int (*watch)(const struct heap_progress *at, void *ctx); /* NULL: nobody */
	void *watch_ctx;
};
int census_process(struct proc *t, const struct py_runtime *rt, const struct census_opts *o,
		   struct report *r, struct report_process *p);

#endif
