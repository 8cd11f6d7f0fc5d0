/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Words for what is open. */
#ifndef PYLEAK_SESSION_FDS_PRIV_H
#define PYLEAK_SESSION_FDS_PRIV_H

#include "proc/sockets.h"
#include "report/descriptors.h"
#include "session/session_priv.h"
#include "track/fds.h"

struct session_fds {
	struct fds *fds;
	struct proc_sockets sockets; /* as last read, with an index by inode */
	struct map64 socket_index;
	uint64_t sockets_due_ns, maps_due_ns;
};

const struct proc_socket *session_socket(const struct session_fds *f, uint64_t inode);

/* What most of @things are, and all of them as types with shares. */
void fds_words(struct session *s, struct report *r, const struct fds_thing *const *things, size_t n,
	       struct report_site *site, struct report_fd_facts *facts);

#endif
