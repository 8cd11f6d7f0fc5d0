/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From survivors to rates. The number of survivors of a stack says which share of the growth is its
 * own; how much grows is read from the pools. Survivors divided by the watched time would be far
 * too low for a busy program, since it crawls while it is watched. */
#ifndef PYLEAK_ESTIMATE_H
#define PYLEAK_ESTIMATE_H

#include "evidence/evidence.h"

/* Objects of a type whose bodies are of one size class. */
struct estimate_type {
	uint64_t type;
	unsigned cls;
	double count_per_s, bytes_per_s;
	double held_count, weight; /* like those of struct estimate_site */
};

struct estimate_site {
	uint64_t stack;
	struct estimate_type *types;
	size_t n_types;
	double count_per_s, bytes_per_s;
	uint64_t samples; /* survivors behind the numbers */
	double squares;	  /* sum of the squares of how many were born within a moment */
	double variance;  /* of samples: equal to it when they come one by one, else more */
	double weight;	  /* survivors that the samples stand for */
	double lived;	  /* the same, not scaled by how much of the time was watched */
	double window_s;  /* the longest time of its classes whose births count (class_window_s) */
	double oldest_s, youngest_s; /* ages of survivors that count */
	double malloc_bytes;	     /* mean bytes per survivor that lie in malloc's memory */
	unsigned bursts;	     /* distinct bursts that saw one of them born */
	/* quarters of the run in which a sample was born: a bit each */
	unsigned quarters;
	bool weak;	   /* only survivors whose content is not unique, or many that died later */
	bool waits_for_gc; /* no sample is older than the last full collection */
	bool stopped;	   /* no births of late: what there is may stay, but it does not grow */
	uint64_t type;	   /* the type with most of its growth */
	unsigned cls;	   /* the size class with most of its growth: whose curve is the site's */
	uint64_t collections; /* full collections that the oldest sample has outlived */
	/* Objects and bytes that it holds, of what its size classes gained in all. */
	double held_count, held_bytes;
	uint64_t seen; /* survivors behind held_*, also if the stack has stopped */
	/* If objects keep coming and never go, their mean age lies half way between least_s, from
	 * which on they count, and the age of the watch. */
	double mean_age_s, least_s;
	double watched_age_s; /* mean age of the time that was watched; 0 = not known */
	/* Survivors born in the last stretch of their class's curve, and in as long a time before
	 * it; how many samples the latter are. */
	double since, before;
	uint64_t before_samples;
	double mortality; /* share of the survivors seen that died later; NAN = not known */
};

/* A survivor born in a window that saw all births of its type. */
struct estimate_birth {
	uint64_t stack, type, nth;
	double weight;
	bool is_weak; /* another object may have taken its place */
};

struct estimate_opts {
	uint64_t start_ns, now_ns; /* start and present moment of the run */
	double older_s;
	uint64_t min_size, max_size;
	uint64_t collections;		/* full collections so far */
	uint32_t burst;			/* number of the latest burst */
	const struct coverage *watched; /* NULL: not known */
	/* when births of types that are watched more often were watched */
	const struct coverage *aimed;
	/* Growth of memory outside of the pools that belongs to objects; 0: native sites tell of
	 * it. */
	double malloc_bytes_per_s;
	const struct map64 *lines; /* stack -> its line; NULL: not known */
	/* stacks whose blocks are in native sites, so not in malloc_bytes_per_s; NULL: none */
	const struct map64 *traced;
	bool in_chunks;		 /* what lies outside of the pools is in chunks of glibc's malloc */
	const struct work *work; /* on the time axis of the classes' series; NULL: not known */
	/* When the classes were last read, on the time axis of their series: growth since the last
	 * floor is added to the gain. 0: not added. */
	double trend_s;
	/* stack or evidence_likes() -> survivors that died; NULL: not known */
	const struct map64 *deaths;
	const struct map64 *replaced; /* stacks that only renew a full store; NULL: none */
	double coverage; /* share of the time that was watched: used where pools cannot tell */
};

/* A stack of which no survivor counts for a rate, as code that ran once: what it holds of what its
 * size classes gained. */
struct estimate_held {
	uint64_t stack;
	double count, bytes;
};

struct estimate {
	struct estimate_site *sites;
	size_t n;
	struct estimate_held *held;
	size_t n_held;
	struct estimate_birth *births;
	size_t n_births;
	struct curve
		curve[EVIDENCE_CLASSES + 1]; /* of the classes' live blocks; malloc's is unknown */
	/* Sums, by class, of `since` and `before` of those sites whose survivors hardly ever die.
	 */
	double lasting_since[EVIDENCE_CLASSES + 1], lasting_before[EVIDENCE_CLASSES + 1];
};

/* @classes: EVIDENCE_CLASSES series of live blocks, or NULL when the build has no pools. */
int estimate_sites(const struct survivor *samples, size_t n, const struct trend_points *classes,
		   const struct estimate_opts *o, struct estimate *out);
void estimate_free(struct estimate *e);
/* Did site @s make its class (series @t) rise before the last stretch of the curve, too? The time
 * compared is as long as that stretch. The rise, without that of lines that keep all they make,
 * must reach half of what the survivors of then would have made, and exceed the chance of so few
 * births with @coverage of the time watched; half of that pace must hold over all the time before,
 * and in the last quarter of the time compared. False with fewer than 2 points, or when growth
 * began at the first one. */
bool estimate_rose(const struct trend_points *t, const struct estimate *e,
		   const struct estimate_site *s, double coverage);
/* Did lines that keep all they make cause at least half of that rise? */
bool estimate_is_beside(const struct trend_points *t, const struct estimate *e,
			const struct estimate_site *s);

#endif
