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

#define SESSION_PAUSE_S 0.005 /* default of max_pause_s */

struct session_opts {
	unsigned top;
	double older_s;		     /* count only what is at least this old */
	uint64_t min_size, max_size; /* bytes */
	bool native_stacks;	     /* unwind the callers of allocators */
	double overhead;	     /* share of the target's CPU time: 0.03 */
	double max_pause_s; /* one window should keep the target waiting for so long at most */
	double wait_s;	    /* the final report waits for so long for all answers together */
	bool fds;	    /* watch descriptors, threads, children too */
	bool is_told_later; /* reports are kept, and shown when the process is older */
	bool sources;	    /* add the text of source lines to reports */
	/* Asked between the steps of session_open(), and while a window is open; may be NULL. */
	bool (*is_cancelled)(void);
	/* The heap that a child had when it was started: growth counts from there, also from before
	 * the attach. NULL: from session_start() on. Used by session_open() alone. */
	const struct heap_census *inherited;
	struct probe_guard *guard; /* holds the probes; NULL: this process does */
	/* Called with the evidence of each judgement, on the thread that steps the session and
	 * fills reports; NULL: nobody. */
	void (*on_evidence)(void *ctx, const struct evidence *e);
	void *on_evidence_ctx;
	uint64_t start_ticks; /* refuse a process that was started at another time; 0 = any */
};

struct session;

/* Finds the Python in @pid, chooses how probes are placed, loads the kernel half. A negative errno
 * with a sentence on failure; -ECANCELED if is_cancelled() says so. */
int session_open(int pid, const struct session_opts *o, struct session **out);
/* Gives a heartbeat, as each step does. If none came for so long that probes were taken out, it
 * puts them in again: a tenth of a second. */
void session_beat(struct session *s);
/* Begins its time. Once, before all below but session_close(); with several sessions, when the last
 * is open. */
void session_start(struct session *s);
/* Called for several before they are closed, lets their probes go out together. NULL is fine. */
void session_hang_up(struct session *s);
/* Detaches everything and frees. The guardian may be at it for some tenths of a second more. */
void session_close(struct session *s);

/* Works for at most @max_s seconds. 0 = go on, 1 = the target has ended or exec'ed; a negative
 * errno when watching cannot go on. Returns early when a signal arrives. */
int session_step(struct session *s, double max_s);
/* Gives a heartbeat while the tool works on others: after two seconds without, probes come out. */
void session_keep_alive(struct session *s);
/* Why session_step returned 1. */
const char *session_end_reason(const struct session *s);
/* Title for the first line: "python3, CPython 3.11.2". Lives as long as the session. */
const char *session_title(const struct session *s);
/* Begins what the last report waits for: of all its processes at one time, or some time before. */
void session_ask_last(struct session *s);
/* Fills a report as of @now_ns, which must not be before the last step: the same moment for all
 * processes of a report, however long answers take. The final one waits for wait_s from then on. */
int session_fill(struct session *s, uint64_t now_ns, struct report *r, struct report_process *p);
/* The metrics of the process now: cheap, for alert rules. */
void session_metrics(const struct session *s, struct metrics *out);
const char *session_comm(const struct session *s);
int session_pid(const struct session *s);
/* Takes every probe out of the target, or puts back those that the mode wants. */
void session_pause(struct session *s, bool pause);

#endif
