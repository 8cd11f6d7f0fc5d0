/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The moment for a window on a target that sleeps most of the time. One that begins while it sleeps
 * sees how its next piece of work begins, and is closed, for what it may cost, before a long one
 * ends: the line that leaks at the end of each request would hardly ever be seen. So every other
 * window waits until the target works, and for a time by chance from there; and where a piece of
 * work has more births than a window can pay for, it leaves some of them out. */
#ifndef PYLEAK_LEDGER_AIM_H
#define PYLEAK_LEDGER_AIM_H

#include "base/base.h"

struct aim {
	uint64_t until_ns; /* is waited for work until then; 0 = not */
	uint64_t at_ns;	   /* works: the window is due; 0 = not seen yet */
	uint64_t cpu_ns;   /* that it had used when it was last looked at */
	bool took_it;	   /* the window that was let through last was aimed */
	double piece;	   /* births of a piece of work, as far as is known */
	uint64_t births;   /* in the window that is open, those left out too */
	uint64_t born_ns;  /* when their number was seen to change */
	bool is_over;	   /* the first piece of work that the window saw */
};

/* May the window that is due at @now be opened? Else @due becomes when to ask again: it may within
 * 60 ms of the first time. One system call each two milliseconds, nothing is read of the process
 * @pid, which uses @of_core of a processor. */
bool aim_is_now(struct aim *a, int pid, double of_core, uint64_t now, uint64_t *random,
		uint64_t *due);

/* Births to leave out at the beginning of the window that was let through last, which can pay for
 * @affords: some, by chance, when it was aimed. A short piece of work is over before the probes are
 * in, and the window sees how the next one begins, however often. */
uint64_t aim_skip(const struct aim *a, double affords, uint64_t *random);
/* Now and then while a window is open: so many births came since, those left out too. */
void aim_watch(struct aim *a, uint64_t births, uint64_t now);
void aim_closed(struct aim *a);
/* So many were, of @skip, as the programs count down to 0 or below. */
uint64_t aim_left_out(uint64_t skip, uint64_t now);

#endif
