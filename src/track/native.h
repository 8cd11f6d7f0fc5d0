/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Native blocks of one process: what malloc and mmap gave and nobody gave back, by Python stack and
 * caller. All calls are traced if their rate fits what that may cost; else short windows are, and
 * whether their blocks survive is judged from outside. Not thread-safe. */
#ifndef PYLEAK_NATIVE_TRACK_H
#define PYLEAK_NATIVE_TRACK_H

#include "heap/heap.h"
#include "evidence/evidence.h"
#include "ledger/ledger.h"
#include "probe/probe.h"
#include "pyleak/native.h"

struct native;
struct pyleak_bpf; /* the skeleton, build/pyleak.skel.h */

enum native_state {
	NATIVE_OFF,   /* native_note() says why */
	NATIVE_EXACT, /* every block since the start (or since the last resume) */
	NATIVE_BURST, /* samples; the mmap family is exact nevertheless */
};

struct native_spec {
	const struct proc *proc; /* borrowed, like all others here */
	struct heap *heap;	 /* NULL: arenas and bodies of objects cannot be told from others */
	/* Loaded with its config set (tgid, walk, min_size, max_size); each program's expected
	 * attach type is probe_attach_type(mechanism). */
	struct pyleak_bpf *skel;
	enum probe_mechanism mechanism;
	struct probe_channel *channel; /* to who switches the probes; NULL: this process */
	struct account *account;       /* borrowed: what tracing may cost the target, and costs */
	uint64_t older_ns;	       /* younger blocks are not reported */
	bool force_exact;	       /* stay exact whatever it costs */
};

/* Finds libc, places the probes, meters calls for some 20 ms, and chooses a state. Without a known
 * libc the state is NATIVE_OFF, which is no error. */
int native_open(const struct native_spec *spec, struct native **out);
void native_close(struct native *n);

enum native_state native_state(const struct native *n);
/* When this state began, by clock_ns(): blocks from before are not followed. */
uint64_t native_entered_ns(const struct native *n);
const char *native_note(const struct native *n); /* a sentence; "" when all is well */

/* To be called every 100 - 500 ms: opens bursts that are due, samples the series, changes the
 * state. A burst blocks for some 20 ms. */
int native_poll(struct native *n);
/* Take probes out and in again. Blocks from before a pause are forgotten, since their ends may go
 * unseen. */
void native_pause(struct native *n);
int native_resume(struct native *n);

/* Lets the kernel half send @allowed stacks, and takes back what it has not used of the last
 * allowance. Returns what is left for the next time. */
double native_allow_copies(struct native *n, double allowed);

struct native_sites {
	struct native_site *v; /* most live bytes first */
	size_t n;
	uint64_t left_out; /* blocks of sites that the table has no room for */
};

/* Sites with live blocks, without the arenas of pymalloc. */
int native_sites(struct native *n, struct native_sites *out);
void native_sites_free(struct native_sites *s);
/* Copies all sites and their points to memory of @scratch; NULL without memory. */
struct native_site *native_sites_copy(const struct native_sites *s, struct report *scratch);

/* Frees per second, of late, of blocks from before the watch about as big as @bytes: known blocks
 * that take their place are no growth. */
double native_unknown_per_s(const struct native *n, double bytes);
/* Calls @fn for each known live block; in bursts for each sample that lives, which stands for
 * @weight blocks. @fn returns not 0 to stop. */
typedef int (*native_block_fn)(void *arg, uint64_t addr, const struct pl_block *block,
			       double weight);
int native_each_block(struct native *n, native_block_fn fn, void *arg);

enum native_life {
	NATIVE_DEAD,  /* or not among the samples of windows */
	NATIVE_YOUNG, /* a sample that has not survived for long enough to count */
	NATIVE_LIVES,
};
/* Does the block live that was born at @addr at @born_ns? */
enum native_life native_life(const struct native *n, uint64_t addr, uint64_t born_ns);

#endif
