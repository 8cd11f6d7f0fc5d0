/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every Python on this host: all are watched by what costs them nothing, those that grow are
 * probed, a few at a time, within one budget. */
#ifndef PYLEAK_SWEEP_SWEEP_H
#define PYLEAK_SWEEP_SWEEP_H

#include <regex.h>

#include "proc/list.h"
#include "report/report.h"

struct evidence;
struct probe_guard;

struct sweep_opts {
	/* which processes; NULL, -1 and 0 = all */
	const regex_t *name;   /* of the command line */
	const char *container; /* beginning of its id, or its name */
	const char *pod;       /* namespace/name, name or uid */
	const char *cgroup;    /* part of the cgroup's path */
	long uid;
	double min_age_s;
	uint64_t min_rss;
	bool keeps_leaks;	    /* of processes that have ended: they are told of to the end */
	double overhead;	    /* share of a suspect's CPU time that probing may cost */
	bool (*is_cancelled)(void); /* these three as in session_opts */
	void (*on_evidence)(void *ctx, const struct evidence *e);
	void *on_evidence_ctx;
};

struct sweep;

/* @guard: who holds the probes of suspects; NULL: this process. */
int sweep_new(const struct sweep_opts *o, struct probe_guard *guard, struct sweep **out);
void sweep_free(struct sweep *s);
/* Other processes, or the same in other words: what is known of those still wanted is kept.
 * On failure nothing has changed. */
int sweep_reselect(struct sweep *s, const struct sweep_opts *o);
/* Work for at most @max_s seconds. */
int sweep_step(struct sweep *s, double max_s);
/* Has every process been listed and read? */
bool sweep_has_round(const struct sweep *s);
/* All processes, and leaks that are kept, worst first. The report lives no longer than @s. */
int sweep_fill(struct sweep *s, struct report *r);
/* How many Pythons are watched, and how many processes that may be Pythons could not be looked at
 * so far: those of them that are there are in the report. */
size_t sweep_count(const struct sweep *s, size_t *refused);

#endif
