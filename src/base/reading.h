/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which reads of target memory are under way on this host, and since when.
 *
 * A read of another process's memory or page tables holds its mmap_lock; a probe that is switched
 * meanwhile waits for that lock, and every fork of the host for the probe. So each such call is
 * stamped, whoever switches probes looks here first, and readers wait a little while somebody
 * switches. The page is shared: with processes forked after reading_share(), and with all copies of
 * the tool on this host once probe/host.c has found or made theirs.
 */
#ifndef PYLEAK_READING_H
#define PYLEAK_READING_H

#include "base/base.h"

#define READING_ROWS  32 /* copies of the tool that can share a page */
#define READING_SLOTS 64 /* reads under way at a time in one of them */

struct reading_slot {
	/* clock_coarse_ns(), the last to be set and the first to go; 0 = no read is under way */
	_Alignas(64) _Atomic uint64_t since_ns;
	/* the thread whose slot it is, as its own pid namespace numbers it; 0 = free */
	_Atomic int tid;
	/* the file that holds the target's CPython (reading_code_of(); 0 = not known) */
	_Atomic uint64_t code;
};

struct reading_row {
	_Alignas(64) _Atomic uint64_t owner; /* a random number; 0 = free */
	_Atomic uint64_t namespace;	     /* inode of the pid namespace in which ... */
	_Atomic int pid;		     /* ... the tool has this number */
	struct reading_slot slot[READING_SLOTS];
};

struct reading_page {
	/* Probes are being switched: readers wait until then at most, by clock_ns(). 0 = nobody
	 * switches. */
	_Alignas(64) _Atomic uint64_t switching_ns;
	struct reading_row row[READING_ROWS];
};

/* Maps a page of our own: before any thread and any fork; again does nothing. Without it all works
 * within this process. Negative errno with a sentence. */
int reading_share(void);
/* From here on stamps go into row @row of @page, which lives as long as this process does. */
void reading_use(struct reading_page *page, unsigned row);
struct reading_page *reading_page(void);
unsigned reading_row(void); /* ours */

/* Around each system call that takes the mmap_lock of a target, from any thread; 20 ns together.
 * Waits for 2 ms at most while probes are being switched. -EAGAIN, no sentence: READING_SLOTS reads
 * are under way, and what has no stamp must not be read. */
int reading_begin(void);
/* As reading_begin(), of a target whose CPython lies in file @code. */
int reading_begin_of(uint64_t code);
/* As reading_begin_of(), for a call that holds the lock for long (smaps, PAGEMAP_SCAN): it waits
 * for 50 ms. */
int reading_begin_walk(uint64_t code);
void reading_end(int slot);
/* In a signal handler that does not return: reads of the thread that it has interrupted do not go
 * on, and hold no lock. */
void reading_abandon(void);

/* A number for what is in file @fd: the same through every mount and container, whatever device
 * and inode those show. 0 = cannot be told. */
uint64_t reading_code_of(int fd);

/* Age of the oldest read under way in this copy of the tool, at least 1; 0 = there is none. */
uint64_t reading_oldest_ns(void);

#endif
