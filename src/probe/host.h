/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * State that all copies of the tool on one host share, containers included: a page of stamps of the
 * reads under way (base/reading.h) and a lock around each change of probes.
 *
 * The page is a BPF map, found by its name: BPF objects know no namespaces. It lives as long as one
 * copy does. The lock is flock() on tracefs' uprobe_events, one inode for all mounts of it. A copy
 * that may do neither (no CAP_SYS_ADMIN, no tracefs) sees itself alone.
 */
#ifndef PYLEAK_PROBE_HOST_H
#define PYLEAK_PROBE_HOST_H

#include "base/reading.h"

/* Finds or makes the page and takes a row of it. Before any thread and any child, and before rights
 * are given up. What is missing is told at the level of debugging; only want of memory is an error.
 */
int host_join(void);

/* Is a read of row @row under way by a copy that lives? Our own row always is. What a copy that was
 * killed has left there is cleared. */
bool host_row_lives(struct reading_page *page, unsigned row);
/* Its first and its last step. Another copy may take the row before the last: what it has stamped
 * since the first stays. */
struct host_stamps {
	uint64_t since_ns[READING_SLOTS];
	int tid[READING_SLOTS];
};
void host_stamps_see(struct reading_row *r, struct host_stamps *seen);
void host_stamps_clear(struct reading_row *r, struct host_stamps *seen);

/* The lock. host_lock_open() once in each process that takes it, before rights are given up; a
 * child opens its own, or it would hold what its parent holds. No lock: all that follow say yes. */
void host_lock_open(void);
bool host_lock_try(void); /* false: another copy has it */
/* Until then, or until another copy that does not let it go was stopped with it: then without it.
 * One thread at a time. False: another copy has it. */
bool host_lock_wait(uint64_t until_ns);
bool host_lock_is_ours(void); /* as of the last wait */
void host_lock_drop(void);
bool host_has_lock(void); /* is there one? */

#endif
