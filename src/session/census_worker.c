/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The thread that takes censuses. It has its own view of the process; what it hands over is a
 * report of its own, replaced as a whole under a lock. */
#include "session/census_worker.h"

#include "census/census.h"
#include "memory/view.h"

#define FIRST_NS    2000000000 /* others have more urgent things to do at the start */
#define MIN_WAIT_NS 5000000000
#define SOME	    4
#define MAX_WAIT_NS 600000000000
/* What a first census costs, before it is known: ns per byte of resident memory.
 */
#define GUESS_NS_PER_BYTE 1.2

struct census_worker {
	struct worker worker;
	double share;
	int pid;
	uint64_t start_ticks;
	unsigned n_taken;

	struct report *latest; /* under the lock */
	struct report_process process;
};

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
	pthread_mutex_lock(&w->worker.lock);
	old = w->latest;
	w->latest = r;
	w->process = p;
	pthread_mutex_unlock(&w->worker.lock);
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
	if (cost > MIN_WAIT_NS * w->share && !worker_rest(&w->worker, pause_for(w, cost)))
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
		if (!worker_rest(&w->worker, pause_for(w, (double)(thread_cpu_ns() - begin))))
			return;
	}
}

static void work(void *arg)
{
	struct census_worker *w = arg;
	struct py_runtime *rt = NULL;
	struct proc *p = NULL;
	struct census *c = NULL;

	if (!worker_rest(&w->worker, FIRST_NS))
		return;
	if (!proc_open(w->pid, &p) && p->start_ticks == w->start_ticks && !py_open(p, &rt) &&
	    !census_new(rt, &c)) {
		census_watch_by(c, view_pace, &w->worker);
		censuses(w, p, c);
	} else if (!w->worker.stop) {
		log_debug("no census of %d: %s", w->pid, fail_text());
	}
	census_free(c);
	py_close(rt);
	proc_close(p);
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
	w->worker = (struct worker){.job = work, .arg = w};
	err = worker_start(&w->worker);
	if (err)
		free(w);
	else
		*out = w;
	return err ? fail_in(err, "no census") : 0;
}

void census_worker_stop(struct census_worker *w)
{
	if (!w || !worker_stop(&w->worker, 0))
		return;
	report_free(w->latest);
	free(w);
}

int census_worker_fill(struct census_worker *w, struct report *r, struct report_process *p)
{
	int err = 0;

	if (!w)
		return 0;
	pthread_mutex_lock(&w->worker.lock);
	if (w->latest)
		err = report_copy_population(r, &w->process, p);
	pthread_mutex_unlock(&w->worker.lock);
	return err;
}
