/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Declarations that the files of a sweep share. */
#ifndef PYLEAK_SWEEP_SWEEP_PRIV_H
#define PYLEAK_SWEEP_SWEEP_PRIV_H

#include "base/map64.h"
#include "places/finder.h"
#include "session/session.h"
#include "sweep/growth.h"
#include "sweep/sweep.h"

struct sweep_target {
	struct growth *growth;
	unsigned reads;
	bool is_over;
	/* suspects only */
	struct session *session; /* probes are in */
	uint64_t since_ns;	 /* probed since */
	uint64_t looked_ns;	 /* findings were last looked at */
	uint64_t rest_until_ns;	 /* not to be probed again before */
	unsigned turns;
	struct report *found;	 /* what a turn found: one process */
	unsigned found_in;	 /* the turn that did, of @turns */
	uint64_t found_since_ns; /* it was probed since */
	bool refused;		 /* no probing here: do not try again */
	char why[512]; /* it could not be probed when that was tried last; "" = it could */
};

struct sweep {
	struct sweep_opts o;
	struct probe_guard *guard;
	struct py_finder *finder;
	struct map64
		seen; /* identities that were looked at -> when to look again, after what wait */
	VEC(struct sweep_target *) target;
	VEC(struct report *) leak; /* found in processes that have ended */
	size_t refused;		   /* so far */
	size_t not_watched;	   /* of those that were listed last */
	bool has_round;
	uint64_t why_of; /* the identity of one of these; 0 = nobody's */
	char why[256];	 /* it could not be */
	uint64_t list_due, young_due, round_due, forget_due, alive_due;
};

/* sweep_select.c */
bool sweep_wants_entry(const struct sweep_opts *o, const struct proc_entry *e);
bool sweep_wants(const struct sweep_opts *o, const struct proc *p);
/* The same, or a name is looked for, and there are no words yet to look in. */
bool sweep_may_want(const struct sweep_opts *o, const struct proc *p);
/* One that cannot be opened has a short name alone: that of an interpreter goes with any words. */
bool sweep_may_want_unopened(const struct sweep_opts *o, const struct proc_entry *e);
/* Does it have a command line? One that is swapped out may come back. */
bool sweep_has_words(const struct proc *p);
/* Its words with blanks between them, cut where the buffer ends; without any its short name. */
void sweep_command_line(const struct proc *p, char *buf, size_t size);

/* sweep_suspects.c: who is probed, and what was found. */
void suspects_choose(struct sweep *s);
/* Work on those that are probed now; false when there are none. */
bool suspects_step(struct sweep *s, double max_s);
/* While there is other work: else their probes come out after two seconds. */
void suspects_keep_alive(struct sweep *s);
void suspect_end(struct sweep_target *t);
/* A target that has stopped growing since is no suspect any more. */
void suspect_clear(struct sweep_target *t);
/* Takes the leak that was found out of the target of a process that has ended; NULL: none was. */
struct report *suspect_take_leak(struct sweep_target *t);
int suspect_fill(struct sweep_target *t, struct report *r, struct report_process *p);

#endif
