/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Runs commands of the user beside the tool, which never waits for them. A separate process starts
 * them with the rights the user gave, because the tool itself has given its rights up and may start
 * nothing. One thread at a time. */
#ifndef PYLEAK_ALERT_HOOK_H
#define PYLEAK_ALERT_HOOK_H

#include "base/helper.h"

/* Starts the process that starts @command (for sh -c; NULL = none). Call it before the first
 * thread. 0, or a negative errno with the sentence. */
int hook_open(struct helper *h, const char *command);
/* Has the command started with @env ("PYLEAK_NAME=value", ends with NULL) added to our environment;
 * @why is the rule. A failure is told on standard error, now or when it shows. */
void hook_start(struct helper *h, char *const *env, const char *why);
/* Gives commands that still run two seconds, then leaves them to themselves. */
void hook_close(struct helper *h);

#endif
