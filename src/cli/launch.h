/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `-- CMD`: starts a program that waits until it is watched. For the main thread; 0 or a negative
 * errno with the sentence. */
#ifndef PYLEAK_CLI_LAUNCH_H
#define PYLEAK_CLI_LAUNCH_H

#include "base/base.h"

struct launch {
	int pid;	/* 0 = nothing was launched */
	int go, answer; /* ends of pipes: to begin, and for the errno of the exec */
	bool has_ended;
};

/* Forks a child that waits. Call it before signals and priorities are changed, because the program
 * inherits them. */
int launch_prepare(char **argv, struct launch *l);
/* Has the child run the program; @name is for sentences. The errno of the exec if it fails. */
int launch_go(struct launch *l, const char *name);
/* Does the launched process still run? */
bool launch_is_alive(struct launch *l);
/* Forgets the child: it ends if it was never begun, else it runs on. */
void launch_close(struct launch *l);

#endif
