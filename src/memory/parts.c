/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "memory/parts.h"

#include <math.h>
#include <time.h>

#include "base/thread.h"
#include "base/trend.h"
#include "heap/parts.h"
#include "memory/view.h"

#define READINGS   64		 /* when they are used up, every second one goes */
#define SHARE	   100		 /* of a core: 1 % */
#define MIN_NS	   3000000000ull /* between the first readings */
#define LATER_NS   6000000000ull /* between later ones */
#define MAX_NS	   120000000000ull
#define FRESH_NS   1000000000ull /* that a final report may wait for a reading */
#define MIN_POINTS 3		 /* for a growth */

struct reading {
	double t_s;
	struct report_parts v;
};

struct parts_log {
	int pid;
	uint64_t start_ticks; /* with pid: the identity */
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	bool stop, want; /* end; read now */
	bool ended;	 /* nothing more will come */
	uint64_t cost_ns;
	struct reading reading[READINGS];
	size_t n, step, skipped; /* every step'th reading is kept; the last one always */
	struct reading last;
	bool has_last;
};

static void copy(const struct heap_parts *h, struct report_parts *out)
{
	const uint64_t bytes[PART_MAX] = {
		[PART_PYTHON_LIVE] = h->python_live,
		[PART_PYTHON_SLACK] = h->python_slack,
		[PART_MALLOC_LIVE] = h->malloc_live,
		[PART_MALLOC_SLACK] = h->malloc_slack,
		[PART_MMAP] = h->mmap,
		[PART_FILE] = h->file,
		[PART_STACKS] = h->stacks,
		[PART_OTHER] = h->other,
	};

	memcpy(out->bytes, bytes, sizeof(bytes));
	for (size_t i = 0; i < PART_MAX; i++)
		out->growth[i] = NAN;
	out->trimmable = h->trimmable;
}

static void keep(struct parts_log *l, double t_s, const struct heap_parts *h)
{
	pthread_mutex_lock(&l->lock);
	l->last.t_s = t_s;
	copy(h, &l->last.v);
	l->has_last = true;
	l->cost_ns = h->cost_ns;
	l->want = false;
	pthread_cond_broadcast(&l->wake);
	if (++l->skipped >= l->step) {
		if (l->n == READINGS) {
			for (size_t i = 0; i < READINGS / 2; i++)
				l->reading[i] = l->reading[2 * i];
			l->n /= 2;
			l->step *= 2;
		}
		l->reading[l->n++] = l->last;
		l->skipped = 0;
	}
	pthread_mutex_unlock(&l->lock);
}

static struct timespec from_now(uint64_t ns)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	ns += (uint64_t)t.tv_nsec;
	t.tv_sec += (time_t)(ns / 1000000000);
	t.tv_nsec = (long)(ns % 1000000000);
	return t;
}

/* False when it is time to end. */
static bool pause_for(struct parts_log *l, uint64_t ns)
{
	struct timespec until = from_now(ns);
	bool stop;

	pthread_mutex_lock(&l->lock);
	while (!l->stop && !l->want && !pthread_cond_timedwait(&l->wake, &l->lock, &until))
		;
	stop = l->stop;
	pthread_mutex_unlock(&l->lock);
	return !stop;
}

/* A reading under way ends when nobody wants it any more. */
static int is_wanted(const struct heap_progress *at, void *ctx)
{
	struct parts_log *l = ctx;
	bool stop;

	(void)at;
	pthread_mutex_lock(&l->lock);
	stop = l->stop;
	pthread_mutex_unlock(&l->lock);
	return stop ? -ECANCELED : 0;
}

