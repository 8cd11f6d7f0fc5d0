/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ways through C code by which what one Python stack made has come, and which of them stands
 * for what lives on. Plain data, no locks. */
#ifndef PYLEAK_NATIVE_WAYS_H
#define PYLEAK_NATIVE_WAYS_H

#include "base/base.h"
#include "pyleak/abi.h"

#define NATIVE_WAYS 8  /* kept of one pair */
#define NATIVE_MADE 64 /* likewise */

/* As struct sym_pc, but thousands of stacks are kept. */
struct native_frame {
	uint64_t addr;
	int32_t file;
	bool is_eval; /* code of the evaluator: stands for Python frames */
};

struct native_stack {
	bool is_cut; /* it ends in code that is in no file: its library was unloaded meanwhile */
	uint32_t n;
	struct native_frame frame[]; /* innermost first */
};

/* A block or an object of which it is known by which way through C code it was made. */
struct native_made {
	uint64_t addr, size;
	uint64_t born; /* of a block born_ns, of an object its number among the births */
	uint64_t copied_ns;
	uint64_t seen_ns;  /* when it was last among what may live on; 0 = never */
	uint64_t lives_ns; /* and when it did */
	uint32_t way;
};

/* One (Python stack, caller) or (Python stack, type), as far as it is known. Most have one way. */
struct native_pair {
	struct pl_native_pair key;
	struct native_stack *way[NATIVE_WAYS];
	uint32_t n_ways, best;
	/* The caller alone: what is certain while nothing that lives on vouches for a way. NULL of
	 * objects. */
	struct native_stack *caller;
	VEC(struct native_made) made;
	uint32_t died; /* since one was last seen alive */
	/* How deep the stack was where most of what stays was made, how much of it that is, and by
	 * which ways what was copied from there had come, whether it stayed or not. */
	uint32_t depth;
	double depth_share;
	uint32_t from_depth[NATIVE_WAYS];
	double share;	   /* of what lives on, the best way's */
	uint32_t rarely;   /* one in 2^n blocks */
	uint32_t scale;	   /* a bigger block stands for more than others */
	uint32_t looks;	   /* in a row at which it was asked for more */
	uint64_t rests_ns; /* until then it is not asked again */
};

/* Takes @st, the way of what was copied. */
void native_ways_add(struct native_pair *p, struct native_stack *st,
		     const struct pl_native_copy *copy, uint64_t now_ns);
/* The depth from which most of what stays comes. */
void native_ways_depth(struct native_pair *p, uint32_t depth, double share);
/* After seen_ns and lives_ns have been set to @now_ns where that is so: forgets the rest, but for
 * the last @patience_ns, and chooses the way by which most of what lives was made. Returns how many
 * have lived for a second. */
size_t native_ways_vote(struct native_pair *p, uint64_t now_ns, uint64_t patience_ns);
/* The way that stands for the pair; NULL when nothing certain is known. */
const struct native_stack *native_way_best(const struct native_pair *p);
void native_pair_free(struct native_pair *p);

#endif
