/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How much of a processor a process uses. */
#ifndef PYLEAK_LEDGER_BUSY_H
#define PYLEAK_LEDGER_BUSY_H

#include "base/base.h"

struct busy {
	uint64_t looked_ns, cpu_ns;
	double of_core; /* smoothed over some seconds; 1 = one processor all the time */
	bool is_known;	/* it has been looked at twice */
	double used_ns; /* of CPU time between the last two looks; 0 after the first */
	bool skips;	/* the time until the next look does not count */
};

/* Bring it up to date: one system call, nothing is read of the process. Until it has been called
 * twice, and of a process that is gone, it is taken to use a whole one. */
void busy_look(struct busy *b, int pid, uint64_t now_ns);
double busy_of_core(const struct busy *b);

#endif
