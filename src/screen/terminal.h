/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The terminal is whole again whatever becomes of us. What it was like is known to a process of its
 * own, pyleak-screen: it puts that back when we are gone without having done so, by SIGKILL too.
 * One per process.
 */
#ifndef PYLEAK_SCREEN_TERMINAL_H
#define PYLEAK_SCREEN_TERMINAL_H

#include "base/base.h"

/* Are standard input and output one terminal that is known, is ours at the moment, and can be
 * painted on? */
bool terminal_is_usable(void);
/* Remember what it is like, start the process. @confine: what that one gives up first; NULL =
 * nothing. Before the first thread, and after all other helpers. */
int terminal_keep(int (*confine)(void));
/* It is painted on from now on; again after it was left. */
void terminal_enter(void);
/* As it was. May be called by a signal handler, and more than once. */
void terminal_leave(void);
/* Somebody has set it, and may have written on it: it is to be entered again. */
void terminal_lost(void);
bool terminal_is_entered(void);
bool terminal_is_ours(void); /* we are not in the background */
/* Left for good. */
void terminal_release(void);

#endif
