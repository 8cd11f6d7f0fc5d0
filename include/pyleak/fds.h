/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Descriptors, threads and children: what the two halves share beyond abi.h. The kernel half only
 * says which stack opened number N last; what is still open is read from /proc by the user half.
 * So nothing has to be seen of close, close_range, exec or exit, and nothing can overflow.
 */
#ifndef PYLEAK_FDS_H
#define PYLEAK_FDS_H

#include "pyleak/abi.h"

#define PL_FD_SLOTS   32768 /* a power of two; number n lies in slot n % PL_FD_SLOTS */
#define PL_TASK_SLOTS 16384 /* a power of two; by thread id */
#define PL_FD_FNS     8	    /* functions whose arguments are needed */
#define PL_CALL_FDS   16    /* of one call; there are rarely more than two */

/* In the mmap-able array `fd_slots`. t_ns is 0 while the rest is written: read it before and after.
 */
struct pl_fd {
	__u64 t_ns; /* bpf_ktime_get_ns; 0 = empty */
	__u64 stack;
	__u64 inode;  /* i_ino of what was opened, 0 when it could not be read */
	__u64 caller; /* return address of the libc function, 0 when not known */
	__u32 fd;
	__u32 pad;
};

/* In the mmap-able array `fd_tasks`, the same way. */
struct pl_task {
	__u64 t_ns;
	__u64 stack; /* of the thread that started it */
	__u32 tid;   /* in the initial pid namespace */
	__u32 is_thread;
};

/* How a call tells what it opened, when not by its return value. */
enum pl_fd_how {
	PL_FD_PAIR = 1, /* arg points to two ints */
	PL_FD_FCNTL,	/* arg is the command: only F_DUPFD and F_DUPFD_CLOEXEC return a number */
	PL_FD_MESSAGE,	/* arg points to a struct msghdr that may bring some */
	PL_FD_DIR,	/* returns a DIR, whose first member is the number */
};

struct pl_fd_fn {
	__u64 ip; /* run-time address of the probed instruction */
	__u8 reg; /* that holds the argument there, see struct pl_site */
	__u8 how;
	__u8 pad[6];
};

/* The one entry of the mmap-able array `fd_ctl`. */
struct pl_fd_ctl {
	__u32 is_on; /* written by the user half */
	__u32 pad;
	struct pl_fd_fn fns[PL_FD_FNS];
	__u64 calls; /* entries looked at; written by the kernel half */
	__u64 opened;
	__u64 failed; /* returns without a descriptor of functions whose returns alone are probed */
	__u64 unrecorded;      /* returns of those met while it was off or asleep ... */
	__u64 unrecorded_many; /* ... and of the others: they have cost their traps */
	__u64 started;	       /* threads and children whose starter's stack was walked */
};

/* A call that has been entered and has not returned; one slot per thread. */
struct pl_fd_call {
	__u64 sp;
	__u64 arg;
	__u32 tid; /* 0 = free */
	__u32 how;
	__s32 fds[PL_CALL_FDS]; /* what it opened */
};

#endif
