/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers of processes. The kernel half meets those of the initial pid namespace, the user half
 * those of its own, which may be another: a container's. */
#ifndef PYLEAK_PIDS_H
#define PYLEAK_PIDS_H

#include <linux/types.h>

struct pl_pids {
	__u32 tgid;  /* of the process that was asked about, in the initial namespace */
	__u32 level; /* of our namespace: 0 = it is the initial one */
	__u32 ns;    /* and its inode */
	__u32 here;  /* the number of that process in it; 0 = it has none */
};

#endif
