/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Commands of the user that run beside the tool and are never waited for. A process of its own
 * starts them, with the rights the user gave; the tool itself has none of them left, and may start
 * nothing. */
#ifndef PYLEAK_ALERT_HOOK_H
#define PYLEAK_ALERT_HOOK_H

#include "base/helper.h"

/* Start the starter of @command (for sh -c; NULL = none). Before the first thread. */
int hook_open(struct helper *h, const char *command);
/* Have it run with @env ("PYLEAK_NAME=value", ends with NULL) added to our environment. What goes
 * wrong is said on standard error, now or when it shows. */
void hook_start(struct helper *h, char *const *env, const char *why);
/* At the end: give running ones a moment, then leave them to themselves. */
void hook_close(struct helper *h);

#endif
