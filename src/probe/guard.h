/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guardian: a small process that holds every breakpoint of this tool and does nothing else.
 *
 * Probes live as long as the descriptors they hang at. Were these ours, a tool that is stopped
 * (Ctrl-Z, a frozen cgroup), starved or waiting in the kernel would leave its breakpoints in the
 * target, and one that is killed while it takes them out might leave them for good. So a process
 * of its own switches them, on request. It looks for our heartbeat: without one for two seconds it
 * takes all probes out, and when we have ended it does so and ends.
 *
 *	probe_guard_start()	once, early: before other threads, and before rights are given up;
 *the guardian gives up its own as it is told probe_guard_join()	a channel for each session:
 *requests of two channels do not wait for each other, unless the kernel makes them
 *	probe_set_spec.guard	the channel; then probe_set_on() and the others are requests
 */
#ifndef PYLEAK_PROBE_GUARD_H
#define PYLEAK_PROBE_GUARD_H

#include "base/base.h"

enum probe_mechanism;

struct probe_guard;
struct probe_channel;

/* Without a heartbeat for so long the probes are taken out. */
#define PROBE_GUARD_PATIENCE_NS 2000000000ull
/* So long its end is waited for where others would kill it at ours: less than the 60 s after which
 * a container is killed as a whole (packaging/kubernetes). */
#define PROBE_GUARD_LAST_PATIENCE_NS 50000000000ull

struct probe_guard_opts {     /* may be NULL, all of them */
	int (*confine)(void); /* in the guardian, first of all; what it fails with is the result */
	/* Is this process to end? Then nothing is waited for that takes long (-ECANCELED): the
	 * guardian ends by itself, after it has taken out what is in. */
	bool (*is_cancelled)(void);
	bool ends_with_us; /* probe_guard_would_end() */
};

/* Would others end the guardian when this process ends? Where that cannot be told, yes. */
bool probe_guard_would_end(void);

int probe_guard_start(const struct probe_guard_opts *o, struct probe_guard **out);
/* 0, or the sentence that it has ended, of its own accord or by another's: no probe can be set. */
int probe_guard_check(const struct probe_guard *g);
/* Ends the guardian: what is still in is taken out. Waits for that, unless an answer was given up
 * (is_cancelled, or storage): then only where our end would be its own, and 50 s at most. NULL is
 * fine. */
void probe_guard_stop(struct probe_guard *g);

/* "The tool works": from any thread, a few nanoseconds. */
void probe_guard_beat(struct probe_guard *g);
/* How often the guardian has taken probes out of its own accord, and the heartbeat after which it
 * did so last. A set that was on then is off now. */
uint32_t probe_guard_trips(const struct probe_guard *g, uint64_t *when_ns);
/* Did a change of probes wait, after @since_ns, for a read of target memory that hung? */
bool probe_guard_read_hung(const struct probe_guard *g, uint64_t since_ns);
/* To be written to, one byte, when this process is about to be stopped: write() may be called in
 * a signal handler. Then the guardian does not wait for two seconds. */
int probe_guard_alarm_fd(const struct probe_guard *g);
/* Its process, where others would kill it at our end; 0: it may outlive us. */
int probe_guard_ends_with_us(const struct probe_guard *g);

/* One thread at a time uses a channel. Where a set takes 45 s to open or to go in, as storage does
 * not answer, the channel is given up: -ENOTSUP from then on, and the guardian takes out what it
 * holds. */
int probe_guard_join(struct probe_guard *g, struct probe_channel **out);
void probe_guard_leave(struct probe_channel *c); /* with all of its sets; NULL is fine */
/* From here on the guardian takes out all that the channel holds, beside other channels', and
 * nobody waits for that but probe_guard_stop(): taking out and closing are done at once, all else
 * fails. NULL is fine. */
void probe_guard_hang_up(struct probe_channel *c);

/* As probe_choose_for(), with the guardian's rights. */
int probe_guard_choose(struct probe_channel *c, int pid, size_t n, enum probe_mechanism *out);
/* As probe_event_ns(), of what was chosen last. */
double probe_guard_event_ns(const struct probe_guard *g);
/* Children that were forked while sets of the channel are on, and inherited their probes, lose
 * them; waits for nothing, but the next request does. Then, until it is done: -EINPROGRESS; with
 * the number of places it was for. */
int probe_guard_shed(struct probe_channel *c);
int probe_guard_shed_done(struct probe_channel *c, size_t *sites);
/* Is an answer of the guardian being waited for, however long it takes? From any thread. */
bool probe_guard_is_awaited(const struct probe_guard *g);
/* The sentence, when changes of probes take so long here that none are made any more; else NULL. */
const char *probe_guard_ended(const struct probe_guard *g);

#endif
