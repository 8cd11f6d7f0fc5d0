/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The thread that takes censuses. It has its own view of the process; what it hands over is a
 * report of its own, replaced as a whole under a lock. */
#include "session/census_worker.h"

#include <stdatomic.h>
#include <time.h>

#include "base/thread.h"
#include "census/census.h"
#include "heap/heap.h"

#define FIRST_NS    2000000000 /* others have more urgent things to do at the start */
#define STOP_S	    2
#define MIN_WAIT_NS 5000000000
#define SOME	    4
#define MAX_WAIT_NS 600000000000
#define REST	    2 /* while it walks, it sleeps that many times as long as it works */
/* What a first census costs, before it is known: ns per byte of resident memory.
 */
#define GUESS_NS_PER_BYTE 1.2

struct census_worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_bool stop;
	double share;
	int pid;
	uint64_t start_ticks;

	uint64_t paced_ns; /* our CPU time as of the last rest */
	unsigned n_taken;

	struct report *latest; /* under the lock */
	struct report_process process;
};

/* A target with one CPU must not stand still while its heap is read. */
static int pace(const struct heap_progress *at, void *ctx)
{
	struct census_worker *w = ctx;
	uint64_t now = thread_cpu_ns(), worked = now - w->paced_ns;
	const struct timespec nap = {.tv_nsec = (long)(worked * REST)};

	(void)at;
	if (w->stop)
		return fail(-ECANCELED, "the census was given up");
	if (worked < 1000000)
		return 0;
	w->paced_ns = now;
	if (worked * REST < 1000000000)
		nanosleep(&nap, NULL);
	return 0;
}

/* False when it is time to end. */
static bool rest(struct census_worker *w, uint64_t ns)
{
	uint64_t until = clock_ns() + ns;
	const struct timespec at = {
		.tv_sec = (time_t)(until / 1000000000u),
		.tv_nsec = (long)(until % 1000000000u),
	};

	pthread_mutex_lock(&w->lock);
	while (!w->stop && clock_ns() < until)
		pthread_cond_timedwait(&w->wake, &w->lock, &at);
	pthread_mutex_unlock(&w->lock);
	return !w->stop;
}

static int publish(struct census_worker *w, struct census *c)
{
	struct report_process p = {0};
	struct report *r, *old;
	int err = report_new(&r);

	if (err)
		return err;
	err = census_fill(c, r, &p, false);
	if (err) {
		report_free(r);
		return err;
	}
	pthread_mutex_lock(&w->lock);
	old = w->latest;
	w->latest = r;
	w->process = p;
	pthread_mutex_unlock(&w->lock);
	report_free(old);
	return 0;
}

/* As long as it takes for @cost to be no more than our share; longer when there are some already.
 */
static uint64_t pause_for(const struct census_worker *w, double cost_ns)
{
	double wait = cost_ns / w->share, least = w->n_taken < SOME ? MIN_WAIT_NS : 2 * MIN_WAIT_NS;

	return wait < least ? (uint64_t)least : wait > MAX_WAIT_NS ? MAX_WAIT_NS : (uint64_t)wait;
}

static void censuses(struct census_worker *w, const struct proc *p, struct census *c)
{
	struct proc_memory m;
	double cost;

	/* A large heap waits until it is known that somebody watches for long. */
	cost = proc_memory(p, &m) ? 0 : (double)m.rss_bytes * GUESS_NS_PER_BYTE;
	if (cost > MIN_WAIT_NS * w->share && !rest(w, pause_for(w, cost)))
		return;
	for (;;) {
		uint64_t begin = thread_cpu_ns();
		int err = census_take(c);

		w->n_taken++;
		/* Half of a dead process's heap is nobody's heap. */
		if (!proc_alive(p) || proc_execed(p))
			return;
		if (!err)
			err = publish(w, c);
		if (err == -ENOTSUP || err == -ECANCELED)
			return;
		if (err)
			log_debug("census of %d: %s", w->pid, fail_text());
		if (!rest(w, pause_for(w, (double)(thread_cpu_ns() - begin))))
			return;
	}
}

static void *work(void *arg)
{
	struct census_worker *w = arg;
	struct py_runtime *rt = NULL;
	struct proc *p = NULL;
	struct census *c = NULL;

	thread_calm();
	if (!rest(w, FIRST_NS))
		return NULL;
	if (!proc_open(w->pid, &p) && p->start_ticks == w->start_ticks && !py_open(p, &rt) &&
	    !census_new(rt, &c)) {
		census_watch_by(c, pace, w);
		censuses(w, p, c);
	} else if (!w->stop) {
		log_debug("no census of %d: %s", w->pid, fail_text());
	}
	census_free(c);
	py_close(rt);
	proc_close(p);
	return NULL;
}

int census_worker_start(const struct proc *p, double share, struct census_worker **out)
{
	struct census_worker *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return fail(-ENOMEM, "out of memory");
	w->pid = p->pid;
	w->start_ticks = p->start_ticks;
	w->share = share;
	pthread_mutex_init(&w->lock, NULL);
	thread_cond_init(&w->wake);
	err = thread_start(&w->thread, work, w);
	if (err) {
		free(w);
		return fail(err, "no thread for the census: %s", strerror(-err));
	}
	*out = w;
	return 0;
}

void census_worker_stop(struct census_worker *w)
{
	struct timespec limit;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	/* It looks at the flag all the time, but not within a system call on a machine that is
	 * overloaded: nobody waits for that at Ctrl-C. What it has then goes with us. */
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += STOP_S;
	if (pthread_timedjoin_np(w->thread, NULL, &limit)) {
		pthread_detach(w->thread);
		return;
	}
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	report_free(w->latest);
	free(w);
}

int census_worker_fill(struct census_worker *w, struct report *r, struct report_process *p)
{
	int err = 0;

	if (!w)
		return 0;
	pthread_mutex_lock(&w->lock);
	if (w->latest)
		err = report_copy_population(r, &w->process, p);
	pthread_mutex_unlock(&w->lock);
	return err;
}
