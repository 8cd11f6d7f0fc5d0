/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Chooses the moment for a window on a target that sleeps most of the time. A window that opens
 * while it sleeps sees the start of its next piece of work, and is closed, as its cost is limited,
 * before a long one ends: a line that leaks at the end of each request would hardly ever be seen.
 * So every other window waits until the target works, and then for a random time. One thread at a
 * time uses a struct aim. */
#ifndef PYLEAK_LEDGER_AIM_H
#define PYLEAK_LEDGER_AIM_H

#include "base/base.h"

struct aim {
	uint64_t until_ns; /* the window waits for work until then; 0 = it does not */
	uint64_t at_ns;	   /* the target works: the window opens then; 0 = not seen at work yet */
	uint64_t cpu_ns;   /* CPU time of the target at the last look */
	bool took_it;	   /* the last window that was let through was aimed */
	uint64_t usual;	   /* births of the last window, which the caller sets; 0: it ended with its
			      time */
};

/* May the window that is due at @now (clock_ns()) be opened? If not, @due becomes the time to ask
 * again: within 60 ms of the first time it may. @of_core: the part of a processor that process @pid
 * uses. Costs a system call every two milliseconds, and reads nothing of the process. */
bool aim_is_now(struct aim *a, int pid, double of_core, uint64_t now, uint64_t *random,
		uint64_t *due);

/* Number of births to leave out at the start of the last window that was let through: random and
 * below @most if it was aimed, else 0. A short piece of work is over before the probes are in, and
 * without this the window would always see the start of the next one. */
uint64_t aim_skip(const struct aim *a, uint64_t most, uint64_t *random);
/* Number of births that were left out of @skip. @now: the counter of the BPF programs, which goes
 * from @skip down to 0 or below. */
uint64_t aim_left_out(uint64_t skip, uint64_t now);

#endif
