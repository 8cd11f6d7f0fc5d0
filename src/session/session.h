/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One watched process, from attach to final report: drives probes, heap readings and the ladder,
 * and fills the report from what they found. */
#ifndef PYLEAK_SESSION_H
#define PYLEAK_SESSION_H

#include "alert/alert.h"
#include "report/report.h"

struct evidence;
struct heap_census;
struct probe_guard;

#define SESSION_PAUSE_S 0.005 /* for max_pause_s, when nobody says */

struct session_opts {
	unsigned top;
	double older_s;		     /* count only what is at least this old */
	uint64_t min_size, max_size; /* bytes */
	bool native_stacks;	     /* unwind the callers of allocators */
	double overhead;	     /* share of the target's CPU time: 0.03 */
	double max_pause_s;	     /* that one window should make it wait */
	double wait_s;		     /* that the final report waits for answers, all together */
	bool fds;		     /* descriptors, threads, children too */
	bool is_told_later;	     /* reports are kept, and told when the process is older */
	bool sources;		     /* the text of source lines: for who shows it */
	bool (*is_cancelled)(void);  /* asked between the steps of session_open; may be NULL */
	/* For a child: memory that was alive when it was started is its parent's; what it has
	 * gained since is its own, also before we came. NULL: the run begins with us. Used by
	 * session_open alone. */
	const struct heap_census *inherited;
	struct probe_guard *guard; /* who holds the probes; NULL: this process */
	/* Told of all that a judgement rests on, each time, by the thread that fills reports and
	 * steps the session; NULL: nobody. */
	void (*on_evidence)(void *ctx, const struct evidence *e);
	void *on_evidence_ctx;
	uint64_t start_ticks; /* refuse the process when it is not this one; 0 = any */
};

struct session;

/* Find the Python in @pid, choose probes, load. A sentence on failure, -ECANCELED when that was
 * wished. */
int session_open(int pid, const struct session_opts *o, struct session **out);
/* The heartbeat, of each step too. Where it has failed, probes are out and come in again: a tenth
 * of a second. */
void session_beat(struct session *s);
/* Its time begins. Once, before all below but session_close(): of several, when the last is open.
 */
void session_start(struct session *s);
/* Detach everything and free. Nothing stays in the target or the kernel. */
void session_close(struct session *s);

/* Work for at most @max_s seconds. 0 = go on, 1 = the target has ended or exec'ed; a negative errno
 * when watching cannot go on. Returns early when a signal arrives. */
int session_step(struct session *s, double max_s);
/* We work, though not on this one: else its probes come out after two seconds without a step. */
void session_keep_alive(struct session *s);
/* Why session_step returned 1. */
const char *session_end_reason(const struct session *s);
/* Title for the first line: "python3, CPython 3.11.2". Lives as long as the session. */
const char *session_title(const struct session *s);
/* As of @now_ns, which is not before the last step: the same for all of a report, however long it
 * takes to find out what holds the survivors of each. From then on the final one waits. */
int session_fill(struct session *s, uint64_t now_ns, struct report *r, struct report_process *p);
/* The metrics of the process now: cheap, for alert rules. */
void session_metrics(const struct session *s, struct metrics *out);
const char *session_comm(const struct session *s);
int session_pid(const struct session *s);
/* Take every probe out of the target, or put back what the mode wants (for measurements). */
void session_pause(struct session *s, bool pause);

#endif
