/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `-- CMD`: a program that waits to be begun until somebody watches. */
#ifndef PYLEAK_CLI_LAUNCH_H
#define PYLEAK_CLI_LAUNCH_H

#include "base/base.h"

struct launch {
	int pid; /* 0 = nothing was launched */
	int go, answer;
	bool has_ended;
};

/* A process that is us still, and waits: before signals and priorities are touched. */
int launch_prepare(char **argv, struct launch *l);
/* Begin. The errno of a program that cannot be started. */
int launch_go(struct launch *l, const char *name);
bool launch_is_alive(struct launch *l);
/* Forget it: one that was never begun ends, one that was runs on. */
void launch_close(struct launch *l);

#endif
