/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Definitions that a killed guardian has left in tracefs. They plant nothing, but each keeps its
 * file from being given up, and the mount it is on. To remove one that is open crashes the kernel
 * (uprobe_events.c), so one is removed only if all of this holds: its name is whole, and of our pid
 * namespace; pidfd_open() says that its process does not exist, and nothing else counts for that;
 * nobody has enabled it in any instance of tracing; all that twice, two seconds apart; and no other
 * copy of the tool switches anything meanwhile.
 */
#ifndef PYLEAK_PROBE_LEFTOVERS_H
#define PYLEAK_PROBE_LEFTOVERS_H

#include "base/base.h"

/* The process that made the event of @line, a row of uprobe_events, if it is one of ours and of pid
 * namespace @namespace; else 0. Its name goes to @name. */
int leftover_maker(const char *line, uint64_t namespace, char *name, size_t size);

/* By what pidfd_open() has returned, and errno: anything but a clear no is a yes. */
bool leftover_is_alive(int pidfd, int err);

struct leftovers {
	VEC(char *) names;  /* of the first look */
	uint64_t looked_ns; /* 0: there was none yet */
	bool is_done;
};

/* Looks, and two seconds later removes. To be called now and then; does no more when it is done.
 * Needs probe_prepare(). */
void leftovers_step(struct leftovers *l);
void leftovers_free(struct leftovers *l);
/* A thread that does both. */
void *leftovers_remove(void *unused);

#endif
