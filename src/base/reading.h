/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stamps reads of target memory, so that others see which are under way on this host, and since
 * when.
 *
 * A read of another process's memory or page tables holds its mmap_lock. A probe that is switched
 * meanwhile waits for that lock, and every fork of the host waits for the probe. So each such call
 * is stamped, the one who switches probes looks here first, and readers wait a little while probes
 * are switched. The page is shared with processes forked after reading_share(), and with all copies
 * of the tool on this host once probe/host.c has found or made theirs.
 */
#ifndef PYLEAK_READING_H
#define PYLEAK_READING_H

#include "base/base.h"

#define READING_ROWS  32 /* copies of the tool that can share a page */
#define READING_SLOTS 64 /* reads that may be under way at a time in one of them */

struct reading_slot {
	/* clock_coarse_ns(), set last and cleared first; 0 = no read is under way */
	_Alignas(64) _Atomic uint64_t since_ns;
	/* the thread that has this slot, as numbered in its own pid namespace; 0 = free */
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
	/* by clock_ns(): until then readers wait at most, as probes are being switched; 0 = none
	 * are */
	_Alignas(64) _Atomic uint64_t switching_ns;
	struct reading_row row[READING_ROWS];
};

/* Maps a page that later children share. To be called before any thread and any fork; a second call
 * does nothing. Without it stamps are seen in this process alone. Negative errno with a sentence.
 */
int reading_share(void);
/* Makes stamps go into row @row of @page, which must live as long as this process. */
void reading_use(struct reading_page *page, unsigned row);
struct reading_page *reading_page(void);
unsigned reading_row(void); /* that of this process */

/* Stamps a read: to be called before each system call that takes the mmap_lock of a target, and
 * reading_end() after it, with the slot that is returned; from any thread, 20 ns together. Waits
 * for 2 ms at most while probes are being switched. -EAGAIN, no sentence: READING_SLOTS reads are
 * under way; without a stamp there must be no read. */
int reading_begin(void);
/* As reading_begin(), of a target whose CPython is in file @code (reading_code_of()). */
int reading_begin_of(uint64_t code);
/* As reading_begin_of(), for a call that holds the lock for long (smaps, PAGEMAP_SCAN): waits for
 * 50 ms at most. */
int reading_begin_walk(uint64_t code);
void reading_end(int slot);
/* Ends all reads of this thread, from a signal handler that does not return to them: they do not go
 * on, and hold no lock. */
void reading_abandon(void);

/* A number for the content of file @fd, which is the same through every mount and container, though
 * these show other devices and inodes. 0 = not known. */
uint64_t reading_code_of(int fd);

/* Age of the oldest read under way in this copy of the tool, at least 1; 0 = there is none. */
uint64_t reading_oldest_ns(void);

#endif
