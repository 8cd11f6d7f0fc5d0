/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The descriptors that a process has open, and its tasks: read from /proc, as of now. */
#ifndef PYLEAK_PROC_FDS_H
#define PYLEAK_PROC_FDS_H

#include "proc/proc.h"

#define PROC_MAX_FDS   (1 << 20)
#define PROC_MAX_TASKS 65536

struct proc_numbers { /* a VEC */
	int *v;
	size_t n, cap;
};

/* Open descriptors, unordered. -ESRCH when the process has ended, -EPERM. Links of one listing are
 * read through *@dir, which the caller closes. */
int proc_fds_read(const struct proc *p, struct proc_numbers *out, int *dir);
/* Where the descriptor leads: "/path", "socket:[12345]", "anon_inode:[eventpoll]". Never opens it.
 * Cut when longer; always terminated. -ENOENT when it has been closed meanwhile. */
int proc_fds_link(int dir, int fd, char *buf, size_t size);
/* The path as a process with a root of its own knows it. */
void proc_fds_as_seen(const struct proc *p, char *link);
/* The kernel's own number of what is open there (5.14+), -ENOENT when it does not tell. */
int proc_fds_inode(const struct proc *p, int fd, uint64_t *out);
/* RLIMIT_NOFILE: -ENOENT when it is unlimited or cannot be read. */
int proc_fds_limit(const struct proc *p, uint64_t *out);

/* Thread ids as seen from here, unordered. */
int proc_tasks_read(const struct proc *p, struct proc_numbers *out);
/* State letter of process @pid when it is a child of @p (its parent's pid is that of @p); else 0.
 */
char proc_child_state(const struct proc *p, int pid);

#endif
