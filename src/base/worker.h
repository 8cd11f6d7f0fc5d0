/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A job on a thread of its own, at nice 0: it rests while it works, and ends when it is told to or
 * when its time is over. What the job and its owner share is under @lock, and @wake says that it
 * has changed. Embedded in what it works for. */
#ifndef PYLEAK_BASE_WORKER_H
#define PYLEAK_BASE_WORKER_H

#include <stdatomic.h>

#include "base/thread.h"

#define WORKER_FOREVER (UINT64_MAX / 4) /* sums of it do not wrap */
/* A job looks up all the time, but not within a system call on a machine that is overloaded:
 * nobody waits longer for that at Ctrl-C. */
#define WORKER_STOP_NS 2000000000ull

struct worker {
	/* Set before worker_start(). */
	void (*job)(void *arg);
	void *arg;
	uint64_t quick_ns; /* of CPU time: worker_pace() lets it work for so long without a rest */
	/* When worker_pace() ends it, by clock_ns(); 0 = never. */
	atomic_uint_least64_t deadline_ns;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_bool stop;  /* the job is to end */
	atomic_bool hurry; /* somebody waits for it: no rest */
	atomic_bool is_done;

	pthread_t thread;
	uint64_t paced_ns; /* CPU time as of the last rest */
};

/* For the owner, from one thread. */

/* Negative errno, with the sentence. */
int worker_start(struct worker *w);
bool worker_is_done(struct worker *w);
/* Waits for its end, up to @wait_ns, in which it does not rest. False: it goes on as before. */
bool worker_await(struct worker *w, uint64_t wait_ns);
/* It has @wait_ns left and does not rest any more: waits for its end, WORKER_STOP_NS longer. False:
 * it goes on, and what it uses must stay. */
bool worker_join(struct worker *w, uint64_t wait_ns);
/* Tells it to end as well. False: it is in a system call that does not return; it is left alone,
 * and what it uses is its own for good. */
bool worker_stop(struct worker *w, uint64_t wait_ns);

/* For the job, which may last for long: */

/* False when it is to end. Rests, but when somebody waits for it. */
bool worker_rest(struct worker *w, uint64_t ns);
/* Likewise, though somebody may wait: the time is a part of the job. */
bool worker_sleep(struct worker *w, uint64_t ns);
/* Called again and again in a long walk: for each ms of CPU time it sleeps two, so that a target
 * with one CPU does not stand still. -ECANCELED: it is to end; -ETIME: the deadline has passed. */
int worker_pace(struct worker *w);

/* For both, with the lock held: waits for a word of the other. False when @until_ns is over. */
bool worker_wait(struct worker *w, uint64_t until_ns);

#endif
