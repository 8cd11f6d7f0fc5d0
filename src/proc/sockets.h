/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The peers of a process's sockets, from the tables of its network namespace. */
#ifndef PYLEAK_PROC_SOCKETS_H
#define PYLEAK_PROC_SOCKETS_H

#include "base/map64.h"
#include "proc/proc.h"

struct proc_socket {
	uint64_t inode;
	const char *protocol; /* "tcp", "udp", "unix" */
	char local[64],
		peer[64]; /* "127.0.0.1:80", "[::1]:80"; "" when there is none; unix: the path */
	uint16_t local_port, peer_port;
	bool is_listening;
	bool is_accepted;  /* somebody listens at its local port */
	bool is_abandoned; /* the other side has closed, ours has not: CLOSE_WAIT */
};

struct proc_sockets { /* a VEC */
	struct proc_socket *v;
	size_t n, cap;
};

/* Those of @inodes that are in a table. A socket that is neither bound nor connected is in none. */
int proc_sockets_find(const struct proc *p, const struct map64 *inodes, struct proc_sockets *out);
/* Has it a socket that others connect to, among its first 1,024 descriptors? Not known is no. */
bool proc_listens(const struct proc *p);

#endif
