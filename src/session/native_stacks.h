/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Native stacks of a session, and how they join with Python's. For the files of "blocks". */
#ifndef PYLEAK_NATIVE_STACKS_H
#define PYLEAK_NATIVE_STACKS_H

#include "base/map64.h"
#include "places/evaluator.h"
#include "sym/native_ways.h"
#include "sym/sym.h"
#include "track/native.h"

struct observation;
struct session;

#define NATIVE_ASKS 8 /* pairs that are requested at a time */

struct native_ask {
	struct pl_native_pair pair;
	struct pl_native_ask of; /* which blocks; their number and rarity change */
};

/* Requests that the kernel half has been given. */
struct native_asks {
	struct native_ask v[NATIVE_ASKS];
	size_t n;
	int fd;	      /* the map of requests */
	bool is_kept; /* a pair stays in the map without a request */
};

struct native_stacks {
	struct session *s;
	struct native *native;
	struct sym *sym;
	struct ring_buffer *ring;
	struct native_asks blocks, births;
	uint64_t looked_ns;
	struct map64 by_pair; /* hash of the key -> struct native_pair * */
	size_t bytes;	      /* bytes of all pairs when last counted, and of what came since */
	double allowed;
	uint64_t refilled_ns, trimmed_ns;
	struct code_range eval[512]; /* the evaluator: a function and its cold parts, or handlers */
	size_t n_eval;
};

/* @native: has the blocks; borrowed. */
int native_stacks_open(struct session *s, struct native *native, struct native_stacks **out);
void native_stacks_close(struct native_stacks *n);
/* Unwinds copies that have come, and allows the kernel half more. */
void native_stacks_poll(struct native_stacks *n);
/* Tells the ways through C code, with names, of all that grew or survives. */
int native_stacks_observe(struct native_stacks *n, const struct observation *to);

struct native_pair *native_pair_of(const struct native_stacks *n, uint64_t stack, uint64_t caller);
uint64_t native_pair_hash(uint64_t stack, uint64_t caller);

/* native_asks.c: requests copies of pairs that grow. */
void native_asks_poll(struct native_stacks *n, uint64_t now_ns);

#endif
