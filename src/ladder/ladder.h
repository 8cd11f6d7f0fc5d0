/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The survivor ladder: looks again at objects whose birth was seen, after 0.2, 1, 3, 10, 30, 60
 * seconds. One that is still there with the same fingerprint has survived. */
#ifndef PYLEAK_LADDER_H
#define PYLEAK_LADDER_H

#include "heap/heap.h"
#include "evidence/evidence.h"
#include "pyleak/abi.h"
#include "stacks/stacks.h"
#include "ladder/aim.h"

struct sample {
	/* First what passes over all samples look at, so that they read few lines of the cache. */
	uint64_t addr, due_ns;
	float weight; /* samples that this one stands for, after thinning */
	uint8_t rung; /* rungs passed: 0 = none yet */
	uint8_t parts;
	bool gc;
	bool partial;	/* not all sites were probed when it was born */
	bool ambiguous; /* other samples have its content, so it is not identified beyond doubt */
	bool is_told;	/* its stack was told in the window that saw it, so the names are its own */
	uint32_t burst; /* number of the burst that saw it */
	uint64_t type, stack;
	uint64_t birth; /* number of its birth in the record */
	uint64_t born_ns;
	uint64_t collections; /* full collections when it was born */
	uint64_t nth;	      /* births of its type up to its window's end, see struct survivor */
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
	uint64_t unsettled;   /* another was born at their address before the burst ended */
	uint64_t gone;	      /* dead or changed before the first look */
	uint64_t voided;      /* births of bursts whose record is not whole */
	uint64_t died;	      /* died on the ladder */
	uint64_t code_reused; /* survivors whose stack has code without a name by now */
	uint64_t no_stack;    /* survivors whose stack is not known */
	uint64_t thinned;     /* left out to bound memory; others weigh more for it */
};

int ladder_new(struct heap *h, struct stacks *st, struct ladder **out);
void ladder_free(struct ladder *l);

/* Begins a window: from here on new stacks are told. */
void ladder_begin(struct ladder *l, uint64_t now_ns);
/* First of three steps of a burst, while the probes are attached: reads the objects born in [@from,
 * @to), births recorded after the attach was complete. Returns how many of the first births were
 * not looked at, as there are too many. */
uint64_t ladder_look(struct ladder *l, const struct pl_birth *ring, uint64_t from, uint64_t to,
		     uint64_t collections, uint32_t burst, bool partial);
/* Second step: each birth in [from, to) that follows the first of the look kills what the look saw
 * at its address before: records are numbered before they are written. False when one is not
 * written yet; then there was no look. */
bool ladder_kill_new(struct ladder *l, const struct pl_birth *ring, uint64_t from, uint64_t to);
/* Third step: each birth in [from, to) kills older samples at its address. */
void ladder_kill_old(struct ladder *l, const struct pl_birth *ring, uint64_t from, uint64_t to);
/* The samples of the last look, until they are admitted or dropped; addr 0 = dead. */
const struct sample *ladder_looked_at(const struct ladder *l, size_t *n);
/* Puts the samples that are left of the look onto the ladder. */
void ladder_admit(struct ladder *l);
/* Drops the look, as the burst's record is not whole. */
void ladder_drop_look(struct ladder *l, uint64_t births);

/* Keeps only samples of @aim in the last look, which saw all of their births: others may have been
 * born elsewhere, unseen, at the same address. */
void ladder_keep(struct ladder *l, const struct ladder_aim *aim);
/* Drops samples of @missed that partial windows since @burst saw, on the ladder and in the last
 * look: those windows did not see all births of it. Those that stay have no number among them. */
void ladder_drop_partial(struct ladder *l, uint32_t burst, const struct ladder_aim *missed);

/* Reads the samples that are due. Returns when the next one is (0 = the ladder is empty). */
uint64_t ladder_climb(struct ladder *l, uint64_t now_ns);

const struct sample *ladder_samples(const struct ladder *l, size_t *n);
/* Stack -> survivors (by weight) that are known to have died later. */
const struct map64 *ladder_deaths(const struct ladder *l);
const struct ladder_stats *ladder_stats(const struct ladder *l);

#endif
