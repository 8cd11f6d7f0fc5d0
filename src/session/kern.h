/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel half of one session: opened, configured for this target, loaded, its maps mapped. */
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
	struct probe_channel *channel; /* to the guardian; NULL: this process switches */
	uint32_t trips;		       /* times the guardian took out what was in, as last seen */
	uint64_t stood_still;	       /* times that we did, with probes in */
	bool guard_ended;	       /* that the guardian has ended was noticed */
	uint64_t out_ns;	  /* since when probes that are to be in are not; 0 = they are */
	struct pl_pids pids;	  /* the target, as the programs know it */
	enum fds_means fds_means; /* what was loaded for descriptors */
	struct pyleak_bpf *skel;
	struct ring_buffer *ring; /* of new stacks */
	uint64_t read_until_ns;	  /* it is read; then the rest waits */
	int birth_fd, death_fd;	  /* the programs for births and deaths */
	bool one_at_a_time;	  /* it records one birth at a time */
	const struct pl_birth *births;
	pl_birth_died *died; /* one for each of them */
	volatile struct pl_stats *stats;
};

/* Joins the guardian, if there is one, for probes at @n_sites; then into the kernel. 1, with
 * the sentence: not now, as it could not be tried how probes are placed. -ENODATA, and the
 * sentence: not here. */
int kern_load(struct session *s, size_t n_sites);
void kern_close(struct kern *k);
/* Copies the code of new stacks; what is left at @until_ns waits. True: there were some. */
bool kern_read_ring(struct kern *k, uint64_t until_ns);
/* These stacks have been forgotten here: they are to be told again when they come back. */
void kern_forget_stacks(struct kern *k, const uint64_t *id, size_t n);

#endif
