/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Findings of who holds the survivors of a site, and of how the container moves they go into. */
#ifndef PYLEAK_JUDGE_HOLDER_FACT_H
#define PYLEAK_JUDGE_HOLDER_FACT_H

#include "verdict/verdict.h"
#include "report/hint.h"

#define HOLDER_WATCH_S 0.5 /* between two looks at the length of a container, in one search */

/* A container: has it a bound, is it still being filled? */
struct fill {
	uint64_t addr; /* 0 = there is none */
	uint64_t most; /* 0 = no bound is known */
	bool enforced;
	char name[48];		  /* of the bound */
	char what[64];		  /* "deque" */
	uint64_t first, first_ns; /* entries, when it was first looked at */
	uint64_t last, last_ns;	  /* entries, when it was last read */
	uint64_t full_ns;	  /* 0 = it is not full */
	uint64_t calm, calm_ns;	  /* entries, and since when it has hardly had more than those */
	/* entries of readings after a quarter to a half of the time, and after half of it or more;
	 * ns 0 = too early for one */
	uint64_t mid, mid_ns, next, next_ns;
	/* entries before it was emptied, when that was seen, and for how long it had been looked at
	 * until then; peak 0 = it was not, or it has had more since. All above but the bound is of
	 * the time since. */
	uint64_t peak, cut_ns, before_ns;
};

struct holder_fact {
	char id[17]; /* of the site */
	enum report_kind kind;
	bool is_known; /* else it was asked for, and no more is known */
	struct report_holder holder;
	struct fill fill;
	bool is_one;	      /* most of the objects are in the container of @fill */
	bool has_new_entries; /* nearly all are, and came with entries of their own */
	bool replaces;	      /* and that does not grow: each takes the place of another */
};

/* As last read: true while what has a bound fills, and for as long after as the curve needs to show
 * that it is full. */
bool fill_is_filling(const struct fill *f, struct verdict_bound *out);
/* So many seconds it has hardly grown, as growth by @per_s would have shown; 0 = it may have. */
double fill_rests_s(const struct fill *f, double per_s);
/* It has grown by far too little for what @per_s would have brought. */
bool fill_lags(const struct fill *f, double per_s);
/* It has grown by about @per_s, or up to @faster times that, for long enough, and still does. */
bool fill_goes_on(const struct fill *f, double per_s, double faster);
/* The same, at whichever pace, by a few entries at least and in both halves of the time. */
bool fill_grows_on(const struct fill *f);
/* Seconds in which it grew, by about @per_s, and no faster at first than later: no sign of slowing
 * down. 0 = too few, or it did. */
double fill_paced_s(const struct fill *f, double per_s);
/* Entries a second that it gets, about as many of late as at first, and not far fewer than @per_s;
 * 0 = not so. */
double fill_paced_per_s(const struct fill *f, double per_s);
/* It grows by that, and was not read for long enough, or got too few, to tell whether it slows
 * down. */
bool fill_may_keep_pace(const struct fill *f, double per_s);
/* Did as many come as before, or more, in the later part of a time, which was so many times as long
 * as the one before? @surely: not by chance. */
bool is_paced(double before, double later, double longer, bool surely);
/* It was emptied a while ago, and what came into it since, none of which is older than @oldest_s,
 * may go in the same way. @since_s: how long ago. */
bool fill_is_cut(const struct fill *f, double oldest_s, double *since_s);
/* Does each take the place of another? Seen by @n objects that went into it since fill.calm_ns and
 * stayed, and stand for @came. @did: it was seen to before. */
bool fill_replaces(const struct fill *f, size_t n, double came, bool did);

#endif
