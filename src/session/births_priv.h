/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of "births". */
#ifndef PYLEAK_SESSION_BIRTHS_PRIV_H
#define PYLEAK_SESSION_BIRTHS_PRIV_H

#include "inquiry/deaths.h"
#include "inquiry/unseen.h"
#include "ladder/ladder.h"
#include "ladder/watched.h"
#include "ledger/aim.h"
#include "places/birthplaces.h"
#include "session/session_priv.h"
#include "session/sites.h"

enum births_mode {
	BIRTHS_OFF,    /* no birth engine for this build: only native blocks */
	BIRTHS_BURSTS, /* short windows, as the budget allows */
	BIRTHS_ALWAYS, /* the rate fits the budget: every birth is seen */
};

/* The few sites where objects of growing size classes, or types, are born (focus.c). */
struct focus {
	bool is_on; /* the probes that are in, or go in next, are those of the sets */
	struct birthplaces places;
	struct ladder_aim aim;	 /* types or classes of the sets; empty = no focus */
	bool want[PL_MAX_SITES]; /* the sites of the sets */
	uint32_t first_burst;	 /* the first window since the sets were made */
	uint64_t made_ns;	 /* when the sets were made */
	uint64_t looked_ns;	 /* when sets were last chosen */
	struct probe_set *set[PLACES_FILES];
	size_t n_sites;
	unsigned turn; /* counts windows: in some turns all sites are probed (focus.c) */
};

struct births {
	struct session *s;
	struct ladder *ladder; /* that of "survivors" */
	struct account *account;
	enum births_mode mode;
	struct {
		uint64_t burst, poll, modules; /* 0 = not planned */
	} due;
	bool is_far; /* at due.burst the next window is planned again, not opened */
	struct aim aim;
	uint32_t bursts, nuitka_at; /* Nuitka's code is looked for again at so many bursts */
	unsigned refusals;	    /* windows in a row that could not be opened */
	uint64_t random;
	uint64_t on_ns, overruns;
	uint64_t told; /* births before this number have killed older samples */
	/* windows left out for the target or the host, or without a turn; tries in a row for one */
	uint64_t windows_refused, waits;
	struct watched watched;
	uint64_t unlooked_ns; /* part of on_ns in which births became no samples that stay */
	uint64_t not_before;  /* BIRTHS_ALWAYS is tried again no earlier */
	double backoff_s;
	/* BIRTHS_ALWAYS: births looked at, when they were, when again; births paid for (the next
	 * window does not pay for them again), when they were; since when probes are in */
	uint64_t last_seen, looked_ns, look_due;
	uint64_t polled, polled_ns, always_since;
	struct focus focus;
	struct unseen unseen;
	struct unseen_view view; /* for .unseen */
	struct deaths deaths;	 /* probed while .unseen looks */
	uint64_t lingered;	 /* unrecorded events that were charged */
	bool doubts_module; /* the last look at modules failed for good; two in a row end births */
	uint64_t skip;	    /* births at the beginning of this window that are not recorded */
	uint64_t missed;    /* of those on record, the first that were not looked at */
	struct traffic traffic; /* births of windows on all sites */
};

/* bursts.c: windows, and the permanent mode */
void births_burst(struct births *b);
/* Plans the next window for when it has been saved for. */
void births_plan(struct births *b);
void births_poll(struct births *b);
void births_stop_always(struct births *b);
/* Charges events that the target met unrecorded, as probes were still in. */
void births_charge(struct births *b);
/* Plans another try, as no probes could be put in: for want of a turn, of memory or descriptors, or
 * for the sake of the target or the host. Ends births if it fails for good. */
void births_refused(struct births *b, int err);
/* Ends births for good, with a note: only growth is watched on. */
void births_end(struct births *b, const char *why);

/* focus.c: windows on the sites that matter, once it is known which size classes or types grow */
void focus_learn(struct births *b, uint64_t from, uint64_t to); /* from births [@from, @to) */
/* Only counts births, for probes that stay in; the sets stay, too. */
void focus_count(struct births *b, uint64_t from, uint64_t to);
/* Chooses the sites of the next window: all, or the focus. */
void focus_choose(struct births *b);
void focus_full_next(struct focus *f); /* makes the next window probe all sites */
/* How long the probes of a focus may stay in before all sites are looked at again. */
uint64_t focus_full_view_ns(const struct focus *f, uint64_t now);
void focus_free(struct focus *f);
size_t focus_sites(const struct births *b); /* number of sites probed in this or the next window */

#endif
