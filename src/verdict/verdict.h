/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Judges from plain evidence whether a site is a leak. It is slow to accuse; docs/SCORING.md has
 * the rules and how often they are wrong. */
#ifndef PYLEAK_VERDICT_H
#define PYLEAK_VERDICT_H

#include "report/report.h"

struct verdict_evidence {
	double run_s;		   /* seconds watched so far */
	double stopped_s;	   /* of these, while it was stopped: growth leaves them out */
	double oldest_s;	   /* age of the oldest survivor */
	double growth_bytes_per_s; /* the site's share of the growth */
	double line_bytes_per_s;   /* the same of all sites of its line */
	uint64_t samples;
	unsigned bursts;      /* distinct moments at which survivors were born */
	unsigned quarters;    /* quarters of the run in which survivors were born */
	uint64_t collections; /* full collections that survivors have outlived */
	bool weak;	      /* objects look alike: one may have taken another's place */
	bool waits_for_gc;    /* may be garbage: no full collection has looked at it yet */
	bool goes_on;	      /* their container grows, at their pace */
	bool is_kept;	      /* memory shows that nothing was given back */
	bool is_fed;	      /* it grows, and its new entries are as new as they are */
	double paced_s;	      /* seconds for which it kept its pace; 0 = it did not */
	/* Objects a second as counted, about as many of late as before; 0 = not known. Counted as
	 * entries of the container @counted_in or, where that is NULL, by the census of their type.
	 */
	double counted_per_s;
	const char *counted_in;
	bool may_keep_pace; /* that container was read too briefly, or got too few, to tell */
	bool one_block;	 /* a single block that gets bigger: somebody's container, not the leak */
	bool rests;	 /* ... and has not of late */
	unsigned bigger; /* ... in so many quarters of the run it has */
	/* The curve of the memory its objects live in; CURVE_UNKNOWN where there is none. */
	struct curve curve;
	double curve_bytes_per_s; /* growth of the stack that the curve is of */
	/* Survivors that count are at least least_s old; 0 = not known. */
	double mean_age_s, least_s;
	double watched_age_s; /* mean age of the time when births were watched; 0 = not known */
	bool undying;	      /* hardly any of them died later */
	/* Survivors born in as long a time before growth began as it has lasted, divided by those
	 * born since; 0 = none of the line's died, or too few are known. */
	double before;
	bool rose;     /* memory rose in that time, by what those would have added */
	bool beside;   /* lines of its size that keep all they make caused half of that rise */
	double born;   /* objects that survived, estimated from windows; 0 = not known */
	double gained; /* by how many its number grew */
	double levelled_bytes; /* held by stacks that no longer grow */
	double process_bytes;  /* RSS; 0 = not known */
};

/* A container that the survivors of a site go into, and that will be full one day. */
struct verdict_bound {
	uint64_t most, entries;
	double per_s;	  /* entries per second; 0 = not known */
	const char *name; /* name of the bound: "maxlen" */
	const char *what; /* type of the container: "deque" */
};

/* Class, confidence and reason of one site. */
void verdict_site(struct report *r, const struct verdict_evidence *e, struct report_site *site);
/* Holds back a leak while its container fills, unless memory ends before. True when it did. */
bool verdict_bounded(struct report *r, const struct report_process *p,
		     const struct verdict_bound *b, struct report_site *site);
/* Holds back a leak: the container of its objects (@what, with @entries) has not grown for @rests_s
 * seconds. */
void verdict_rests(struct report *r, const char *what, uint64_t entries, double rests_s,
		   struct report_site *site);
/* The same, but they are what grows: something else holds them, too. */
void verdict_elsewhere(struct report *r, const char *what, uint64_t entries,
		       struct report_site *site);
/* No leak as far as who holds its objects tells, and @why. */
void verdict_excused(struct report *r, const char *why, struct report_site *site);
/* "app.Session objects grow by 40/s (why ...)": a type that rises steadily in the census and that
 * no site makes; NULL: there is none. @plain: also types like "list", which say little. */
const char *verdict_type(struct report *r, const struct report_process *p, bool plain);
/* The same where lines leave @bytes_per_s unexplained: a type that makes up most of that, and that
 * no line makes. */
const char *verdict_rest_type(struct report *r, const struct report_process *p, double bytes_per_s);
/* "bytearray objects get bigger by 237 KiB/s (why ...)": a type of which no more objects come
 * causes most of @bytes_per_s; NULL: there is none. */
const char *verdict_bigger(struct report *r, const struct report_process *p, double bytes_per_s);
/* "200 blocks/s ... are in no object": C code takes most of @bytes_per_s from the pools for itself,
 * without births. NULL: it does not. */
const char *verdict_raw(struct report *r, const struct report_process *p, double bytes_per_s);
/* Judges the process, from its sites in their order and the growth of memory: sets class,
 * confidence and reason. @blocks_per_s: growth of the heap in blocks; 0 = not known. */
void verdict_process(struct report *r, struct report_process *p, double blocks_per_s);
/* Does memory with curve @c climb by far more than the lines do? */
bool verdict_outgrows(const struct report_process *p, const struct curve *c);
/* Mentions a leak in the reason of a process whose class is another. */
void verdict_add_leak(struct report *r, struct report_process *p);

#endif
