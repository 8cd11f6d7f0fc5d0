/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Runs a job on a thread of its own, at nice 0: it rests now and then, and ends when it is told to
 * or when its time is over. Data that the job and its owner share is under @lock, and @wake is
 * broadcast when it changes. A struct worker is embedded in the owner's. */
#ifndef PYLEAK_BASE_WORKER_H
#define PYLEAK_BASE_WORKER_H

#include <stdatomic.h>

#include "base/thread.h"

#define WORKER_FOREVER (UINT64_MAX / 4) /* so small that sums do not wrap */
/* Longest wait for a job after its time is over, at Ctrl-C for example: it checks its time often,
 * but may be in a system call on an overloaded machine. */
#define WORKER_STOP_NS 2000000000ull

struct worker {
	/* set by the owner before worker_start() */
	void (*job)(void *arg);
	void *arg;
	uint64_t quick_ns; /* CPU time in which worker_pace() does not rest yet */
	/* time of clock_ns() when worker_pace() ends it; 0 = never */
	atomic_uint_least64_t deadline_ns;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_bool stop;  /* the job is to end */
	atomic_bool hurry; /* somebody waits for the job, so it does not rest */
	atomic_bool is_done;

	pthread_t thread;
	uint64_t paced_ns; /* CPU time as of the last rest */
};

/* The owner calls these, from one thread. */

/* Starts the job. Negative errno, with the sentence. */
int worker_start(struct worker *w);
bool worker_is_done(struct worker *w);
/* Waits for the end of the job, for @wait_ns at most, in which it does not rest. False: it has not
 * ended, and rests again. */
bool worker_await(struct worker *w, uint64_t wait_ns);
/* Tells the job to end, and does not wait: it may end beside what is done until worker_stop(). */
void worker_cancel(struct worker *w);
/* Gives the job @wait_ns more, without rests, and waits for its end WORKER_STOP_NS longer. False:
 * it has not ended, and the memory it uses must stay. */
bool worker_join(struct worker *w, uint64_t wait_ns);
/* Does the same, and tells the job to end. False: it is in a system call that does not return; the
 * thread is detached, and the memory it uses must stay for good. */
bool worker_stop(struct worker *w, uint64_t wait_ns);

/* The job calls these. */

/* Rests for @ns, or until somebody waits for it. False: it is to end. */
bool worker_rest(struct worker *w, uint64_t ns);
/* Sleeps for @ns even if somebody waits, as the time is a part of the job. False: it is to end. */
bool worker_sleep(struct worker *w, uint64_t ns);
/* Rests as needed: to be called often in a long walk. For each ms of CPU time it sleeps two, so
 * that a target with one CPU does not stand still. -ECANCELED: it is to end; -ETIME: the deadline
 * has passed; both with the sentence. */
int worker_pace(struct worker *w);

/* Both call this, with the lock held: waits for @wake. False: @until_ns, a time of clock_ns(), is
 * over. */
bool worker_wait(struct worker *w, uint64_t until_ns);

#endif
