/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel half of one session: configures it for the target, loads it, and maps its maps. */
#ifndef PYLEAK_SESSION_KERN_H
#define PYLEAK_SESSION_KERN_H

#include "probe/guard.h"
#include "probe/probe.h"
#include "track/fds.h"
#include "track/pids.h"

struct pyleak_bpf;
struct ring_buffer;
struct session;

struct kern {
	enum probe_mechanism mechanism;
	struct probe_channel *channel; /* to the guardian; NULL: this process switches probes */
	uint32_t trips;		       /* times the guardian took probes out, as last seen */
	uint64_t stood_still;	       /* times the tool stood still while probes were in */
	bool guard_ended;	       /* it was noticed that the guardian has ended */
	uint64_t out_ns;	  /* since when probes that should be in are out; 0 = they are in */
	struct pl_pids pids;	  /* the target, as the programs know it */
	enum fds_means fds_means; /* how descriptors are watched */
	struct pyleak_bpf *skel;
	struct ring_buffer *ring; /* has new stacks */
	uint64_t read_until_ns;	  /* .ring is read until then, and the rest waits */
	int birth_fd, death_fd;	  /* the programs for births and deaths */
	bool one_at_a_time;	  /* threads must not record births at once */
	const struct pl_birth *births;
	pl_birth_died *died; /* for each of .births: was its object seen dead? */
	volatile struct pl_stats *stats;
};

/* Joins the guardian, if there is one, chooses how probes are placed at @n_sites, and loads the
 * programs. Fails with a sentence: 1 = how probes are placed cannot be tried now; -ENODATA = none
 * can be placed in this process; or another negative errno. */
int kern_load(struct session *s, size_t n_sites);
void kern_close(struct kern *k);
/* Reads new stacks and copies their code; those left at @until_ns wait. Asks for stale ones, and
 * for the next call of code that goes. True: there were some. */
bool kern_read_ring(struct session *s, uint64_t until_ns);
/* Makes the kernel half tell stacks again if they come back: they were forgotten here. */
void kern_forget_stacks(struct kern *k, const uint64_t *id, size_t n);

#endif
