/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Descriptors, threads and children of the watched process: the job, and their part of the report.
 */
#ifndef PYLEAK_SESSION_FDS_H
#define PYLEAK_SESSION_FDS_H

#include "judge/evidence.h"

struct session;

struct pyleak_bpf;
struct map64;
struct session_fds;

struct session_fds *session_fds_new(void);
/* What does not work ends up as a note. */
int session_fds_open(struct session *s);
void session_fds_close(struct session *s);
/* One look, and the plan for the next. */
void session_fds_look(struct session *s, uint64_t now_ns);
void session_fds_pause(struct session *s, bool pause);
void session_fds_keep_stacks(const struct session *s, struct map64 *keep);
/* Totals, and what each line has open, into @e; words live in @r. */
int session_fds_observe(struct session *s, struct report *r, struct evidence *e);

#endif
