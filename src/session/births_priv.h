/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Declarations that the files of "births" share. */
#ifndef PYLEAK_SESSION_BIRTHS_PRIV_H
#define PYLEAK_SESSION_BIRTHS_PRIV_H

#include "base/coverage.h"
#include "inquiry/deaths.h"
#include "inquiry/unseen.h"
#include "ledger/aim.h"
#include "places/birthplaces.h"
#include "session/session_priv.h"
#include "session/sites.h"
#include "track/ladder.h"

enum births_mode {
	BIRTHS_OFF,    /* no birth engine for this build: only native blocks */
	BIRTHS_BURSTS, /* short windows, as the budget allows */
	BIRTHS_ALWAYS, /* the rate fits the budget: every birth is seen */
};

/* The few sites where objects of growing size classes, or types, are born (focus.c). */
struct focus {
	bool is_on; /* the probes that are in, or go in next, are those of the sets */
	struct birthplaces places;
	struct ladder_aim aim;	 /* what the sets were made for; nothing = no focus */
	bool want[PL_MAX_SITES]; /* the sites of the sets */
	uint32_t first_burst;	 /* of the sets' windows */
	uint64_t made_ns;	 /* when the sets were */
	uint64_t looked_ns;	 /* when the choice was last looked at */
	struct probe_set *set[PLACES_FILES];
	size_t n_sites;
	unsigned turn; /* windows since the last one with all sites */
};

struct births {
	struct session *s;
	struct ladder *ladder; /* the survivors' */
	struct account *account;
	enum births_mode mode;
	struct {
		uint64_t burst, poll, modules; /* 0 = not planned */
	} due;
	bool is_far; /* due.burst is when to ask again for when the next window is */
	struct aim aim;
	uint32_t bursts, nuitka_at; /* Nuitka's code is looked for again at so many */
	unsigned refusals;	    /* in a row: windows that could not be opened */
	uint64_t random;
	uint64_t on_ns, overruns;
	uint64_t told;			 /* births before this one have killed what they could */
	uint64_t windows_refused, waits; /* for target or host; for a turn, in a row */
	struct coverage watched, aimed;	 /* all births or a class's; those of some types */
	uint64_t aimed_ns;		 /* of on_ns: births of some types alone */
	uint64_t unlooked_ns;		 /* of on_ns: births that became no samples */
	uint64_t not_before;		 /* BIRTHS_ALWAYS is tried again no earlier */
	double backoff_s;
	/* BIRTHS_ALWAYS: births looked at, and when they were; births paid for, likewise (the next
	 * window pays for none of them again) */
	uint64_t last_seen, looked_ns, look_due;
	uint64_t polled, polled_ns, always_since;
	struct focus focus;
	struct unseen unseen;
	struct unseen_view view; /* for that */
	struct deaths deaths;	 /* while it looks */
	uint64_t lingered;	 /* unrecorded events that are charged */
	bool doubts_module; /* the last look at modules failed: lasting, if the next does, too */
	uint64_t skip;	    /* births at the beginning of this window that are not recorded */
};

/* bursts.c: windows, and the permanent mode */
void births_burst(struct births *b);
/* The next window, when it has been saved for. */
void births_plan(struct births *b);
void births_poll(struct births *b);
void births_stop_always(struct births *b);
/* Whatever the target met unrecorded, since probes were still in. */
void births_charge(struct births *b);
/* Probes could not be put in, for want of a turn, for the sake of the target or the host, or for
 * want of memory or descriptors: for now. */
void births_refused(struct births *b, int err);
/* For good: growth is watched alone. */
void births_end(struct births *b, const char *why);

/* focus.c: windows on the sites that matter, once it is known which size classes grow */
void focus_learn(struct births *b, uint64_t from, uint64_t to);
/* The part of it that goes for probes that stay in: nothing is made anew. */
void focus_count(struct births *b, uint64_t from, uint64_t to);
/* Choose for the next window: all sites, or the focus. */
void focus_choose(struct births *b);
void focus_full_next(struct focus *f); /* the next window probes all sites */
/* How long the probes of a focus may stay in before all sites are looked at again. */
uint64_t focus_full_view_ns(const struct focus *f, uint64_t now);
void focus_free(struct focus *f);
size_t focus_sites(const struct births *b); /* probed in the window that is open or next */

#endif
