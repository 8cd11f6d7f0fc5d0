/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sessions opened and closed on a thread of its own: both wait for the kernel, half a second and
 * more, and those that run already must not stand still meanwhile. */
#ifndef PYLEAK_CLI_OPENER_H
#define PYLEAK_CLI_OPENER_H

#include "session/session.h"
#include "track/tree.h"

struct opener;

struct opened {
	struct tree_child child;
	struct session *session; /* NULL: refused */
	char why[256];
};

int opener_new(struct opener **out);
/* Waits until everything is closed. */
void opener_free(struct opener *o);
/* One at a time: not while opener_is_busy. */
bool opener_is_busy(struct opener *o);
void opener_ask(struct opener *o, const struct tree_child *child, const struct session_opts *so);
/* Has it been opened, or refused? */
bool opener_take(struct opener *o, struct opened *out);
void opener_close(struct opener *o, struct session *s);

#endif
