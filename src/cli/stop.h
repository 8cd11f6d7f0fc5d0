/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Being asked to stop: Ctrl-C, SIGTERM, a closed terminal, a pipe nobody reads. */
#ifndef PYLEAK_CLI_STOP_H
#define PYLEAK_CLI_STOP_H

#include "base/base.h"

/* From now on the first signal asks, the second ends the process at once, or as soon as the
 * guardian has ended where it would be killed with us. Nothing stays in a target then either:
 * probes hang at file descriptors. */
void stop_install(void);
bool stop_asked(void);
/* The exit code of a command that failed. */
int stop_code(int err);
/* SIGHUP asks to read the settings again, instead. */
void stop_reload_on_hangup(void);
/* A byte goes there when Ctrl-Z is about to stop this process (probe_guard_alarm_fd); -1: nowhere.
 * @ends_with_us: the process (probe_guard_ends_with_us) that a second signal waits for; 0: none. */
void stop_alarm_to(int fd, int ends_with_us);
/* The same as Ctrl-C, once. */
void stop_ask(void);
/* A handler calls @leave before it stops or ends us, to give the terminal back. NULL: nothing. */
void stop_on_leave(void (*leave)(void));
/* Has SIGCONT come since the last call? */
bool stop_was_continued(void);
bool stop_reload_asked(void); /* since the last call */
/* SIGUSR1 takes every probe out of the targets, the next one puts them back: how the cost is
 * measured in one run. */
bool stop_is_paused(void);

#endif
