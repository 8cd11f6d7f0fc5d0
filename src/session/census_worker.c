/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts objects by type. A thread takes censuses beside the main job, so that a walk over a large
 * heap never holds up a window, and seldom, so that it costs next to nothing. It has its own view
 * of the process, and hands over a report of its own, which is replaced as a whole under a lock. */
#include "base/pace.h"
#include "base/thresholds.h"
#include "census/census.h"
#include "census/copy.h"
#include "memory/view.h"
#include "session/session_priv.h"

#define SHARE	    0.01       /* part of a core that censuses may take */
#define FIRST_NS    2000000000 /* at the start others have more urgent things to do */
#define MIN_WAIT_NS 5000000000
#define SOME	    4
#define MAX_WAIT_NS 600000000000
/* The cost of a first census, before it is known: ns per byte of resident memory. */
#define GUESS_NS_PER_BYTE 1.2
/* A type grows: seconds between the censuses, and objects that it has gained. */
#define GROWS_S	     8
#define GROWS_FEWEST 60

struct census_worker {
	struct worker worker;
	bool is_running;
	int pid;
	uint64_t start_ticks;
	unsigned n_taken;
	struct report *latest; /* under the lock */
	struct report_process process;
};

static bool is_growing(const struct report_class_row *row, double span_s)
{
	double gained = row->growth_count_per_s * span_s;

	return row->name && span_s >= GROWS_S && gained >= GROWS_FEWEST &&
	       !(row->gain < gained / 2) && !(row->late < TYPE_LATE);
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
	pthread_mutex_lock(&w->worker.lock);
	old = w->latest;
	w->latest = r;
	w->process = p;
	pthread_mutex_unlock(&w->worker.lock);
	report_free(old);
	return 0;
}

/* The pause after which @cost is no more than our share; longer when there are some censuses. */
static uint64_t pause_for(const struct census_worker *w, double cost_ns)
{
	double wait = cost_ns / SHARE, least = w->n_taken < SOME ? MIN_WAIT_NS : 2 * MIN_WAIT_NS;
	uint64_t ns = pace_rarer_ns((uint64_t)(wait < least ? least : wait),
				    w->process.counted_to_s - w->process.counted_from_s);

	return ns > MAX_WAIT_NS ? MAX_WAIT_NS : ns;
}

static void censuses(struct census_worker *w, const struct proc *p, struct census *c)
{
	struct proc_memory m;
	double cost;

	/* a large heap is not counted before it is known that the watch is long */
	cost = proc_memory(p, &m) ? 0 : (double)m.rss_bytes * GUESS_NS_PER_BYTE;
	if (cost > MIN_WAIT_NS * SHARE && !worker_rest(&w->worker, pause_for(w, cost)))
		return;
	for (;;) {
		uint64_t begin = thread_cpu_ns();
		int err = census_take(c);

		w->n_taken++;
		/* a process that died may have been counted in part only */
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
		py_close_file(rt); /* its symbols: megabytes */
		census_watch_by(c, view_pace, &w->worker);
		censuses(w, p, c);
	} else if (!w->worker.stop) {
		log_debug("no census of %d: %s", w->pid, fail_text());
	}
	census_free(c);
	py_close(rt);
	proc_close(p);
}

size_t types_growing(struct census_worker *w, char (*name)[TYPES_NAME], size_t max)
{
	const struct report_process *p;
	size_t n = 0;

	if (!w || !w->is_running)
		return 0;
	p = &w->process;
	pthread_mutex_lock(&w->worker.lock);
	for (size_t i = 0; i < p->n_classes && n < max; i++)
		if (is_growing(&p->classes[i], p->counted_to_s - p->counted_from_s))
			snprintf(name[n++], TYPES_NAME, "%s", p->classes[i].name);
	pthread_mutex_unlock(&w->worker.lock);
	return n;
}

static int open_types(void *self, struct session *s)
{
	struct census_worker *w = self;

	s->types = w;
	w->pid = s->proc->pid;
	w->start_ticks = s->proc->start_ticks;
	w->worker = (struct worker){.job = work, .arg = w};
	w->is_running = !worker_start(&w->worker);
	if (!w->is_running)
		session_note(s, "no census: %s", fail_text());
	return 0;
}

static bool close_types(void *self)
{
	struct census_worker *w = self;

	if (w->is_running && !worker_stop(&w->worker, 0))
		return false;
	report_free(w->latest);
	return true;
}

/* Copies types, collector and pools of the last census; nothing before the first. The last report
 * needs no other: the thread ends beside what is still to be done. */
static int observe(void *self, const struct observation *to)
{
	struct census_worker *w = self;
	int err = 0;

	if (!w->is_running)
		return 0;
	pthread_mutex_lock(&w->worker.lock);
	if (w->latest)
		err = census_copy(to->r, &w->process, &to->e->seen);
	pthread_mutex_unlock(&w->worker.lock);
	if (to->r->final)
		worker_cancel(&w->worker);
	return err;
}

const struct source_ops types_source = {
	.size = sizeof(struct census_worker),
	.open = open_types,
	.observe = observe,
	.close = close_types,
};