static void *work(void *arg)
{
	struct parts_log *l = arg;
	uint64_t start = clock_ns();
	struct view v;
	int err;

	thread_calm();
	err = view_open(&v, l->pid, l->start_ticks);
	if (!err)
		heap_watch_by(v.heap, is_wanted, l);
	while (!err) {
		struct heap_parts parts;
		uint64_t wait, least = l->n < 2 * MIN_POINTS ? MIN_NS : LATER_NS;

		/* An exec, the end: nothing more will come. */
		if (heap_parts(v.heap, &parts))
			break;
		keep(l, (double)(clock_ns() - start) / 1e9, &parts);
		wait = parts.cost_ns * SHARE;
		/* Three make a growth: a short run should have one. */
		if (l->n < MIN_POINTS && wait > MIN_NS && parts.cost_ns * 10 < MIN_NS)
			wait = MIN_NS;
		wait = wait < least ? least : wait > MAX_NS ? MAX_NS : wait;
		if (!pause_for(l, wait))
			break;
	}
	pthread_mutex_lock(&l->lock);
	l->ended = true;
	pthread_cond_broadcast(&l->wake);
	pthread_mutex_unlock(&l->lock);
	view_close(&v);
	return NULL;
}

struct parts_log *parts_start(const struct proc *p)
{
	struct parts_log *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->pid = p->pid;
	l->start_ticks = p->start_ticks;
	l->step = 1;
	pthread_mutex_init(&l->lock, NULL);
	thread_cond_init(&l->wake);
	if (!thread_start(&l->thread, work, l))
		return l;
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
	return NULL;
}

void parts_stop(struct parts_log *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_broadcast(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* For the final report, where reading takes no time worth mentioning: as of now. */
static void refresh(struct parts_log *l)
{
	struct timespec until = from_now(FRESH_NS);

	pthread_mutex_lock(&l->lock);
	l->want = l->has_last && !l->ended && l->cost_ns < FRESH_NS / 2;
	pthread_cond_broadcast(&l->wake);
	while (l->want && !l->ended && !pthread_cond_timedwait(&l->wake, &l->lock, &until))
		;
	l->want = false;
	pthread_mutex_unlock(&l->lock);
}

/* The first reading comes while the probes go in and the rest of us reads the process for the first
 * time: pages that nobody had touched yet. Where there are others it does not count. */
static void fit(const struct parts_log *l, struct report_parts *out)
{
	size_t from = l->n > MIN_POINTS ? 1 : 0, n = l->n - from;
	double t[READINGS], y[READINGS];
	struct trend_fit f;

	for (size_t part = 0; part < PART_MAX && n >= MIN_POINTS; part++) {
		for (size_t i = 0; i < n; i++) {
			t[i] = l->reading[from + i].t_s;
			y[i] = (double)l->reading[from + i].v.bytes[part];
		}
		trend_fit(t, y, n, &f);
		out->growth[part] = fabs(f.slope) > 2 * f.error ? f.slope : 0;
	}
}

bool parts_latest(struct parts_log *l, struct report_parts *out)
{
	bool has;

	if (!l)
		return false;
	pthread_mutex_lock(&l->lock);
	has = l->has_last;
	if (has) {
		*out = l->last.v;
		fit(l, out);
	}
	pthread_mutex_unlock(&l->lock);
	return has;
}

int parts_fill(struct parts_log *l, struct report *r, struct report_process *p)
{
	struct report_parts v;

	if (l && r->final)
		refresh(l);
	if (!parts_latest(l, &v))
		return 0;
	p->parts = report_alloc(r, sizeof(*p->parts));
	if (!p->parts)
		return fail(-ENOMEM, "no memory for a report");
	*p->parts = v;
	return 0;
}

int parts_once(const struct py_runtime *rt, struct report *r, struct report_process *p)
{
	struct heap_parts parts;
	struct heap *h;
	int err = heap_open(rt, &h);

	if (err)
		return err;
	err = heap_parts(h, &parts);
	heap_close(h);
	if (err)
		return 0; /* not known is no failure */
	p->parts = report_alloc(r, sizeof(*p->parts));
	if (!p->parts)
		return fail(-ENOMEM, "no memory for a report");
	copy(&parts, p->parts);
	return 0;
}
