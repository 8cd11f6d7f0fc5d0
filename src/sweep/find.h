/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds Pythons of this host by other words than their pids: once, as a sweep looks for those that
 * it watches. */
#ifndef PYLEAK_SWEEP_FIND_H
#define PYLEAK_SWEEP_FIND_H

#include "sweep/sweep.h"

struct sweep_match {
	struct proc_entry entry; /* with its start, to compare when the pid is opened later */
	char command[96];	 /* its command line, cut */
	char where[160];	 /* " in container web", "" */
	bool is_below;		 /* a descendant of another match */
};

struct sweep_found {
	VEC(struct sweep_match) match;
	size_t processes; /* processes that were looked at */
	size_t others;	  /* wanted processes that are no Python */
	char other[96];	  /* some of their names */
	char places[256]; /* names of containers or pods, if one was asked for */
	size_t unread;	  /* processes that could not be looked into; @why is of the last one */
	char why[256];
};

/* Finds Pythons by name, container, pod, cgroup, user, age and size. This process and those above
 * it are left out: the typed name is in their own command lines. */
int sweep_find(const struct sweep_opts *o, struct sweep_found *out);
void sweep_found_free(struct sweep_found *f);

/* For a pid that is no Python: writes the Pythons that may have been meant (its children, or those
 * with this pid in their pid namespace), as the end of a sentence; "": there are none. */
void sweep_meant(int pid, char *buf, size_t size);

#endif
