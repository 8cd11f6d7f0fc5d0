/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Watches every Python on this host by means that cost them nothing; those that grow are probed, a
 * few at a time, within one budget. */
#ifndef PYLEAK_SWEEP_SWEEP_H
#define PYLEAK_SWEEP_SWEEP_H

#include <regex.h>

#include "proc/list.h"
#include "report/report.h"

struct evidence;
struct probe_guard;

struct sweep_opts {
	/* which processes are wanted; NULL, -1 and 0 = all */
	const regex_t *name;   /* of the command line */
	const char *container; /* beginning of its id, or its name */
	const char *pod;       /* namespace/name, name or uid */
	const char *cgroup;    /* part of the cgroup's path */
	long uid;
	double min_age_s;
	uint64_t min_rss;
	bool keeps_leaks;	    /* leaks of ended processes are told to the end */
	double overhead;	    /* share of a suspect's CPU time that probing may cost */
	bool (*is_cancelled)(void); /* these three: as in session_opts */
	void (*on_evidence)(void *ctx, const struct evidence *e);
	void *on_evidence_ctx;
};

struct sweep;

/* @guard: the process that holds the probes of suspects; NULL: this one. */
int sweep_new(const struct sweep_opts *o, struct probe_guard *guard, struct sweep **out);
void sweep_free(struct sweep *s);
/* Selects other processes; what is known of those that are still wanted is kept. Changes nothing on
 * failure. */
int sweep_reselect(struct sweep *s, const struct sweep_opts *o);
/* Works for some @max_s seconds; a list of all processes, and beginning to probe one, may take
 * longer. */
int sweep_step(struct sweep *s, double max_s);
/* Has every process been listed and read? */
bool sweep_has_round(const struct sweep *s);
/* Fills in all processes, and the leaks that are kept, worst first. The report lives no longer than
 * @s. */
int sweep_fill(struct sweep *s, struct report *r);
/* Pythons that are watched. @refused: processes that may be Pythons and could not be looked at so
 * far; those that still exist are in the report. */
size_t sweep_count(const struct sweep *s, size_t *refused);

#endif
