/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts births by the stack that made them, over time: what a program does makes them, whether or
 * not they stay. A leak keeps its part of what requests make, whatever the load; a cache that fills
 * falls behind what its hits make. Not thread-safe. */
#ifndef PYLEAK_BASE_TRAFFIC_H
#define PYLEAK_BASE_TRAFFIC_H

#include "base/map64.h"

#define TRAFFIC_STACKS	128
#define TRAFFIC_MOMENTS 32 /* an even number: when all are used, neighbours are joined */

struct traffic {
	/* the first row is of all stacks that have none of their own */
	struct traffic_row {
		uint64_t stack; /* the kernel half's number */
		uint64_t root;	/* traffic_root() of the stack; 0 = not known */
		uint32_t n[TRAFFIC_MOMENTS];
	} row[TRAFFIC_STACKS];
	size_t n_rows;
	uint64_t until_ns[TRAFFIC_MOMENTS]; /* when the last window of each was over */
	size_t n_moments;
	uint32_t windows, most; /* that the last moment has, and that one has at most */
};

/* Adds a window that saw all births: their number by stack. */
void traffic_add(struct traffic *t, const struct map64 *births, uint64_t now_ns);
/* The moment whose windows saw what was born at @ns; n_moments = none did. */
size_t traffic_moment(const struct traffic *t, uint64_t ns);
/* The key of a thread's outermost function that is not of module threading; 0 = it is. Stacks of
 * different roots have nothing to do with each other. */
uint64_t traffic_root(const char *function, const char *file);

/* Objects of one site that came to stay, which these windows saw being born. */
struct traffic_kept {
	double n[TRAFFIC_MOMENTS],
		squares[TRAFFIC_MOMENTS]; /* sums of weights, and of their squares */
	uint64_t until_ns;		  /* later ones may go */
	uint64_t root;			  /* of the site's stack; 0 = not known */
	double ebbed;			  /* struct curve */
};

enum traffic_pace {
	TRAFFIC_UNKNOWN,
	TRAFFIC_EVEN,	/* the site keeps its part of what the program makes */
	TRAFFIC_BEHIND, /* its part of most of that has surely fallen */
};

enum traffic_pace traffic_judge(const struct traffic *t, const struct traffic_kept *k);

#endif
