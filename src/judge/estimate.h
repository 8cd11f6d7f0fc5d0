/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From survivors to rates. How many survivors a stack has says which share of the growth is its
 * own; how much grows is read from the pools. Survivors over covered time would be far too low for
 * a program that is busy: it crawls while it is watched. */
#ifndef PYLEAK_ESTIMATE_H
#define PYLEAK_ESTIMATE_H

#include "judge/evidence.h"

/* Objects of a type whose bodies are of one size class. */
struct estimate_type {
	uint64_t type;
	unsigned cls;
	double count_per_s, bytes_per_s;
	double held_count, weight; /* as the site's */
};

struct estimate_site {
	uint64_t stack;
	struct estimate_type *types;
	size_t n_types;
	double count_per_s, bytes_per_s;
	uint64_t samples; /* survivors behind the numbers */
	double squares;	  /* sum of the squares of how many were born within a moment */
	double variance;  /* of their number: the same when they come one by one, else more */
	double weight;	  /* of them: how many they stand for */
	double lived;	  /* ... without regard to how much was looked at */
	double window_s;  /* they were born within it */
	double oldest_s, youngest_s; /* ages of survivors that count */
	double malloc_bytes;	     /* mean bytes per survivor that lie in malloc's memory */
	unsigned bursts;	     /* distinct bursts that saw one of them born */
	unsigned quarters;	     /* of the run in which one of them was born: a bit each */
	bool weak;	   /* only survivors whose content is not unique, or many that died later */
	bool waits_for_gc; /* nothing older than a full collection among them */
	bool stopped;	   /* no births of late: what there is may stay, but it does not grow */
	uint64_t type;	   /* with most of its growth */
	unsigned cls;	   /* the size class with most of its growth: whose curve is the site's */
	uint64_t collections; /* full ones that the oldest of them has outlived */
	/* The part that it holds of what its classes gained in all. */
	double held_count, held_bytes;
	uint64_t seen; /* survivors behind those, also of stacks that have stopped */
	/* The mean age of what keeps coming and never goes lies half way between the least age that
	 * counts and the time that was watched. */
	double mean_age_s, least_s;
	double watched_age_s; /* mean age of the time that was watched; 0 = not known */
	/* Those born since their class began to grow of late, and in as long a time before that;
	 * how many samples the latter are. */
	double since, before;
	uint64_t before_samples;
	double mortality; /* share of the survivors seen that died later; NAN = not known */
};

/* A survivor that a window met which saw all births of its type. */
struct estimate_birth {
	uint64_t stack, type, nth;
	double weight;
	bool is_weak; /* it may be another, as far as is known yet */
};

struct estimate_opts {
	uint64_t start_ns, now_ns; /* of the run */
	double older_s;
	uint64_t min_size, max_size;
	uint64_t collections;		/* full collections so far */
	uint32_t burst;			/* number of the latest burst */
	const struct coverage *watched; /* NULL: not known */
	const struct coverage *aimed;	/* likewise, of types that were looked at more often */
	/* Growth of the memory outside of the pools that belongs to objects; 0: told by others. */
	double malloc_bytes_per_s;
	const struct map64 *lines;  /* of stacks: equal for those of one line; NULL: none are */
	const struct map64 *traced; /* stacks whose blocks are no part of that; NULL: none */
	bool in_chunks;		 /* what lies outside of the pools is in chunks of glibc's malloc */
	const struct work *work; /* on their time axis; NULL: not known */
	/* When the classes were last read, on their time axis: what grows has grown since the last
	 * floor that is known. 0: gains are those of the floors. */
	double trend_s;
	const struct map64 *deaths;   /* of the ladder; NULL: not known */
	const struct map64 *replaced; /* stacks that only renew a full store; NULL: none */
	double coverage; /* share of the time that was watched: used where pools cannot tell */
};

struct estimate {
	struct estimate_site *sites;
	size_t n;
	struct estimate_birth *births;
	size_t n_births;
	struct curve
		curve[EVIDENCE_CLASSES + 1]; /* of the classes' live blocks; malloc's is unknown */
	/* As `since` and `before` of the sites: of all those together, by class, whose survivors
	 * hardly ever die. */
	double lasting_since[EVIDENCE_CLASSES + 1], lasting_before[EVIDENCE_CLASSES + 1];
};

/* @classes: EVIDENCE_CLASSES series of live blocks, or NULL when the build has no pools. */
int estimate_sites(const struct survivor *samples, size_t n, const struct trend_points *classes,
		   const struct estimate_opts *o, struct estimate *out);
void estimate_free(struct estimate *e);
/* Did site @s make its class (@t) rise before the last stretch of that, too, in as long a time?
 * What the lines that keep all made it rise by is left out. By half of what its survivors of then
 * would have made, and by more than chance makes of so many, of which @coverage was watched; at
 * half of that pace at least all along before, and in the last quarter of that time. False with
 * fewer than 2 points, or when growth began at the first one. */
bool estimate_rose(const struct trend_points *t, const struct estimate *e,
		   const struct estimate_site *s, double coverage);
/* Was half and more of that rise, as far as there was one, that of the lines that keep all? */
bool estimate_is_beside(const struct trend_points *t, const struct estimate *e,
			const struct estimate_site *s);

#endif
