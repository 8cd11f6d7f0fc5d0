/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "memory/parts.h"

#include <math.h>

#include "base/pace.h"
#include "base/trend.h"
#include "heap/parts.h"
#include "memory/view.h"

#define READINGS   64		 /* when they are full, every second one is dropped */
#define SHARE	   100		 /* reading takes one part in so many of a core: 1 % */
#define MIN_NS	   3000000000ull /* between the first readings */
#define LATER_NS   6000000000ull /* between later ones */
#define MAX_NS	   120000000000ull
#define QUICK_NS   500000000ull /* CPU time of a reading that is made once more at the end */
#define WAIT_NS	   300000000ull /* time that a final report may wait for it */
#define CROWDED_NS 150000000ull /* the same on a crowded machine */
#define MIN_POINTS 3		/* readings needed for a growth */

struct reading {
	double t_s;
	struct report_parts v;
};

struct parts_log {
	int pid;
	uint64_t start_ticks; /* with pid: identifies the process */
	struct worker worker; /* hurry: a reading is wanted now */
	uint64_t cost_ns;     /* this and all below: under the worker's lock */
	struct reading reading[READINGS];
	size_t n, step, skipped; /* every step'th reading is kept, and the last one */
	struct reading last;
	bool has_last;
	bool is_asked; /* for the last reading; the owner's */
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

/* Lets who waits for a reading go on. The caller holds the lock. */
static void end_hurry(struct worker *w)
{
	w->hurry = false;
	pthread_cond_broadcast(&w->wake);
}

static void keep(struct parts_log *l, double t_s, const struct heap_parts *h)
{
	pthread_mutex_lock(&l->worker.lock);
	l->last.t_s = t_s;
	copy(h, &l->last.v);
	l->has_last = true;
	l->cost_ns = h->cost_ns;
	end_hurry(&l->worker);
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
	pthread_mutex_unlock(&l->worker.lock);
}

/* Time until the next reading. The first three come soon, since a growth needs three: a short run
 * should have one. */
static uint64_t pause_for(const struct parts_log *l, uint64_t cost_ns)
{
	uint64_t wait = cost_ns * SHARE, least = l->n <= 2 * MIN_POINTS ? MIN_NS : LATER_NS;

	if (l->n < MIN_POINTS && wait > MIN_NS && cost_ns * 10 < MIN_NS)
		wait = MIN_NS;
	wait = pace_rarer_ns(wait < least ? least : wait, l->last.t_s);
	return wait > MAX_NS ? MAX_NS : wait;
}

/* After a reading that failed: the next one may not, and until then the last one is told. */
static void go_without(struct parts_log *l)
{
	log_debug("parts of the memory of %d: %s", l->pid, fail_text());
	pthread_mutex_lock(&l->worker.lock);
	end_hurry(&l->worker);
	pthread_mutex_unlock(&l->worker.lock);
}

static void work(void *arg)
{
	struct parts_log *l = arg;
	uint64_t start = clock_ns();
	struct heap_parts parts;
	struct view v;
	int err = view_open(&v, l->pid, l->start_ticks, &l->worker);

	/* ends with the process or at an exec */
	while (!err && !proc_memory_gone(v.p)) {
		if (heap_parts(v.heap, &parts))
			go_without(l);
		else
			keep(l, (double)(clock_ns() - start) / 1e9, &parts);
		if (!worker_rest(&l->worker, pause_for(l, parts.cost_ns)))
			break;
	}
	view_close(&v);
}

struct parts_log *parts_start(const struct proc *p)
{
	struct parts_log *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->pid = p->pid;
	l->start_ticks = p->start_ticks;
	l->step = 1;
	l->worker = (struct worker){.job = work, .arg = l, .quick_ns = WORKER_FOREVER};
	if (!worker_start(&l->worker))
		return l;
	free(l);
	return NULL;
}

void parts_stop(struct parts_log *l)
{
	if (l && worker_stop(&l->worker, 0))
		free(l);
}

/* Has a new reading made, if that is quick. */
static void ask(struct parts_log *l)
{
	struct worker *w = &l->worker;

	pthread_mutex_lock(&w->lock);
	w->hurry = l->has_last && l->cost_ns < QUICK_NS;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

void parts_ask_last(struct parts_log *l)
{
	if (!l || l->is_asked)
		return;
	l->is_asked = true;
	ask(l);
}

/* Waits for the reading that was asked for. Where many want each processor the thread, at nice 0,
 * would take ten times as long as it works, and the end of the watch wait for that: what it has not
 * read soon is told as it was read some seconds ago. */
static void await(struct parts_log *l, uint64_t now_ns)
{
	uint64_t until_ns = now_ns + (thread_is_crowded() ? CROWDED_NS : WAIT_NS);
	struct worker *w = &l->worker;

	pthread_mutex_lock(&w->lock);
	while (w->hurry && !w->is_done && worker_wait(w, until_ns))
		;
	w->hurry = false;
	pthread_mutex_unlock(&w->lock);
}

/* The slope between the last two readings. */
static double late_slope(const double *t, const double *y, size_t n)
{
	return (y[n - 1] - y[n - 2]) / (t[n - 1] - t[n - 2]);
}

/* Fits the growth of each part over the last @span_s, or over the last MIN_POINTS readings. The
 * first reading is left out if there are enough others: it comes while probes go in and the process
 * is read for the first time, which touches pages that nobody had touched. In a short run, which
 * has no others, pages of files grow by no more than they did after it. */
static void fit(const struct parts_log *l, double span_s, struct report_parts *out)
{
	size_t from = l->n > MIN_POINTS ? 1 : 0, n;
	double t[READINGS], y[READINGS];
	struct trend_fit f;

	while (from + MIN_POINTS < l->n && l->reading[from].t_s < l->last.t_s - span_s)
		from++;
	n = l->n - from;
	for (size_t part = 0; part < PART_MAX && n >= MIN_POINTS; part++) {
		for (size_t i = 0; i < n; i++) {
			t[i] = l->reading[from + i].t_s;
			y[i] = (double)l->reading[from + i].v.bytes[part];
		}
		trend_fit(t, y, n, &f);
		if (!from && part == PART_FILE && f.slope > 0 && t[n - 1] > t[n - 2])
			f.slope = fmin(f.slope, fmax(0, late_slope(t, y, n)));
		out->growth[part] = fabs(f.slope) > 2 * f.error ? f.slope : 0;
	}
}

static double moved(const struct parts_log *l, enum report_part part)
{
	return (double)l->last.v.bytes[part] - (double)l->reading[0].v.bytes[part];
}

/* Compares the last reading with the first: memory that was taken in one step is growth without a
 * slope. */
static void compare(const struct parts_log *l, struct retention_growth *grew)
{
	if (l->last.t_s <= l->reading[0].t_s)
		return;
	grew->malloced = moved(l, PART_MALLOC_LIVE);
	grew->malloc_slack = moved(l, PART_MALLOC_SLACK);
	grew->uncounted = moved(l, PART_MMAP) + moved(l, PART_OTHER);
}

/* Copies the last reading, its growth, and the change since the first; false when there is none. */
static bool last_reading(struct parts_log *l, double span_s, struct report_parts *out,
			 struct retention_growth *grew)
{
	bool has;

	pthread_mutex_lock(&l->worker.lock);
	has = l->has_last;
	if (has) {
		*out = l->last.v;
		fit(l, span_s, out);
		compare(l, grew);
	}
	pthread_mutex_unlock(&l->worker.lock);
	return has;
}

int parts_fill(struct parts_log *l, uint64_t now_ns, double span_s, struct report *r,
	       struct report_process *p, struct retention_growth *grew)
{
	struct report_parts v;

	if (!l)
		return 0;
	if (r->final) {
		parts_ask_last(l);
		await(l, now_ns);
		worker_cancel(&l->worker);
	}
	if (!last_reading(l, span_s, &v, grew))
		return 0;
	p->parts = report_alloc(r, sizeof(*p->parts));
	if (!p->parts)
		return fail(-ENOMEM, "no memory for a report");
	*p->parts = v;
	return 0;
}

int parts_once(const struct py_runtime *rt, heap_watch watch, void *ctx, struct report *r,
	       struct report_process *p)
{
	struct heap_parts parts;
	struct heap *h;
	int err = heap_open(rt, &h);

	if (err)
		return err;
	heap_watch_by(h, watch, ctx);
	err = heap_parts(h, &parts);
	heap_close(h);
	if (err)
		return 0; /* that it is not known is no failure */
	p->parts = report_alloc(r, sizeof(*p->parts));
	if (!p->parts)
		return fail(-ENOMEM, "no memory for a report");
	copy(&parts, p->parts);
	return 0;
}
