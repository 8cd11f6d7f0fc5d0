/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ways through C code by which one Python stack makes memory, and which way stands for the
 * memory that lives on. Plain data without locks: for one thread at a time. */
#ifndef PYLEAK_NATIVE_WAYS_H
#define PYLEAK_NATIVE_WAYS_H

#include "base/base.h"
#include "pyleak/abi.h"

#define NATIVE_WAYS 8  /* ways kept per pair */
#define NATIVE_MADE 64 /* blocks or objects kept per pair */

/* A frame as in struct sym_pc, but smaller: thousands of stacks are kept. */
struct native_frame {
	uint64_t addr;
	int32_t file;
	bool is_eval; /* code of the evaluator, which stands for Python frames */
};

struct native_stack {
	bool is_cut; /* the last frame is code of no file: its library was unloaded meanwhile */
	uint32_t n;
	struct native_frame frame[]; /* innermost first */
};

/* A block or an object whose stack was copied when it was made. */
struct native_made {
	uint64_t addr, size;
	uint64_t born; /* a block's born_ns, or an object's number among the births */
	uint64_t copied_ns;
	uint64_t seen_ns;  /* when it was last among those that may live on; 0 = never */
	uint64_t lives_ns; /* when it was last known to live on; 0 = never */
	uint32_t way;
};

/* The copies of one pair (Python stack, caller), of blocks, or (Python stack, type), of objects.
 * Most pairs have one way. */
struct native_pair {
	struct pl_native_pair key;
	struct native_stack *way[NATIVE_WAYS];
	uint32_t n_ways, best;
	/* the caller's frame alone: all that is certain while nothing that lives on votes for a
	 * way; NULL for objects */
	struct native_stack *caller;
	VEC(struct native_made) made;
	uint32_t died; /* blocks that died since one was last seen alive */
	/* How deep the stack was where most of what stays was made, in words of rsp (the low 32
	 * bits of rsp / 8); its share of what stays; and how many copies from this depth came by
	 * each way, whether they stayed or not. */
	uint32_t depth;
	double depth_share;
	uint32_t from_depth[NATIVE_WAYS];
	double share;	   /* the best way's share of the votes, 0 to 1 */
	uint32_t rarely;   /* one in 2^rarely blocks is copied */
	uint32_t scale;	   /* bytes: a bigger block counts for more than one vote */
	uint32_t looks;	   /* visits in a row that asked for copies of this pair */
	uint64_t rests_ns; /* it is not asked for again before then, by clock_ns() */
};

/* Adds a copied block or object with its way. Takes @st. */
void native_ways_add(struct native_pair *p, struct native_stack *st,
		     const struct pl_native_copy *copy, uint64_t now_ns);
/* Sets the depth at which most of what stays was made, and its share; forgets counts of another
 * depth. */
void native_ways_depth(struct native_pair *p, uint32_t depth, double share);
/* Loses sight of what was copied before @before_ns: whether it lives is not known any more, which
 * says nothing against the way that it voted for. */
void native_ways_lose(struct native_pair *p, uint64_t before_ns);
/* Chooses the way by which most of what lives was made. The caller has set seen_ns and lives_ns to
 * @now_ns where that holds. Forgets blocks that are not seen now, unless they were copied in the
 * last @patience_ns. Returns how many have lived for more than a second. */
size_t native_ways_vote(struct native_pair *p, uint64_t now_ns, uint64_t patience_ns);
/* Returns the way that stands for the pair, which @p owns; NULL: nothing is certain. */
const struct native_stack *native_way_best(const struct native_pair *p);
void native_pair_free(struct native_pair *p);

#endif
