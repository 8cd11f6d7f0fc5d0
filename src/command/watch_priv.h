/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of `watch`. */
#ifndef PYLEAK_COMMAND_WATCH_PRIV_H
#define PYLEAK_COMMAND_WATCH_PRIV_H

#include "alert/alerts.h"
#include "command/children.h"
#include "cli/launch.h"
#include "cli/outputs.h"
#include "command/on_screen.h"
#include "command/record.h"
#include "command/watch_opts.h"
#include "report/baseline.h"
#include "session/session.h"

struct watch_target {
	int pid;
	struct session *session; /* NULL: it has ended, and its place is free for a child */
	bool is_over, is_child;
};

struct watch {
	struct watch_opts o;
	struct watch_target target[OPTS_MAX_PIDS];
	size_t n, n_over;
	uint64_t start_ns;
	double started_at;
	bool is_crowded;	   /* many more tasks than processors wanted to run at the start */
	bool has_failed;	   /* a session could not go on */
	bool is_unread;		   /* nobody reads standard output any more */
	bool is_stdout_taken;	   /* no text is printed (outputs_want_text()) */
	bool has_leak;		   /* the final report has the verdict leak */
	struct children *children; /* NULL: children are not followed */
	struct launch launch;
	struct probe_guard *guard;
	struct alerts alerts;
	struct baseline baseline;
	struct outputs outputs;
	struct record record;
	uint64_t counted_ns; /* when children were last counted for .record */
	struct on_screen on;
};

static inline double watch_elapsed_s(const struct watch *w)
{
	return (double)(clock_ns() - w->start_ns) / 1e9;
}

/* Adds the pid to the sentence of an error, if it has no such number. Returns @err. */
int watch_name_target(int err, int pid);
/* Prints a report; the final one goes to all files, too. */
int watch_report(struct watch *w, bool final);
int watch_read_baseline(struct watch *w);
/* Begins what the last report waits for, when its time is near: it is there by then. */
void watch_near_end(const struct watch *w);
/* Adds the number of children to the recording now and then, so that reports of any moment can tell
 * of all processes as one. */
void watch_count_children(struct watch *w);

#endif
