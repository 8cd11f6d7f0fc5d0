/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Declarations that the parts of the estimate share. */
#ifndef PYLEAK_JUDGE_ESTIMATE_PRIV_H
#define PYLEAK_JUDGE_ESTIMATE_PRIV_H

#include "judge/estimate.h"

/* One element for each size class, and the last for what is not in pools. */
struct estimate_classes {
	struct curve *curve;
	uint64_t since_ns[EVIDENCE_CLASSES + 1]; /* survivors born earlier do not count */
	/* blocks that the class gained for each block of a survivor */
	double held[EVIDENCE_CLASSES + 1];
	int rung[EVIDENCE_CLASSES + 1];	     /* rung that survivors must have passed to count */
	bool weak[EVIDENCE_CLASSES + 1];     /* all survivors are weak, so weak ones count */
	double factor[EVIDENCE_CLASSES + 1]; /* blocks per second for one survivor per second */
};

double sample_age_s(const struct survivor *s, const struct estimate_opts *o);
/* One key from two numbers, never 0. */
uint64_t sample_key(uint64_t stack, uint64_t detail);
/* Births within a moment may come from one cause: a request, a loop. */
#define SAMPLE_MOMENT_NS 100000000ull
uint64_t sample_moment(const struct survivor *s);
/* The size class of its body. */
unsigned sample_class(const struct survivor *s);
/* The times when births of its type were watched; NULL: not known. */
const struct coverage *sample_watched(const struct survivor *s, const struct estimate_opts *o);
/* It has survived, and its size is one that is asked for. */
bool sample_seen(const struct survivor *s, const struct estimate_opts *o);
/* The same, and its line has not stopped. */
bool sample_wanted(const struct survivor *s, const struct estimate_opts *o);
/* It may be another object with the same content. */
bool sample_weak(const struct survivor *s, const struct estimate_opts *o);
/* It is wanted, and old enough to tell something about its class. */
bool sample_counts(const struct survivor *s, const struct estimate_classes *c,
		   const struct estimate_opts *o);
/* It has a share of what its class has gained, and keeps it when its line has stopped. */
bool sample_holds(const struct survivor *s, const struct estimate_classes *c,
		  const struct estimate_opts *o);

/* These work on a copy of the samples: what is dropped gets address 0. samples_weigh() comes first:
 * it sets stands_for. */
void samples_weigh(struct survivor *v, size_t n, const struct estimate_opts *o);
void samples_drop_replaced(struct survivor *v, size_t n, const struct estimate_classes *c,
			   const struct estimate_opts *o);
void samples_drop_impostors(struct survivor *v, size_t n, const struct estimate_opts *o);
void samples_mark_stopped(struct survivor *v, size_t n, const struct estimate_opts *o);
void samples_mark_doubtful(struct survivor *v, size_t n, const struct estimate_classes *c,
			   const struct estimate_opts *o);

/* Bytes that a block takes of the memory that it lies in, as far as that is known. */
uint64_t part_takes(const struct survivor_part *p, const struct estimate_opts *o);
/* Sets told: the bytes of a block go to the survivor whose body it is, else to its first owner. */
void samples_part_blocks(struct survivor *v, size_t n, const struct estimate_classes *c,
			 const struct estimate_opts *o);

/* Seconds of the run whose births count for this class. */
double class_window_s(const struct estimate_classes *c, unsigned cls,
		      const struct estimate_opts *o);
/* Survivors per second of the run that one sample stands for. */
double sample_per_s(const struct survivor *s, const struct estimate_classes *c,
		    const struct estimate_opts *o);

/* To be called in this order: they set curve and since_ns; rung and weak; factor; held. */
void classes_judge(const struct trend_points *t, const struct estimate_opts *o,
		   struct estimate_classes *c);
void classes_choose_rungs(const struct survivor *v, size_t n, const struct estimate_opts *o,
			  struct estimate_classes *c);
void classes_find_factors(const struct survivor *v, size_t n, const struct trend_points *t,
			  const struct estimate_opts *o, struct estimate_classes *c);
void classes_find_held(const struct survivor *v, size_t n, const struct estimate_opts *o,
		       struct estimate_classes *c);

#endif
