/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests to stop: Ctrl-C, SIGTERM, a closed terminal, the limit of CPU time. The state is global,
 * as signals are. Any thread may ask for it. */
#ifndef PYLEAK_CLI_STOP_H
#define PYLEAK_CLI_STOP_H

#include "base/base.h"

/* Installs the handlers. The first signal asks to stop. The second ends the process at once, or
 * once the guardian has ended if that would be killed with us. Nothing stays in a target then
 * either, because probes hang at file descriptors. */
void stop_install(void);
/* Has the user asked to stop? */
bool stop_asked(void);
/* Sets the time at which the work is to end by itself; 0: never. */
void stop_at(uint64_t when_ns);
/* Is the work to end, as the user has asked to stop or its time is up? */
bool stop_is_due(void);
/* Returns the exit code of a command that failed with @err. */
int stop_code(int err);
/* From now on SIGHUP asks to read the settings again, instead of to stop. Before stop_install(). */
void stop_reload_on_hangup(void);
/* Has a SIGHUP that comes before stop_install() wait for that, as it would end us. */
void stop_hold_hangup(void);
/* Sets the descriptor that gets a byte when Ctrl-Z is about to stop this process
 * (probe_guard_alarm_fd()); -1: none. @ends_with_us: the process that a second signal waits for
 * (probe_guard_ends_with_us()); 0: none. */
void stop_alarm_to(int fd, int ends_with_us);
/* Asks to stop, as one Ctrl-C does. */
void stop_ask(void);
/* Sets @leave, which a handler calls before it stops or ends us, to give the terminal back; NULL:
 * none. */
void stop_on_leave(void (*leave)(void));
/* Has SIGCONT come since the last call? */
bool stop_was_continued(void);
bool stop_reload_asked(void); /* has SIGHUP come since the last call? */
/* Shall probes stay out? A SIGUSR1 takes all of them out of the targets, the next one puts them
 * back, so that one run can measure the cost. */
bool stop_is_paused(void);

#endif
