/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a session to evidence: copies of what it knows, as plain data. */
#ifndef PYLEAK_SESSION_OBSERVE_H
#define PYLEAK_SESSION_OBSERVE_H

#include "judge/evidence.h"

struct session;

/* All that is known as of s->now_ns. What goes into the report lives in @r, the rest in @scratch;
 * names of functions and types are the session's, and valid until its next step. */
int session_observe(struct session *s, struct report *r, struct report *scratch,
		    struct evidence *e);
/* fill.c: the part that is in a report as it was seen. */
int session_see(struct session *s, double run_s, struct report *r, struct report_process *p);
/* fill.c: evidence as of @now_ns, judged. Asks nothing of the process that was not known. */
int session_judge(struct session *s, uint64_t now_ns, struct report *r, struct report_process *p);

/* observe_native.c: the ways through C code of what may be told of. */
int observe_ways(struct session *s, struct report *scratch, struct evidence *e);

#endif
