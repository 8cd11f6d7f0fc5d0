/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Measures how much of a processor a process uses. One thread at a time uses a struct busy. */
#ifndef PYLEAK_LEDGER_BUSY_H
#define PYLEAK_LEDGER_BUSY_H

#include "base/base.h"

struct busy {
	uint64_t looked_ns, cpu_ns;
	double of_core; /* smoothed over some seconds; 1 = one processor all the time */
	bool is_known;	/* of_core was measured: there were two looks */
	double used_ns; /* CPU time between the last two looks; 0 after the first */
	bool skips;	/* set by the owner: the time until the next look does not count */
};

/* Looks at process @pid at @now_ns (clock_ns()): one system call, and nothing is read of it. */
void busy_look(struct busy *b, int pid, uint64_t now_ns);
/* The part of a processor it uses, over all threads; 1 before the second look, and of a process
 * that is gone. */
double busy_of_core(const struct busy *b);

#endif
