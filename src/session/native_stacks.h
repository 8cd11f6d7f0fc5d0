/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Native stacks of a session, and how they join with those of Python. For the files of "blocks". */
#ifndef PYLEAK_NATIVE_STACKS_H
#define PYLEAK_NATIVE_STACKS_H

#include "base/map64.h"
#include "places/evaluator.h"
#include "sym/sym.h"
#include "track/native.h"

struct observation;
struct session;

#define NATIVE_WAYS 8  /* kept of one pair */
#define NATIVE_MADE 64 /* likewise */
#define NATIVE_ASKS 8  /* pairs asked for at once */

/* As struct sym_pc, but thousands of stacks are kept. */
struct native_frame {
	uint64_t addr;
	int32_t file;
	bool is_eval; /* code of the evaluator: stands for Python frames */
};

struct native_stack {
	bool is_whole;
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

/* What is known of one (Python stack, caller) or (Python stack, type). Most have one way. */
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

struct native_ask {
	struct pl_native_pair pair;
	struct pl_native_ask of; /* which blocks; how many and how rarely changes */
};

/* What has been asked of the kernel half. */
struct native_asks {
	struct native_ask v[NATIVE_ASKS];
	size_t n;
	int fd;	      /* of the map that it is asked by */
	bool is_kept; /* a pair stays in the map when it is asked for no more */
};

struct native_stacks {
	struct session *s;
	struct native *native;
	struct sym *sym;
	struct ring_buffer *ring;
	struct native_asks blocks, births;
	uint64_t looked_ns;
	struct map64 by_pair; /* hash of the key -> struct native_pair * */
	size_t bytes;	      /* of all pairs when last counted, and of what came since */
	double allowed;
	uint64_t refilled_ns, trimmed_ns;
	struct code_range eval[512]; /* one function and its cold parts, or handlers */
	size_t n_eval;
};

/* @native: whose blocks they are of; borrowed. */
int native_stacks_open(struct session *s, struct native *native, struct native_stacks **out);
void native_stacks_close(struct native_stacks *n);
/* Unwind what has come, allow the kernel half some more. */
void native_stacks_poll(struct native_stacks *n);
/* Of what has grown, and of what survives: the ways through C code, with names. */
int native_stacks_observe(struct native_stacks *n, const struct observation *to);

struct native_pair *native_pair_of(const struct native_stacks *n, uint64_t stack, uint64_t caller);
uint64_t native_pair_hash(uint64_t stack, uint64_t caller);

/* native_ways.c. Takes @st, the way of what was copied. */
void native_ways_add(struct native_pair *p, struct native_stack *st,
		     const struct pl_native_copy *copy, uint64_t now_ns);
/* The depth from which most of what stays comes. */
void native_ways_depth(struct native_pair *p, uint32_t depth, double share);
/* The way that all copies from that depth had come; NATIVE_WAYS = too few, or several. */
uint32_t native_ways_of_depth(const struct native_pair *p);
/* After seen_ns and lives_ns have been set to @now_ns where that is so: forgets the rest, but for
 * the last @patience_ns, and chooses the way by which most of what lives was made. Returns how many
 * have lived for a second. */
size_t native_ways_vote(struct native_pair *p, uint64_t now_ns, uint64_t patience_ns);
/* The way that stands for the pair; NULL when nothing certain is known. */
const struct native_stack *native_way_best(const struct native_pair *p);
void native_pair_free(struct native_pair *p);

/* native_asks.c: more copies of pairs that grow, until enough of what they made lives on. */
void native_asks_poll(struct native_stacks *n, uint64_t now_ns);

#endif
