/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of a sweep. */
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
	struct session *session; /* its probes are in */
	uint64_t since_ns;	 /* begin of its turn */
	uint64_t looked_ns;	 /* last look at its findings */
	uint64_t rest_until_ns;	 /* no turn before this time */
	unsigned turns;
	struct report *found;	 /* what a turn found: one process */
	unsigned found_in;	 /* number of that turn, of @turns */
	uint64_t found_since_ns; /* begin of that turn */
	bool refused;		 /* no probing here: do not try again */
	char why[512];		 /* why it could not be probed last time; "" = it could */
};

struct sweep {
	struct sweep_opts o;
	struct probe_guard *guard;
	struct py_finder *finder;
	struct map64
		seen; /* identities that were looked at -> when to look again, after what wait */
	VEC(struct sweep_target *) target;
	VEC(struct report *) leak; /* leaks of processes that have ended */
	size_t refused;		   /* processes that were refused so far */
	size_t not_watched;	   /* refused ones in the last list */
	bool has_round;
	bool has_told_leaks; /* that those of some are left out */
	uint64_t why_of;     /* identity of the process that @why is of; 0 = none */
	char why[256];	     /* why it could not be watched */
	uint64_t list_due, young_due, round_due, forget_due, alive_due;
};

/* sweep_select.c */
bool sweep_wants_entry(const struct sweep_opts *o, const struct proc_entry *e);
bool sweep_wants(const struct sweep_opts *o, const struct proc *p);
/* The same; also true if a name is looked for and the process has no words yet. */
bool sweep_may_want(const struct sweep_opts *o, const struct proc *p);
/* The same for a process that cannot be opened, of which only the short name is known: that of an
 * interpreter fits any words. */
bool sweep_may_want_unopened(const struct sweep_opts *o, const struct proc_entry *e);
/* Are they one process, and one program? */
bool sweep_is_same(const struct proc_entry *a, const struct proc_entry *b);
/* Did a look at a process fail because it is no Python, has ended, or runs another program now? A
 * read that fails as if it had ended (-ESRCH) is not believed: what lives has a program. */
bool sweep_is_no_loss(const struct proc_entry *e, int err);
/* Is it in a wait that no signal ends? It may hold its mmap_lock then, and a reader of its maps
 * would wait with it, for good (W4). */
static inline bool sweep_is_stuck(int pid)
{
	struct proc_entry now;

	return proc_list_one(pid, &now) && now.is_stuck;
}
/* Has it a command line? One that is swapped out may come back. */
bool sweep_has_words(const struct proc *p);
/* Writes its words with blanks between them, cut where the buffer ends; without words its short
 * name. */
void sweep_command_line(const struct proc *p, char *buf, size_t size);

/* sweep_suspects.c: chooses who is probed, and keeps what was found. */
void suspects_choose(struct sweep *s);
/* Works on the suspects that are probed; false when there are none. */
bool suspects_step(struct sweep *s, double max_s);
/* To be called during other work: else the suspects' probes come out after two seconds. */
void suspects_keep_alive(struct sweep *s);
void suspect_end(struct sweep_target *t);
/* Clears a target of suspicion if it has stopped growing. */
void suspect_clear(struct sweep_target *t);
/* Takes a found leak out of the target of an ended process; NULL: there is none. */
struct report *suspect_take_leak(struct sweep_target *t);
int suspect_fill(struct sweep_target *t, struct report *r, struct report_process *p);

#endif
