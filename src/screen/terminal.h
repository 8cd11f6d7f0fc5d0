/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keeps the terminal usable whatever becomes of this process. A separate process, pyleak-screen,
 * knows how the terminal was set, and sets it so again when we have ended without doing that, even
 * by SIGKILL. One per process.
 */
#ifndef PYLEAK_SCREEN_TERMINAL_H
#define PYLEAK_SCREEN_TERMINAL_H

#include "base/base.h"

/* Are standard input and output the same terminal, can it be painted on, and are we in its
 * foreground? */
bool terminal_is_usable(void);
/* Keeps how the terminal is set, and starts the process. @confine gives up the rights of that
 * process; NULL: it keeps them. Call it before the first thread and after all other helpers are
 * started. 0, or a negative errno with the sentence. */
int terminal_keep(int (*confine)(void));
/* The terminal is painted on from now on, for the first time or after it was left. */
void terminal_enter(void);
/* Sets the terminal as it was. A signal handler may call this, and more than once. */
void terminal_leave(void);
/* Another program has set the terminal: terminal_enter() is needed again. */
void terminal_lost(void);
bool terminal_is_entered(void);
bool terminal_is_ours(void); /* are we in the foreground? */
/* Leaves the terminal for good, and ends pyleak-screen. */
void terminal_release(void);

#endif
