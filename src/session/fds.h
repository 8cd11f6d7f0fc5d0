/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Descriptors, threads and children of the watched process: the job, and their part of the report.
 */
#ifndef PYLEAK_SESSION_FDS_H
#define PYLEAK_SESSION_FDS_H

#include "report/report.h"

struct session;

struct pyleak_bpf;
struct map64;
struct session_fds;

struct session_fds *session_fds_new(void);
/* Before and after the load of the kernel half. What does not work ends up as a note. */
void session_fds_prepare(struct session *s);
int session_fds_open(struct session *s);
void session_fds_close(struct session *s);
/* One look, and the plan for the next. */
void session_fds_look(struct session *s, uint64_t now_ns);
void session_fds_pause(struct session *s, bool pause);
double session_fds_spent_ns(const struct session *s);
void session_fds_keep_stacks(const struct session *s, struct map64 *keep);
/* Totals, and the sites that grow, behind those that are there. */
int session_fds_fill(struct session *s, struct report *r, struct report_process *p, double run_s);

#endif
