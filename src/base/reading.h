/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which reads of target memory are under way, and since when.
 *
 * A read that waits for a page holds the target's mmap_lock; a probe that is switched meanwhile
 * waits for that lock, and every fork of the host for the probe. Whoever switches probes looks here
 * first. The page is shared with processes forked after reading_share(), so that one of them still
 * knows when this process cannot answer; what a process that was killed left in it stays.
 */
#ifndef PYLEAK_READING_H
#define PYLEAK_READING_H

#include "base/base.h"

#define READING_SLOTS 256
struct reading_page {
	struct {
		/* CLOCK_MONOTONIC, good to one tick (1-10 ms); 0 = free */
		_Alignas(64) _Atomic uint64_t since_ns;
		_Atomic int tid; /* who reads; valid while since_ns is set */
	} slot[READING_SLOTS];
};

/* Maps the page: before any thread and any fork; again does nothing. Without it all works within
 * this process. Negative errno with a sentence. */
int reading_share(void);

/* Around each system call that touches memory of a target, from any thread, 10 ns together.
 * -EAGAIN, no sentence: READING_SLOTS reads are under way, and what has no stamp must not be read.
 */
int reading_begin(void);
void reading_end(int slot);

/* Age of the oldest read under way, at least 1; 0 = there is none. */
uint64_t reading_oldest_ns(void);
/* The threads whose reads are older than @age_ns, at most @max; returns how many. That one is old
 * says that it waits, or that its thread does not run: whoever asks looks at the thread. */
size_t reading_old(uint64_t age_ns, int *tid, size_t max);
const struct reading_page *reading_shared(void);

#endif
