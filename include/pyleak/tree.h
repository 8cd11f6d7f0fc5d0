/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel half tells this of a tree of processes: who was started by whom, who became another
 * program, who has ended. */
#ifndef PYLEAK_TREE_H
#define PYLEAK_TREE_H

#include <linux/types.h>

#define PL_TREE_SIZE	   16384 /* processes of the watched trees, alive at once */
#define PL_TREE_RING_BYTES (256 << 10)

enum pl_tree_what { PL_TREE_FORK = 1, PL_TREE_EXEC, PL_TREE_EXIT };

struct pl_tree_event {
	__u64 t_ns; /* CLOCK_MONOTONIC */
	__u32 pid;  /* in the namespace of the user half, as all here */
	__u32 ppid; /* fork: who started it */
	__u32 what; /* enum pl_tree_what */
	__u32 pad;
};

/* Counters (mmap-able array of one). */
struct pl_tree_stats {
	__u64 forks;
	__u64 lost; /* events that did not fit the ring, processes that did not fit the table */
};

#endif
