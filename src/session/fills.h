/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A container with a bound that the survivors of a site hang on: is it still being filled? */
#ifndef PYLEAK_SESSION_FILLS_H
#define PYLEAK_SESSION_FILLS_H

#include "heap/why.h"
#include "py/py.h"
#include "report/verdict.h"

struct fill {
	uint64_t addr; /* of the container; 0 = there is none with a bound */
	uint64_t most;
	bool enforced;
	char name[48];		  /* of the bound */
	char what[64];		  /* "deque" */
	uint64_t first, first_ns; /* entries, when it was first looked at */
	uint64_t last, last_ns;	  /* entries, when it was last read */
	uint64_t full_ns;	  /* 0 = it is not full */
};

/* The container of step @i of a path. What is known of it stays when it is the same as before. */
void fill_found(struct fill *f, const struct why_path *p, size_t i, uint64_t now_ns);
/* Reads its length again. True while it fills, and for as long after as the curve needs to show
 * that it is full. @rt: NULL when the process is gone. */
bool fill_look(struct fill *f, const struct py_runtime *rt, uint64_t now_ns,
	       struct verdict_bound *out);

#endif
