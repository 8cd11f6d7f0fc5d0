/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens and closes sessions on a thread of its own. Both wait for the kernel, half a second and
 * more, and sessions that run must not stand still meanwhile. All functions are for the thread that
 * steps them. */
#ifndef PYLEAK_CLI_OPENER_H
#define PYLEAK_CLI_OPENER_H

#include "session/session.h"
#include "track/tree.h"

struct opener;

struct opened {
	struct tree_child child;
	struct session *session; /* NULL: it was refused */
	char why[256];		 /* the sentence, if it was refused */
};

/* Starts the thread. 0 or a negative errno with the sentence. */
int opener_new(struct opener **out);
/* Waits until all sessions are closed, then ends the thread. */
void opener_free(struct opener *o);
/* Is a session being opened, or opened and not taken? Then no other may be asked for. */
bool opener_is_busy(struct opener *o);
/* Asks for a session on @child; copies @child and @so. */
void opener_ask(struct opener *o, const struct tree_child *child, const struct session_opts *so);
/* Takes the session that was opened, or refused. False: there is none yet. */
bool opener_take(struct opener *o, struct opened *out);
/* Takes @s, and has it closed. */
void opener_close(struct opener *o, struct session *s);

#endif
