/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/worker.h"

#include <time.h>

#define REST	 2	   /* it sleeps so many times as long as it works */
#define LEAST_NS 1000000   /* work that is rested for at once, at least ... */
#define MOST_NS	 500000000 /* ... and at most: for more it does not rest */

/* Makes a condition whose timed waits go by clock_deadline(). */
static void cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

static void *run(void *arg)
{
	struct worker *w = arg;

	thread_calm();
	w->job(w->arg);
	pthread_mutex_lock(&w->lock);
	w->is_done = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void forget(struct worker *w)
{
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
}

int worker_start(struct worker *w)
{
	int err;

	w->stop = w->hurry = w->is_done = false;
	if (!w->deadline_ns)
		w->deadline_ns = WORKER_FOREVER;
	w->paced_ns = 0;
	pthread_mutex_init(&w->lock, NULL);
	cond_init(&w->wake);
	err = thread_start(&w->thread, run, w);
	if (!err)
		return 0;
	forget(w);
	return fail(err, "no thread could be started: %s", strerror(-err));
}

bool worker_is_done(struct worker *w)
{
	return w->is_done;
}

bool worker_wait(struct worker *w, uint64_t until_ns)
{
	const struct timespec until = clock_deadline(until_ns);

	return pthread_cond_timedwait(&w->wake, &w->lock, &until) != ETIMEDOUT;
}

bool worker_await(struct worker *w, uint64_t wait_ns)
{
	uint64_t until_ns = clock_ns() + wait_ns;

	pthread_mutex_lock(&w->lock);
	w->hurry = true;
	pthread_cond_broadcast(&w->wake);
	while (!w->is_done && worker_wait(w, until_ns))
		;
	w->hurry = w->is_done || w->stop;
	pthread_mutex_unlock(&w->lock);
	return w->is_done;
}

void worker_cancel(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->stop = w->hurry = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

static bool end(struct worker *w, uint64_t wait_ns, bool stop)
{
	uint64_t deadline_ns = clock_ns() + wait_ns;
	bool is_done;

	pthread_mutex_lock(&w->lock);
	w->stop = w->stop || stop;
	w->hurry = true;
	if (deadline_ns < w->deadline_ns)
		w->deadline_ns = deadline_ns;
	pthread_cond_broadcast(&w->wake);
	while (!w->is_done && worker_wait(w, deadline_ns + WORKER_STOP_NS))
		;
	is_done = w->is_done;
	pthread_mutex_unlock(&w->lock);
	if (!is_done)
		return false;
	pthread_join(w->thread, NULL);
	forget(w);
	return true;
}

bool worker_join(struct worker *w, uint64_t wait_ns)
{
	return end(w, wait_ns, false);
}

bool worker_stop(struct worker *w, uint64_t wait_ns)
{
	bool is_done = end(w, wait_ns, true);

	if (!is_done)
		pthread_detach(w->thread);
	return is_done;
}

static bool sleep_for(struct worker *w, uint64_t ns, bool is_rest)
{
	uint64_t until_ns = clock_ns() + ns;

	pthread_mutex_lock(&w->lock);
	while (!w->stop && !(is_rest && w->hurry) && worker_wait(w, until_ns))
		;
	pthread_mutex_unlock(&w->lock);
	return !w->stop;
}

bool worker_rest(struct worker *w, uint64_t ns)
{
	return sleep_for(w, ns, true);
}

bool worker_sleep(struct worker *w, uint64_t ns)
{
	return sleep_for(w, ns, false);
}

int worker_pace(struct worker *w)
{
	uint64_t now = thread_cpu_ns(), worked = now - w->paced_ns;
	const struct timespec nap = timespec_of_ns(worked * REST);

	if (w->stop)
		return fail(-ECANCELED, "it was given up");
	if (clock_ns() >= w->deadline_ns)
		return fail(-ETIME, "it took too long");
	if (now < w->quick_ns || worked < LEAST_NS || w->hurry)
		return 0;
	w->paced_ns = now;
	if (worked < MOST_NS)
		nanosleep(&nap, NULL);
	return 0;
}
