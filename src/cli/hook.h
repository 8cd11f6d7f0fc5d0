/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Commands of the user that run beside the tool and are never waited for. */
#ifndef PYLEAK_CLI_HOOK_H
#define PYLEAK_CLI_HOOK_H

#include "base/base.h"

#define HOOKS_AT_ONCE 8

struct hooks {
	const char *command; /* for sh -c; NULL = none */
	struct {
		int pid;
		char why[64];
	} child[HOOKS_AT_ONCE];
};

/* Start it with @env ("NAME=value", ends with NULL) added to our environment. What goes wrong is
 * said on standard error, now or when it shows. */
void hook_start(struct hooks *h, char *const *env, const char *why);
/* Collect those that have ended; the number of those that have not. */
size_t hook_reap(struct hooks *h);
/* At the end: give them a moment, then leave them to themselves. */
void hook_leave(struct hooks *h);

#endif
