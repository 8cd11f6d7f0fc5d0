/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Judgement on plain evidence: is this site a leak? Slow to accuse; the rules and how often they
 * are wrong are in docs/SCORING.md. */
#ifndef PYLEAK_VERDICT_H
#define PYLEAK_VERDICT_H

#include "report/report.h"

struct verdict_evidence {
	double run_s;		   /* watched so far */
	double oldest_s;	   /* age of the oldest survivor */
	double growth_bytes_per_s; /* its share of what grows */
	double line_bytes_per_s;   /* that of all sites of its line */
	uint64_t samples;
	unsigned bursts;      /* distinct moments at which survivors were born */
	unsigned quarters;    /* quarters of the run in which survivors were born */
	uint64_t collections; /* full ones that survivors have outlived */
	bool weak;	      /* identity rests on content that is not unique */
	bool waits_for_gc;    /* may be garbage that no full collection has looked at yet */
	bool goes_on;	      /* so does the container that they are in, at their pace */
	bool is_kept;	      /* memory shows that nothing was given back */
	bool is_fed;	      /* it does, and its new entries are as new as they are */
	double paced_s;	      /* so long, and no faster before than of late; 0 = not so */
	/* So many come, as they are counted: about as many of late as before; 0 = not known. In the
	 * container that they are in, or, NULL, by the census of their type. */
	double counted_per_s;
	const char *counted_in;
	bool may_keep_pace; /* that container was read too briefly, or got too few, to tell */
	bool one_block;	 /* a single block that gets bigger: somebody's container, not the leak */
	bool rests;	 /* ... and has not of late */
	unsigned bigger; /* ... in so many quarters of the run it has */
	/* The curve of the memory its objects live in; CURVE_UNKNOWN where there is none. */
	struct curve curve;
	double curve_bytes_per_s; /* growth of the part that the curve is of */
	/* Survivors that count are at least least_s old; 0 = not known. */
	double mean_age_s, least_s;
	double watched_age_s; /* mean age of the time in which births were watched; 0 = not known */
	bool undying;	      /* hardly any of them died later */
	/* Survivors that were born in as long a time before growth began as it lasts, for one born
	 * since; 0 = none of the line's died, or too few are known. */
	double before;
	bool rose;     /* memory did in that time, as those make it */
	bool beside;   /* lines that keep all are of its size, and made half of that rise */
	double born;   /* that survived, as many as windows that see a part of them tell; 0 = not
			  known */
	double gained; /* by how many more there are of them */
	double levelled_bytes; /* held by what grew and does not any more */
	double process_bytes;  /* resident; 0 = not known */
};

/* A container that the survivors of a site go into, and that will be full one day. */
struct verdict_bound {
	uint64_t most, entries;
	double per_s;	  /* entries; 0 = not known */
	const char *name; /* of the bound: "maxlen" */
	const char *what; /* the container: "deque" */
};

/* Class, confidence and reason of one site. */
void verdict_site(struct report *r, const struct verdict_evidence *e, struct report_site *site);
/* No leak as long as the container is not full, unless memory ends first. True when it was held
 * back. */
bool verdict_bounded(struct report *r, const struct report_process *p,
		     const struct verdict_bound *b, struct report_site *site);
/* The holder of its objects (@what, of so many entries) has not grown for so many seconds: they are
 * no leak into that container. */
void verdict_rests(struct report *r, const char *what, uint64_t entries, double rests_s,
		   struct report_site *site);
/* The same, but they are what grows: something else holds them, too. */
void verdict_elsewhere(struct report *r, const char *what, uint64_t entries,
		       struct report_site *site);
/* No leak as far as who holds its objects tells, and @why. */
void verdict_excused(struct report *r, const char *why, struct report_site *site);
/* "app.Session objects grow by 40/s (why ...)": the census finds a type that rises steadily, and no
 * site is of it; NULL: there is none. @plain: also one like "list", which says little. */
const char *verdict_type(struct report *r, const struct report_process *p, bool plain);
/* The same, where lines are known that leave @bytes_per_s unexplained: a type that makes up most of
 * that, and they do not. */
const char *verdict_rest_type(struct report *r, const struct report_process *p, double bytes_per_s);
/* "bytearray objects get bigger by 237 KiB/s (why ...)": most of @bytes_per_s is growth of a type
 * of which no more objects come; NULL: it is not. */
const char *verdict_bigger(struct report *r, const struct report_process *p, double bytes_per_s);
/* "200 blocks/s ... are in no object": most of @bytes_per_s is memory that C code takes from the
 * pools for itself, of which no birth tells. NULL: it is not. */
const char *verdict_raw(struct report *r, const struct report_process *p, double bytes_per_s);
/* From the sites, in their order, and the growth of memory; writes class, confidence and reason.
 * @blocks_per_s: by how many blocks the heap grows; 0 = not known. */
void verdict_process(struct report *r, struct report_process *p, double blocks_per_s);
/* Does its memory, whose curve is @c, climb by far more than the lines do? */
bool verdict_outgrows(const struct report_process *p, const struct curve *c);
/* Mentions the leak of a process that is called by another name. */
void verdict_add_leak(struct report *r, struct report_process *p);

#endif
