/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The state of a session, shared by the files of this room. */
#ifndef PYLEAK_SESSION_PRIV_H
#define PYLEAK_SESSION_PRIV_H

#include "base/map64.h"
#include "base/trend.h"
#include "heap/heap.h"
#include "judge/coverage.h"
#include "memory/memwatch.h"
#include "memory/parts.h"
#include "session/kern.h"
#include "session/native_stacks.h"
#include "session/session.h"
#include "session/sites.h"
#include "track/ladder.h"
#include "track/ledger.h"
#include "track/names.h"
#include "track/native.h"
#include "track/stacks.h"

struct census_worker;
struct session_fds;
struct holders;

enum births_mode {
	BIRTHS_OFF,    /* no birth engine for this build: only native blocks */
	BIRTHS_BURSTS, /* short windows, as the budget allows */
	BIRTHS_ALWAYS, /* the rate fits the budget: every birth is seen */
};

#define SESSION_NOTES  16
#define SESSION_SERIES 512

/* Series of the memory trend. */
enum {
	TREND_RSS,
	TREND_LIVE,   /* live blocks of the pools */
	TREND_MALLOC, /* anonymous memory that is no pool */
	TREND_SERIES
};

struct session_times { /* when each job is due, CLOCK_MONOTONIC; 0 = not planned */
	uint64_t burst, climb, census, memory, native, poll, modules, fds, look;
};

struct focus_pair {
	uint64_t type;
	uint16_t site;
};

/* The few sites where objects of growing size classes are born (focus.c). */
struct session_focus {
	struct map64 mask;  /* type -> bits of the classes its bodies were seen in */
	struct map64 known; /* (type, site) -> seen */
	VEC(struct focus_pair) pairs;
	uint32_t births[PL_MAX_SITES]; /* per site, in windows with all sites */
	uint64_t classes;	       /* bits: what the sets were made for; 0 = no focus */
	bool want[PL_MAX_SITES];       /* the sites of the sets */
	uint32_t first_burst;	       /* of the sets' windows */
	uint64_t made_ns;	       /* when the sets were */
	uint64_t looked_ns;	       /* when the choice was last looked at */
	struct probe_set *set[SITES_FILES];
	size_t n_sites;
	unsigned turn; /* windows since the last one with all sites */
};

/* When births are seen (bursts.c). */
struct session_windows {
	enum births_mode mode;
	uint32_t bursts;
	unsigned refusals; /* in a row that could not be opened */
	uint64_t random;
	uint64_t on_ns, overruns;
	struct coverage watched;
	uint64_t last_seen; /* BIRTHS_ALWAYS: births looked at so far */
	uint64_t polled, polled_ns, look_due;
	uint64_t looked_ns;		   /* BIRTHS_ALWAYS: when births were last looked at */
	uint64_t always_since, not_before; /* retry permanent attachment no earlier */
	double backoff_s;
	struct session_focus focus;
	bool focused; /* the probes that are in, or go in next, are those of the focus */
};

/* What is read of the process in turn, and how it moves (jobs.c). */
struct session_readings {
	uint64_t origin_ns; /* of the trends: the start, or when it was inherited */
	struct trend_set *classes, *memory;
	bool malloc_grows; /* as of fitted_ns */
	uint64_t fitted_ns;
	struct heap_census census;
	uint64_t census_ns; /* when it was read */
	uint64_t torn;
	struct proc_memory mem;
	uint64_t memory_ns, stopped_ns; /* last looked at; how long the target stood still */
	struct report_series series[SESSION_SERIES];
	size_t n_series;
	uint64_t series_step;
	uint64_t collections; /* as last read */
	uint64_t climb_after; /* no climb before: what it costs us is bounded */
};

struct session {
	struct session_opts o;
	char title[160];
	char end_reason[160];
	char *note[SESSION_NOTES];
	size_t n_notes;
	bool paused, ended;
	uint64_t start_ns, now_ns, end_ns;
	uint64_t paused_at_ns, paused_ns; /* since when, and for how long in all */
	uint64_t whole_look_ns;		  /* at whether the target is still there */
	struct session_times due;

	struct proc *proc;
	struct py_runtime *rt;
	struct heap *heap;

	struct kern kern;
	struct sites *sites;
	uint64_t trimmed_ns; /* stacks last forgotten */
	struct session_windows windows;
	struct ledger ledger;
	struct stacks *stacks;
	struct ladder *ladder;
	struct names *names;
	struct native *native;		     /* NULL: not traced */
	struct native_stacks *native_stacks; /* NULL: callers' addresses alone */
	struct session_fds *fds;
	struct holders *holders; /* NULL until first asked */

	struct session_readings readings;
	struct memwatch *memwatch;
	struct parts_log *parts;      /* NULL = cannot be read */
	struct census_worker *worker; /* NULL: no censuses by type */
};

/* alive.c: the heartbeat, and what is to be done after it has failed */
void session_beat(struct session *s);

void session_drain(struct session *s); /* stacks waiting in the ring */

void session_births_off(struct session *s);
void session_note(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* focus.c: windows on the sites that matter, once it is known which size classes grow */
void focus_learn(struct session *s, uint64_t from, uint64_t to);
/* Choose for the next window: all sites, or the focus. */
void focus_choose(struct session *s);
void focus_full_next(struct session *s); /* the next window probes all sites */
/* How long the probes of a focus may stay in before all sites are looked at again. */
uint64_t focus_full_view_ns(const struct session *s, uint64_t now);
void focus_free(struct session *s);
size_t focus_sites(const struct session *s); /* probed in the window that is open or next */

/* jobs.c: what is due first, and when it is due */
void session_plan_jobs(struct session *s, uint64_t now);
uint64_t session_next_due(const struct session *s, uint64_t limit);
void session_run_jobs(struct session *s);
/* full collections of the target so far */
uint64_t session_collections(struct session *s);
/* when the pools were last counted, on the time axis of the trends */
double session_trend_s(const struct session *s);
/* a climb is due at @when, or as soon after as its cost allows */
void session_plan_climb(struct session *s, uint64_t when);

/* bursts.c: windows, and the permanent mode */
void session_burst(struct session *s);
void session_poll_births(struct session *s);
void session_start_always(struct session *s);
void session_stop_always(struct session *s);

#endif
