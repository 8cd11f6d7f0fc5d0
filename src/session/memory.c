/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "session/memory.h"

#include <math.h>

#include "base/thresholds.h"
#include "judge/judge.h"
#include "memory/memwatch.h"
#include "memory/parts.h"
#include "memory/points.h"
#include "probe/waits_at.h"
#include "session/pools.h"
#include "session/session_priv.h"

#define BUCKET_S     1.0
#define MEMORY_NS    500000000
#define MOST_SERIES  512
#define EARLY_POINTS (2 * CURVE_FEWEST) /* points of two stretches that a curve is judged by */
#define TRACED_NS    5000000000		/* a tracer may come again: py-spy does for each look */

enum {
	TREND_RSS,
	TREND_LIVE,   /* live blocks of the pools */
	TREND_MALLOC, /* anonymous memory that is no pool */
	TREND_SERIES
};

struct memory {
	struct session *s;
	struct trend_set *trends;
	struct proc_memory now;
	uint64_t read_ns, traced_ns;
	struct proc_traced traced;
	struct memwatch *watch;
	struct parts_log *parts; /* NULL = cannot be read */
	struct report_series series[MOST_SERIES];
	size_t n_series;
	uint64_t series_step;
};

static int open_memory(void *self, struct session *s)
{
	struct memory *m = self;
	int err;

	s->memory = m;
	m->s = s;
	m->series_step = 1000000000;
	err = trend_set_new(TREND_SERIES, BUCKET_S, &m->trends);
	if (!err)
		err = memwatch_new(&m->watch);
	if (!err)
		m->parts = parts_start(s->proc);
	return err;
}

static bool close_memory(void *self)
{
	struct memory *m = self;

	parts_stop(m->parts);
	memwatch_free(m->watch);
	trend_set_free(m->trends);
	return true;
}

/* Adds a point to the report's series: when it is full, every second point is dropped and the step
 * doubles. */
static void add_series(struct memory *m, const struct heap_census *c, uint64_t now_ns)
{
	uint64_t start_ns = m->s->time.start_ns;
	struct report_series *p;

	if (m->n_series &&
	    now_ns < start_ns + (uint64_t)(m->series[m->n_series - 1].t_s * 1e9) + m->series_step)
		return;
	if (m->n_series == MOST_SERIES) {
		for (size_t i = 0; i < MOST_SERIES / 2; i++)
			m->series[i] = m->series[2 * i];
		m->n_series /= 2;
		m->series_step *= 2;
	}
	p = &m->series[m->n_series++];
	p->t_s = (double)(now_ns - start_ns) / 1e9;
	p->rss_bytes = m->now.rss_bytes;
	p->heap_bytes = c->t_ns ? heap_live_bytes(c) : REPORT_UNKNOWN;
	p->threads = m->now.threads;
	memwatch_series(m->watch, p);
}

/* Memory in use outside of the pools, swapped out or not; mimalloc counts it itself. */
static double malloced(const struct memory *m, const struct heap_census *c)
{
	double pools = (double)c->pools * m->s->rt->layout.pool_size;

	return heap_has_mimalloc(m->s->heap)
		       ? (double)c->big_bytes
		       : (double)(m->now.anon_bytes + m->now.swap_bytes) - pools;
}

static bool is_frozen(int pid)
{
	char where[128];

	return !waits_file(pid, pid, "wchan", where, sizeof(where)) && waits_in_freezer(where);
}

static uint64_t step(void *self, uint64_t now_ns)
{
	struct memory *m = self;
	const struct heap_census *c = pools_census(m->s->pools);
	double value[TREND_SERIES];
	struct proc_memory now;
	char text[400];

	/* after an exec what was read may be the other program's */
	if (proc_memory(m->s->proc, &now) || !proc_alive(m->s->proc) ||
	    proc_memory_gone(m->s->proc))
		return now_ns + MEMORY_NS;
	m->now = now;
	m->now.stopped |= is_frozen(m->s->proc->pid);
	m->s->time.is_stopped = m->now.stopped;
	if (m->now.stopped && m->read_ns)
		m->s->time.stopped_ns += now_ns - m->read_ns;
	m->read_ns = now_ns;
	if (proc_is_traced(m->s->proc, &m->now, &m->traced))
		m->traced_ns = now_ns;
	session_see_tracer(m->s, m->traced_ns && now_ns - m->traced_ns < TRACED_NS);
	if (!m->now.stopped) {
		value[TREND_RSS] = (double)m->now.rss_bytes;
		/* not 0 if it is not known yet: all objects of the start would be growth */
		value[TREND_LIVE] = c->t_ns ? (double)heap_live_bytes(c) : NAN;
		value[TREND_MALLOC] = malloced(m, c);
		trend_set_add(m->trends, session_ran_s(m->s, now_ns), value);
		memwatch_read(m->watch, m->s->rt, m->s->heap, &m->now, c,
			      session_ran_s(m->s, now_ns), ledger_spent_ns(&m->s->ledger));
	}
	if (memwatch_change(m->watch, m->now.stopped, text, sizeof(text)))
		session_note(m->s, "%s", text);
	add_series(m, c, now_ns);
	return now_ns + MEMORY_NS;
}

static uint64_t pause_memory(void *self, bool on)
{
	struct memory *m = self;
	char text[400];

	if (on && m->s->ended && memwatch_ended(m->watch, text, sizeof(text)))
		session_note(m->s, "%s", text);
	return clock_ns();
}

bool memory_malloc_grows(const struct memory *m, bool *may)
{
	struct trend_fit fit;

	trend_set_fit(m->trends, TREND_MALLOC, &fit);
	if (may)
		*may = fit.growing || fit.n < EARLY_POINTS;
	return fit.growing;
}

void memory_ask_last(struct memory *m)
{
	parts_ask_last(m->parts);
}

void memory_metrics(const struct memory *m, struct metrics *out)
{
	memwatch_metrics(m->watch, out);
}

static void observe_trends(const struct memory *m, struct report *scratch, struct memory_fact *f)
{
	points_copy(scratch, m->trends, TREND_RSS, &f->rss);
	points_copy(scratch, m->trends, TREND_LIVE, &f->live);
	points_copy(scratch, m->trends, TREND_MALLOC, &f->malloced);
	f->has_mimalloc = heap_has_mimalloc(m->s->heap);
	memwatch_observe(m->watch, m->s->proc, scratch, f);
}

static int observe(void *self, const struct observation *to)
{
	const struct memory *m = self;
	struct report_process *p = &to->e->seen;

	p->rss_bytes = m->now.rss_bytes ? m->now.rss_bytes : REPORT_UNKNOWN;
	memwatch_fill(m->watch, to->r, &p->memory);
	observe_trends(m, to->scratch, &to->e->memory);
	judge_rss(&to->e->memory, &p->rss_curve);
	parts_fill(m->parts, to->now_ns, p->rss_curve.since_s > 0 ? p->rss_curve.since_s : INFINITY,
		   to->r, p, &to->e->memory.kept.grew); /* unknown if memory runs out */
	p->series = report_alloc(to->r, (m->n_series + 1) * sizeof(*p->series));
	if (p->series) {
		memcpy(p->series, m->series, m->n_series * sizeof(*p->series));
		p->n_series = m->n_series;
	}
	return 0;
}

const struct source_ops memory_source = {
	.size = sizeof(struct memory),
	.open = open_memory,
	.step = step,
	.pause = pause_memory,
	.observe = observe,
	.close = close_memory,
};
