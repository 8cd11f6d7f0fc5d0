/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of "fds". */
#ifndef PYLEAK_SESSION_FDS_PRIV_H
#define PYLEAK_SESSION_FDS_PRIV_H

#include "proc/sockets.h"
#include "report/descriptors.h"
#include "session/session_priv.h"
#include "track/fds.h"

struct fds_watch {
	struct session *s;
	struct fds *fds; /* NULL: not asked for */
	uint64_t due_ns;
	struct proc_sockets sockets; /* as last read, sorted by inode */
	uint64_t sockets_ns, sockets_due_ns, maps_due_ns;
};

const struct proc_socket *fds_socket(const struct fds_watch *f, uint64_t inode);

/* Says what most of @things are, and lists all of them as types with shares. */
void fds_words(struct fds_watch *f, struct report *r, const struct fds_thing *const *things,
	       size_t n, struct report_site *site, struct report_fd_facts *facts);

#endif
