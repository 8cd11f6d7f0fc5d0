/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* State that all sources share: who is watched, by which means, and since when. Each source keeps
 * its own state to itself (source.h). */
#ifndef PYLEAK_SESSION_PRIV_H
#define PYLEAK_SESSION_PRIV_H

#include "base/map64.h"
#include "heap/heap.h"
#include "ledger/ledger.h"
#include "lines/lines.h"
#include "places/birthplaces.h"
#include "session/kern.h"
#include "session/session.h"
#include "session/source.h"
#include "track/names.h"
#include "stacks/stacks.h"

struct session_times { /* CLOCK_MONOTONIC */
	uint64_t start_ns, end_ns;
	uint64_t paused_at_ns;
	uint64_t looked_ns; /* when it was last looked in full whether the target is still there */
	/* when trends begin: start_ns, or the inherited census; how long the target was stopped */
	uint64_t origin_ns, stopped_ns;
	bool is_stopped;
};

#define SESSION_NOTES 16

struct session_notes {
	char *v[SESSION_NOTES];
	size_t n;
	size_t left_out; /* of the middle, for newer ones */
};

struct source {
	const struct source_ops *ops;
	void *self;
	uint64_t due_ns; /* 0 = not planned */
};

struct session_sources {
	struct source v[SOURCES_N];
	size_t n; /* sources in .v; those with .self NULL are opened later */
	uint64_t trimmed_ns;
};

struct session {
	struct session_opts o;
	char title[160];
	char end_reason[160];
	const char *goes_on; /* says how the target goes on unwatched; NULL: it does not */
	bool is_settled;     /* the last verdict is leak: watching on may cost less */
	struct session_notes notes;
	struct session_times time;
	bool paused, ended, asked_to_pause, is_traced;

	struct proc *proc;
	struct py_runtime *rt;
	struct heap *heap;
	struct stacks *stacks;
	struct names *names;
	struct lines lines;
	struct kern kern;
	struct sites *sites;
	struct ledger ledger;

	struct session_sources sources;
	/* the sources that others ask */
	struct pools *pools;
	struct memory *memory;
	struct survivors *survivors;
	struct blocks *blocks;
	struct holders *holders;
	const struct birthplaces *places;
	struct census_worker *types;
};

/* sources.c */

/* Adds a note, once, however often it is said. */
void session_note(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The time of the trends: without that in which the target was stopped, or it would look level. */
double session_ran_s(const struct session *s, uint64_t now_ns);
void session_drain(struct session *s); /* reads all that waits in the rings */
/* Makes the kernel half tell stale stacks anew when they are seen again. Before a window. */
void session_forget_stale(struct session *s);
/* Pauses while a debugger has the target. */
void session_see_tracer(struct session *s, bool is_traced);
/* Makes the source @self run at @when_ns, if not before. */
void session_wake(struct session *s, const void *self, uint64_t when_ns);

/* Has the guardian ended? Its probes have gone then, and none can be set any more. */
bool session_guard_ended(const struct session *s);

/* To be asked between the steps of opening, as the kernel may take seconds over a probe where
 * others are set at the same time. 0, or -ECANCELED if it is cancelled. */
int session_go_on(const struct session *s);
int sources_open(struct session *s);
void sources_close(struct session *s);
void sources_start(struct session *s, uint64_t now_ns);
/* When the first source must run at the latest; @limit if none must before. */
uint64_t sources_due(struct session *s, uint64_t limit);
void sources_run(struct session *s); /* runs those that are due */
void sources_pause(struct session *s, bool on);
int sources_observe(struct session *s, const struct observation *to);

/* observe.c */

/* Collects the evidence as of to->now_ns, which is set to the target's end if it has ended, and
 * judges it. to->r and to->scratch are the caller's; to->e is set, and lives in the latter. Names
 * of functions and types are the session's, and valid until its next step. */
int session_judge(struct session *s, struct observation *to, struct report_process *p);
/* Replaces the notes in @p by those there are by now. */
void session_see_notes(const struct session *s, struct report *r, struct report_process *p);
/* Judges once more, after something was added to @e. */
int session_judge_again(struct session *s, const struct evidence *e, struct report *r,
			struct report_process *p);

/* Makes PL_MAX_FRAMES report frames of a Python stack, at most. Returns their number. Texts are the
 * session's, and valid until its next step. */
size_t frames_name(struct session *s, const struct stack *st, struct report_frame *out);

/* census_worker.c: copies the names of at most @max types whose objects become more from census to
 * census, those with most bytes first. Returns how many. @w may be NULL. */
#define TYPES_NAME 160
size_t types_growing(struct census_worker *w, char (*name)[TYPES_NAME], size_t max);

#endif
