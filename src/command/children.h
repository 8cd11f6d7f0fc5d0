/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --children: who joins the watch and who leaves it. */
#ifndef PYLEAK_COMMAND_CHILDREN_H
#define PYLEAK_COMMAND_CHILDREN_H

#include "report/report.h"
#include "session/session.h"

struct children;

int children_new(const struct session_opts *so, struct children **out);
/* Follow what this process starts; it has a session already. */
int children_follow(struct children *c, int pid);
/* This one is to become a Python, or to start some. @alone: then no other is wanted. */
int children_await(struct children *c, int pid, bool alone);
void children_free(struct children *c);
/* Hear of newcomers. The next one that has its session now, NULL when there is none; @room: whether
 * there is a place for one more. */
struct session *children_poll(struct children *c, bool has_room);
/* The process has ended, or is another program now: what was found is kept. Takes the session. */
void children_end(struct children *c, struct session *s);
/* Why a process was not watched, the last one; NULL = there was none. It lives as long as @c. */
const char *children_refusal(const struct children *c);
/* Is one being attached to? */
bool children_are_opened(const struct children *c);
/* May there be more to watch? */
bool children_expected(const struct children *c);
/* The report has the processes that run: those that have ended come behind them, and all of them as
 * one. */
int children_fill(struct children *c, struct report *r);
/* How many there were. */
void children_count(struct children *c, struct report_tree *t);
/* Only those that have ended. */
int children_fill_ended(struct children *c, struct report *r);

#endif
