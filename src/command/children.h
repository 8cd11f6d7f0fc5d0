/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --children: finds processes that the watched ones start, attaches to them on a thread of its own,
 * and keeps the findings of those that have ended. */
#ifndef PYLEAK_COMMAND_CHILDREN_H
#define PYLEAK_COMMAND_CHILDREN_H

#include "report/report.h"
#include "session/session.h"

struct children;

int children_new(const struct session_opts *so, struct children **out);
/* Follows the processes that @pid starts; it has a session already. */
int children_follow(struct children *c, int pid);
/* Waits for @pid to become a Python, and follows the processes that it starts. @alone: these are
 * not wanted. */
int children_await(struct children *c, int pid, bool alone);
void children_free(struct children *c);
/* Hears of new processes, and begins to attach to the next one if it @has_room for it. Returns the
 * session of one that is attached to by now; NULL: there is none. */
struct session *children_poll(struct children *c, bool has_room);
/* Keeps the findings of a process that has ended, or is another program now. Takes the session. */
void children_end(struct children *c, struct session *s);
/* Why the last process that was refused is not watched; NULL = none was. Lives as long as @c. */
const char *children_refusal(const struct children *c);
/* Is a process being attached to? */
bool children_are_opened(const struct children *c);
/* Does a process wait to be attached to, or is one being attached to? */
bool children_expected(const struct children *c);
/* Adds to @r, which has the processes that run, those that have ended, and r->tree, which has all
 * of them as one. */
int children_fill(struct children *c, struct report *r);
/* Counts the children, by how they were met; t->merged is NULL. */
void children_count(struct children *c, struct report_tree *t);
/* Adds to @r only those that have ended. */
int children_fill_ended(struct children *c, struct report *r);

#endif
