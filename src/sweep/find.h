/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The Pythons of this host that somebody names by other words than their pids: looked for once, as
 * a sweep looks for those that it watches. */
#ifndef PYLEAK_SWEEP_FIND_H
#define PYLEAK_SWEEP_FIND_H

#include "sweep/sweep.h"

struct sweep_match {
	struct proc_entry entry; /* with its start: who opens the pid later compares */
	char command[96];	 /* its command line, cut */
	char where[160];	 /* " in container web", "" */
	bool is_below;		 /* a descendant of another match */
};

struct sweep_found {
	VEC(struct sweep_match) match;
	size_t processes; /* looked through */
	size_t others;	  /* that are wanted, and no Python */
	char other[96];	  /* some of their names */
	char places[256]; /* containers or pods that there are, when one was asked for */
	size_t unread;	  /* that could not be looked into, the last one as @why says */
	char why[256];
};

/* By name, container, pod, cgroup, user, age and size. This process and those above it have any
 * name in their command lines that was typed, and are none. */
int sweep_find(const struct sweep_opts *o, struct sweep_found *out);
void sweep_found_free(struct sweep_found *f);

/* For the pid of no Python: the Pythons that may have been meant (started by it, or of that number
 * in their own pid namespace), as the end of a sentence. "" when there are none. */
void sweep_meant(int pid, char *buf, size_t size);

#endif
