/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The moment for a window on a target that sleeps most of the time. One that begins while it sleeps
 * sees how its next piece of work begins, and is closed, for what it may cost, before a long one
 * ends: the line that leaks at the end of each request would hardly ever be seen. So every other
 * window waits until the target works, and for a time by chance from there. */
#ifndef PYLEAK_LEDGER_AIM_H
#define PYLEAK_LEDGER_AIM_H

#include "base/base.h"

struct aim {
	uint64_t until_ns; /* is waited for work until then; 0 = not */
	uint64_t at_ns;	   /* works: the window is due; 0 = not seen yet */
	uint64_t cpu_ns;   /* that it had used when it was last looked at */
	bool took_it;	   /* the window that was let through last was aimed */
	uint64_t usual;	   /* births of the last window, which the caller sets; 0: it ended with the
			      time */
};

/* May the window that is due at @now be opened? Else @due becomes when to ask again: it may within
 * 60 ms of the first time. One system call each two milliseconds, nothing is read of the process
 * @pid, which uses @of_core of a processor. */
bool aim_is_now(struct aim *a, int pid, double of_core, uint64_t now, uint64_t *random,
		uint64_t *due);

/* Births to leave out at the beginning of the window that was let through last: some, by chance,
 * when it was aimed, for a short piece of work is over before the probes are in, and the window
 * sees how the next one begins. */
uint64_t aim_skip(const struct aim *a, uint64_t *random);
/* So many were, of @skip, as the programs count down to 0 or below. */
uint64_t aim_left_out(uint64_t skip, uint64_t now);

#endif
