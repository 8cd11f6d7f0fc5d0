/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A container that the survivors of a site hang on: has it a bound, is it still being filled? */
#ifndef PYLEAK_SESSION_FILLS_H
#define PYLEAK_SESSION_FILLS_H

#include "heap/why.h"
#include "py/py.h"
#include "report/verdict.h"

struct fill {
	uint64_t addr; /* of the container; 0 = there is none */
	uint64_t most; /* 0 = no bound is known */
	bool enforced;
	char name[48];		  /* of the bound */
	char what[64];		  /* "deque" */
	uint64_t first, first_ns; /* entries, when it was first looked at */
	uint64_t last, last_ns;	  /* entries, when it was last read */
	uint64_t full_ns;	  /* 0 = it is not full */
	uint64_t calm, calm_ns;	  /* entries, and since when it has hardly had more than those */
};

/* The container of step @i of a path. What is known of it stays when it is the same as before.
 * @bounds: may a bound of it say anything? */
void fill_found(struct fill *f, const struct why_path *p, size_t i, bool bounds, uint64_t now_ns);
/* Reads its length again; @rt: NULL when the process is gone. */
void fill_look(struct fill *f, const struct py_runtime *rt, uint64_t now_ns);
/* As last read: true while what has a bound fills, and for as long after as the curve needs to show
 * that it is full. */
bool fill_is_filling(const struct fill *f, struct verdict_bound *out);
/* It has hardly grown for so many seconds, which growth by @per_s would have shown; 0 = it may
 * have. */
double fill_rests_s(const struct fill *f, double per_s);
/* The same, seen by @came objects that went into it since fill.calm_ns and stayed. */
bool fill_replaces(const struct fill *f, double came);

#endif
