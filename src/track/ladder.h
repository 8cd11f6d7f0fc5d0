/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The survivor ladder: objects whose birth was seen are looked at again after 0.2, 1, 3, 10, 30, 60
 * seconds; one that is still there with the same fingerprint survived. */
#ifndef PYLEAK_LADDER_H
#define PYLEAK_LADDER_H

#include "heap/heap.h"
#include "judge/evidence.h"
#include "pyleak/abi.h"
#include "stacks/stacks.h"
#include "track/ladder_aim.h"

struct sample {
	uint64_t addr, type, stack;
	uint64_t birth; /* its number in the record of births */
	uint64_t born_ns, due_ns;
	uint64_t collections; /* full collections when it was born */
	uint64_t nth;	      /* births of its type until its window's end, see struct survivor */
	float weight;	      /* samples this one stands for, after thinning */
	uint32_t burst;	      /* number of the burst that saw it */
	uint8_t rung;	      /* rungs passed: 0 = none yet */
	uint8_t parts;
	bool gc;
	bool partial;	/* not all sites were probed when it was born */
	bool ambiguous; /* its content was seen on other samples too: not identified beyond doubt */
	bool is_told;	/* its stack was, in the window that saw it: the names are its own */
	struct {
		uint64_t addr;
		uint32_t bytes;
		int8_t cls;
	} part[HEAP_MAX_PARTS];
	uint64_t bytes;
	struct heap_fingerprint fp;
};

struct ladder;

struct ladder_stats {
	uint64_t taken;	      /* births that became samples */
	uint64_t unsettled;   /* their address was born again before the burst ended */
	uint64_t gone;	      /* dead or changed before the first look */
	uint64_t voided;      /* births of bursts whose record is not whole */
	uint64_t died;	      /* on the ladder */
	uint64_t code_reused; /* survivors with code on their stack that has no name any more */
	uint64_t no_stack;    /* survivors whose stack is not known */
	uint64_t thinned;     /* left out to bound memory; the others' weights make up for it */
};

int ladder_new(struct heap *h, struct stacks *st, struct ladder **out);
void ladder_free(struct ladder *l);

/* A window begins: new stacks are told from here on. */
void ladder_begin(struct ladder *l, uint64_t now_ns);
/* One burst in three steps, while the probes are attached and after. [@from, @to): births recorded
 * after the attach was complete. Reads the born objects. Returns how many of the first births
 * were not looked at, as there are too many. */
uint64_t ladder_look(struct ladder *l, const struct pl_birth *ring, uint64_t from, uint64_t to,
		     uint64_t collections, uint32_t burst, bool partial);
/* Every birth in [from, to), from the first of the look on, kills what the look saw of one before
 * it at its address: records are numbered before they are written. False when one is not written
 * yet: there was no look. */
bool ladder_kill_new(struct ladder *l, const struct pl_birth *ring, uint64_t from, uint64_t to);
/* Every birth in [from, to) kills older samples at its address. */
void ladder_kill_old(struct ladder *l, const struct pl_birth *ring, uint64_t from, uint64_t to);
/* The samples that the last look saw, until they are admitted or dropped; addr 0 = dead. */
const struct sample *ladder_looked_at(const struct ladder *l, size_t *n);
/* The samples that are left of the look go onto the ladder. */
void ladder_admit(struct ladder *l);
/* The burst's record is not whole: drop the look. */
void ladder_drop_look(struct ladder *l, uint64_t births);

/* The last look was at all births of @aim alone: what it saw of others goes, for their births
 * elsewhere were not seen, and one of those may be what lives at the address. */
void ladder_keep(struct ladder *l, const struct ladder_aim *aim);
/* Partial windows since @burst were blind to some births of @missed: drop what they saw of it, on
 * the ladder and in the last look. */
void ladder_drop_partial(struct ladder *l, uint32_t burst, const struct ladder_aim *missed);

/* Re-read what is due. Returns when the next one is due (0 = nothing on the ladder). */
uint64_t ladder_climb(struct ladder *l, uint64_t now_ns);

const struct sample *ladder_samples(const struct ladder *l, size_t *n);
/* Stack -> so many of its survivors (by weight) that died later, as far as is known. */
const struct map64 *ladder_deaths(const struct ladder *l);
const struct ladder_stats *ladder_stats(const struct ladder *l);

#endif
