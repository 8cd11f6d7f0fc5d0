/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Readings of the length of a container, and how it moved. */
#ifndef PYLEAK_VERDICT_FILL_H
#define PYLEAK_VERDICT_FILL_H

#include "verdict/verdict.h"

/* Sums over readings: of seconds since the first, of entries more than at the first, and of their
 * products. */
struct fill_sums {
	double n, s, more, s_s, s_more, more_more;
};

/* Readings of one container's length: has it a bound, and is it still being filled? */
struct fill {
	uint64_t addr; /* address; 0 = no container */
	uint64_t most; /* 0 = no bound is known */
	bool enforced;
	char name[48];		  /* of the bound */
	char what[64];		  /* "deque" */
	uint64_t first, first_ns; /* entries at the first reading */
	uint64_t last, last_ns;	  /* entries at the last reading */
	uint64_t full_ns;	  /* when it became full; 0 = it is not */
	uint64_t calm, calm_ns;	  /* entries, and since when it has had hardly more */
	uint64_t still_ns;	  /* the same by one reading, which calm_ns waits for two of */
	/* entries at a reading after a quarter to a half of the time, and at one after half of it
	 * or more; ns 0 = too early */
	uint64_t mid, mid_ns, next, next_ns;
	/* entries before it was emptied, when that was seen, and for how long it had been read
	 * until then; peak 0 = it was not emptied, or has had more since. All above but the bound
	 * is of the time since. */
	uint64_t peak, cut_ns, before_ns;
	struct fill_sums sums; /* since first_ns; n 0 = not known */
};

/* True while a container with a bound fills, and afterwards for as long as the curve needs to show
 * that it is full. */
bool fill_is_filling(const struct fill *f, struct verdict_bound *out);
/* Seconds for which it has hardly grown, though @per_s would have shown; 0 = it may have grown. */
double fill_rests_s(const struct fill *f, double per_s);
/* It has grown by far too little for what @per_s would have brought, or by no more than it wavers.
 */
bool fill_lags(const struct fill *f, double per_s);
/* It has grown by about @per_s, or up to @faster times that, for long enough, and still does. */
bool fill_goes_on(const struct fill *f, double per_s, double faster);
/* It has grown at any pace, by at least LEAK_SAMPLES entries, and in both halves of the time. */
bool fill_grows_on(const struct fill *f);
/* It got far fewer entries a second since next_ns than over the whole time. */
bool fill_fades(const struct fill *f);
/* Seconds for which it grew by about @per_s, surely no slower at last than at first. 0 = too few,
 * or it slowed. */
double fill_paced_s(const struct fill *f, double per_s);
/* Entries a second that it gets, about as many of late as at first, and not far fewer than @per_s;
 * else 0. */
double fill_paced_per_s(const struct fill *f, double per_s);
/* It grows by that, and was not read for long enough, or got too few, to tell whether it slows
 * down. */
bool fill_may_keep_pace(const struct fill *f, double per_s);
/* Did as many come as before, or more, in the later part of a time, which was so many times as long
 * as the one before? @surely: not by chance. */
bool is_paced(double before, double later, double longer, bool surely);
/* It was emptied a while ago (@since_s), and what came since, none of it older than @oldest_s, may
 * go in the same way. */
bool fill_is_cut(const struct fill *f, double oldest_s, double *since_s);
/* Does each object that goes into it take the place of another? @n objects, which stand for @came,
 * went into it since fill.calm_ns and stayed. @did: the answer at the last reading. */
bool fill_replaces(const struct fill *f, size_t n, double came, bool did);

#endif
