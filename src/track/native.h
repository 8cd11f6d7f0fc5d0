/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Native blocks of one process: what malloc and mmap gave and nobody gave back, by Python stack and
 * caller. Exact and permanent where the rate of calls fits what it may cost, else short windows
 * whose survivors are judged from outside. Not thread-safe.
 */
#ifndef PYLEAK_NATIVE_TRACK_H
#define PYLEAK_NATIVE_TRACK_H

#include "heap/heap.h"
#include "judge/evidence.h"
#include "ledger/ledger.h"
#include "probe/probe.h"
#include "pyleak/native.h"

struct native;
struct pyleak_bpf; /* the skeleton, build/pyleak.skel.h */

enum native_state {
	NATIVE_OFF,   /* native_note() says why */
	NATIVE_EXACT, /* every block since the start (or since the last resume) */
	NATIVE_BURST, /* samples; the mmap family is exact even so */
};

struct native_spec {
	const struct proc *proc; /* borrowed, as all the others */
	struct heap *heap;	 /* NULL: arenas and object bodies cannot be told from the rest */
	/* Loaded, with config set (tgid, walk, min_size, max_size) and every program's expected
	 * attach type set to probe_attach_type(mechanism) before the load. */
	struct pyleak_bpf *skel;
	enum probe_mechanism mechanism;
	struct probe_channel *channel; /* to who switches the probes; NULL: this process */
	struct account *account; /* borrowed: what tracing may cost the target, and what it does */
	uint64_t older_ns;	 /* younger blocks are not reported */
	bool force_exact;	 /* whatever it costs */
};

/* Finds libc, places the probes, meters the calls for some 20 ms and decides. A target without a
 * libc we know is no error: the state is NATIVE_OFF. */
int native_open(const struct native_spec *spec, struct native **out);
void native_close(struct native *n);

enum native_state native_state(const struct native *n);
const char *native_note(const struct native *n); /* a sentence; "" when all is well */

/* To be called every 100 - 500 ms: bursts that are due, samples of the series, change of state.
 * A burst blocks for some 20 ms. */
int native_poll(struct native *n);
/* Probes out and in again. What lived before a pause is forgotten: its end may have gone unseen. */
void native_pause(struct native *n);
int native_resume(struct native *n);

/* Let the kernel half send @n stacks; what it has not used of the last allowance is taken back.
 * Returns what is left for the next time. */
double native_allow_copies(struct native *n, double allowed);

struct native_sites {
	struct native_site *v; /* most live bytes first */
	size_t n;
	uint64_t left_out; /* blocks, because there were more sites than the table holds */
};

/* Sites with live blocks, without the arenas of pymalloc. */
int native_sites(struct native *n, struct native_sites *out);
void native_sites_free(struct native_sites *s);
/* All of them and their points, in memory of @scratch, or NULL. */
struct native_site *native_sites_copy(const struct native_sites *s, struct report *scratch);

/* How many blocks about as big as @bytes, from before we came, are freed per second of late: known
 * blocks that take their place are no growth. */
double native_unknown_per_s(const struct native *n, double bytes);
/* Every known live block (in bursts: every sample that lives, which stands for @weight of them).
 * Return not 0 to stop. */
typedef int (*native_block_fn)(void *arg, uint64_t addr, const struct pl_block *block,
			       double weight);
int native_each_block(struct native *n, native_block_fn fn, void *arg);

enum native_life {
	NATIVE_DEAD,  /* or, of windows, not among their samples */
	NATIVE_YOUNG, /* a sample that has not survived for long enough to count */
	NATIVE_LIVES,
};
/* The life of the block that was born at @addr then. */
enum native_life native_life(const struct native *n, uint64_t addr, uint64_t born_ns);

#endif
