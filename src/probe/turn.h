/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Turns: one change of probes at a time on this host, and none while a read is under way that it
 * would wait for.
 *
 * A change takes, in the kernel, a lock that every fork of the host takes, and with it the
 * mmap_lock of every process that maps the probed file. So each one is made in a turn: under the
 * lock of all copies of the tool, when no read of any copy holds such an mmap_lock.
 */
#ifndef PYLEAK_PROBE_TURN_H
#define PYLEAK_PROBE_TURN_H

#include <stdatomic.h>

#include "base/base.h"

enum turn_kind {
	TURN_PREPARE, /* definitions, trials: nothing of them is in a target */
	TURN_IN,
	TURN_OUT,
};

struct turn {
	enum turn_kind kind;
	uint64_t code;	   /* of the file whose probes change (reading_code_of) */
	bool is_library;   /* a file that any process may map */
	bool is_planting;  /* breakpoints of a target change: the breaker counts it */
	size_t sites;	   /* that change */
	bool is_piecewise; /* with a wait after each of them */
	bool is_link;	   /* waits for the lock of forks, and behind all of them, alone */
	bool is_patient;   /* TURN_OUT: waits for as long as a read hangs */
	uint64_t serial;   /* 0: made without a turn, or none is under way */
	bool is_alone;	   /* no other copy of the tool has a turn meanwhile */
};

/*
 * Waits for the turn: 100 ms to put in, 200 ms to take out, 2 s to prepare. Then putting in is
 * refused, and the others go on without: a copy that was stopped within its turn stops nobody.
 * Reads under way are waited for, 20 ms to put in, 1 s for the others; one that hangs, for as long
 * as it takes where is_patient says so. -EAGAIN: not now. -EBUSY, -ENOTSUP: the breaker (breaker.h)
 * lets nothing in for a while, or any more. All with the sentence.
 */
int turn_take(struct turn *t);
void turn_pass(struct turn *t);
/* Has @rest called some hundred times a second while a turn that is_patient waits for a read that
 * hangs, by its thread, which holds nothing then. Before there are other threads; NULL: no more. */
void turn_while_hung(void (*rest)(void));

/* The guardian tells the tool of its turns here; shared memory. */
struct turn_news {
	_Atomic uint64_t hung_ns;  /* until then, at least, one waited for a read that hung */
	_Atomic uint32_t is_ended; /* the breaker lets nothing in any more */
	char why[256];		   /* then: the sentence */
};

/* Starts a thread that looks at turns that take long: it passes on those that only wait for the
 * kernel to forget, and it feeds the breaker. Without it there is no breaker. @comes_first: this
 * process has real-time priority. Negative errno. */
int turn_watch(struct turn_news *news, bool comes_first);

#endif
