/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Probes suspects, which are processes that grow: two at a time, first those that were probed least
 * and grow most. What a turn found is kept until the next one. */
#include <math.h>
#include <stdio.h>

#include "base/thresholds.h"
#include "verdict/verdict.h"
#include "sweep/sweep_priv.h"

#define AT_ONCE	     2
#define TURN_NS	     45000000000ull /* longest turn */
#define TURN_MIN_NS  15000000000ull /* a leak that is named after this ends it */
#define LOOK_NS	     5000000000ull  /* between two looks at what was found */
#define ALIVE_NS     200000000ull
#define REST_NS	     120000000000ull /* after a turn, whether others wait or not */
#define GROWS_SPAN_S 6.0	     /* seconds watched before it may be suspected */
#define STALE	     0.05 /* part of RSS: if that has changed by as much, its parts are old */

static bool is_suspect(const struct sweep_target *t, uint64_t now)
{
	const struct curve *c = growth_curve(t->growth);

	return !t->session && !t->refused && now >= t->rest_until_ns && c->span_s >= GROWS_SPAN_S &&
	       curve_grows(c) && c->slope > PROCESS_NOISE;
}

/* Orders by fewer turns, then by faster growth. */
static bool before(const struct sweep_target *a, const struct sweep_target *b)
{
	return a->turns != b->turns
		       ? a->turns < b->turns
		       : growth_curve(a->growth)->slope > growth_curve(b->growth)->slope;
}

static struct sweep_target *next_suspect(struct sweep *s, uint64_t now)
{
	struct sweep_target *best = NULL;

	for (size_t i = 0; i < s->target.n; i++) {
		struct sweep_target *t = s->target.v[i];

		if (is_suspect(t, now) && (!best || before(t, best)))
			best = t;
	}
	return best;
}

/* Notes why it cannot be probed. An unknown Python stays so; resources may be there next time. */
static void cannot_probe(struct sweep_target *t, int err)
{
	const struct proc_entry *e = growth_entry(t->growth);

	t->rest_until_ns = clock_ns() + REST_NS;
	if (err == -ECANCELED) /* we are asked to end: that is nothing about the process */
		return;
	if (err == -ESRCH && sweep_is_no_loss(e, err)) {
		snprintf(t->why, sizeof(t->why), "and ended before it could be probed");
		return;
	}
	log_info("process %d is not probed: %s", e->pid, fail_text());
	snprintf(t->why, sizeof(t->why), "cannot be probed: %s", fail_text());
	t->refused = err == -ENOTSUP;
}

static void begin(struct sweep *s, struct sweep_target *t)
{
	const struct proc_entry *e = growth_entry(t->growth);
	const struct session_opts so = {
		.start_ticks = e->start_ticks,
		.top = 10,
		.older_s = 0.5,
		.max_size = UINT64_MAX,
		.overhead = s->o.overhead,
		.max_pause_s = SESSION_PAUSE_S,
		.native_stacks = true,
		.fds = true,
		.is_told_later = true,
		.is_cancelled = s->o.is_cancelled,
		.guard = s->guard,
		.on_evidence = s->o.on_evidence,
		.on_evidence_ctx = s->o.on_evidence_ctx,
	};
	int err;

	if (sweep_is_stuck(e->pid)) {
		t->rest_until_ns = clock_ns() + LOOK_NS;
		return;
	}
	t->turns++;
	t->why[0] = '\0';
	err = session_open(e->pid, &so, &t->session);
	/* finding the places to probe takes seconds on a busy host: no part of the turn */
	t->since_ns = clock_ns();
	if (!err) {
		session_start(t->session);
	} else {
		t->session = NULL;
		cannot_probe(t, err);
	}
}

void suspects_choose(struct sweep *s)
{
	uint64_t now = clock_ns();
	struct sweep_target *t;
	size_t probed = 0;

	for (size_t i = 0; i < s->target.n; i++)
		probed += s->target.v[i]->session != NULL;
	/* one a step: it may take seconds, in which those that are probed get no heartbeat */
	t = probed < AT_ONCE ? next_suspect(s, now) : NULL;
	if (t)
		begin(s, t);
}

/* Does the turn miss the line that most of the growth was explained by? What was seen of C code
 * goes when its tracing changes. A line that is still seen, and grows less, is news. */
static bool misses_line(const struct report_process *was, const struct report_process *now)
{
	if (now->verdict != was->verdict || !(now->explained < PROCESS_MOST * was->explained))
		return false;
	for (size_t i = 0; i < now->n_sites; i++)
		if (now->sites[i].kind == was->sites->kind &&
		    !strcmp(now->sites[i].id, was->sites->id))
			return false;
	return true;
}

/* Does the turn know less than the kept findings? It begins without a line, as does native code
 * whose tracing changes, and its first lines are too young to be called a leak: as long as the
 * process grows, that is no news. */
static bool knows_less(const struct sweep_target *t, const struct report_process *now)
{
	const struct report_process *was = t->found ? t->found->processes : NULL;
	bool grows = curve_grows(growth_curve(t->growth));
	bool is_early = t->found_in != t->turns && clock_ns() - t->since_ns < TURN_NS;

	if (!was || !was->n_sites || now->verdict < was->verdict)
		return false;
	if (!now->n_sites && now->verdict == CLASS_GROWING)
		return true;
	return grows && (misses_line(was, now) || (is_early && now->verdict > was->verdict));
}

/* Keeps all that the turn has found so far, in a report of its own. False: what was kept before
 * stays. */
static bool keep_findings(struct sweep_target *t)
{
	struct report *r = NULL;

	if (report_new(&r))
		return false;
	r->processes = report_alloc(r, sizeof(*r->processes));
	if (!r->processes || session_fill(t->session, clock_ns(), r, r->processes) ||
	    knows_less(t, r->processes)) {
		report_free(r);
		return false;
	}
	r->n_processes = 1;
	report_free(t->found);
	t->found = r;
	t->found_in = t->turns;
	t->found_since_ns = t->since_ns;
	return true;
}

void suspect_end(struct sweep_target *t)
{
	if (!t->session)
		return;
	session_close(t->session);
	t->session = NULL;
	t->rest_until_ns = clock_ns() + REST_NS;
}

void suspect_clear(struct sweep_target *t)
{
	enum curve_shape shape = growth_curve(t->growth)->shape;

	if (t->session || (shape != CURVE_LEVELLED && shape != CURVE_GIVEN_BACK))
		return;
	report_free(t->found);
	t->found = NULL;
}

/* Is the turn over? It is when its time is up, or it has named a leak. */
static bool is_done(struct sweep_target *t)
{
	uint64_t on = clock_ns() - t->since_ns;

	if (on < TURN_MIN_NS)
		return false;
	if (on < TURN_NS && clock_ns() - t->looked_ns < LOOK_NS)
		return false;
	t->looked_ns = clock_ns();
	keep_findings(t);
	return on >= TURN_NS || (t->found && t->found_in == t->turns &&
				 t->found->processes[0].verdict == CLASS_LEAK);
}

bool suspects_step(struct sweep *s, double max_s)
{
	double each = max_s / AT_ONCE;
	bool any = false, ended;

	for (size_t i = 0; i < s->target.n; i++) {
		struct sweep_target *t = s->target.v[i];

		if (!t->session)
			continue;
		any = true;
		ended = session_step(t->session, each) != 0;
		if (ended)
			keep_findings(t);
		if (ended || is_done(t))
			suspect_end(t);
	}
	return any;
}

void suspects_keep_alive(struct sweep *s)
{
	if (clock_ns() < s->alive_due)
		return;
	s->alive_due = clock_ns() + ALIVE_NS;
	for (size_t i = 0; i < s->target.n; i++)
		if (s->target.v[i]->session)
			session_keep_alive(s->target.v[i]->session);
}

struct report *suspect_take_leak(struct sweep_target *t)
{
	struct report *r;

	if (t->session && session_step(t->session, 0))
		keep_findings(t);
	r = t->found;
	if (!r || r->processes[0].verdict != CLASS_LEAK)
		return NULL;
	t->found = NULL;
	report_process_end(&r->processes[0]);
	return r;
}

/* Does the turn know less than what made the process a suspect, as in its first seconds? */
static bool knows_nothing_yet(const struct report_process *p)
{
	return !p->n_sites && p->live_curve.shape == CURVE_UNKNOWN &&
	       p->rss_curve.shape == CURVE_UNKNOWN;
}

static const char *why_no_line(const struct sweep_target *t, bool final)
{
	if (t->session)
		return final ? "no line stood out in this time" : "being probed";
	if (t->why[0])
		return t->why;
	if (t->found)
		return "no line stood out while it was probed";
	return final ? "not probed in this time" : "not probed yet";
}

static bool is_stale(const struct report_process *then, const struct report_process *now)
{
	double rss = (double)now->rss_bytes;

	return then->rss_bytes == REPORT_UNKNOWN || now->rss_bytes == REPORT_UNKNOWN ||
	       fabs(rss - (double)then->rss_bytes) > STALE * rss;
}

/* Adds a present point to the kept history: nobody has looked in between, nor at more than this. */
static void add_point(const struct sweep_target *t, struct report *r, struct report_process *p,
		      const struct report_process *now)
{
	double t_s = (double)(clock_ns() - t->found_since_ns) / 1e9;
	struct report_series *v;

	if (!p->n_series || p->series[p->n_series - 1].t_s >= t_s)
		return;
	v = report_alloc(r, (p->n_series + 1) * sizeof(*v));
	if (!v)
		return;
	memcpy(v, p->series, p->n_series * sizeof(*v));
	v[p->n_series] = (struct report_series){.t_s = t_s,
						.rss_bytes = now->rss_bytes,
						.heap_bytes = REPORT_UNKNOWN,
						.fds = REPORT_UNKNOWN,
						.threads = REPORT_UNKNOWN,
						.anon_bytes = now->memory.anon,
						.swap_bytes = now->memory.swap,
						.cgroup_bytes = REPORT_UNKNOWN};
	if (now->memory.cgroup.version)
		v[p->n_series].cgroup_bytes = now->memory.cgroup.current;
	p->series = v;
	p->n_series++;
}

/* Takes the present RSS, and drops its parts if they no longer add up to it. */
static void bring_up_to_date(const struct sweep_target *t, struct report *r,
			     struct report_process *p, const struct report_process *now)
{
	if (is_stale(p, now)) {
		p->parts = NULL;
		p->pools = NULL;
	}
	add_point(t, r, p, now);
	p->rss_bytes = now->rss_bytes;
}

/* Fills in what probing found, or, without that, what growth tells. */
int suspect_fill(struct sweep_target *t, struct report *r, struct report_process *p)
{
	bool is_fresh = t->session && keep_findings(t);
	struct report_process now;

	growth_fill(t->growth, why_no_line(t, r->final), r, &now);
	if (!t->found || knows_nothing_yet(t->found->processes)) {
		*p = now;
		return 0;
	}
	*p = t->found->processes[0];
	/* a turn is shorter than the watch that made the process a suspect */
	if (p->verdict == CLASS_STEADY && now.verdict == CLASS_GROWING) {
		p->verdict = now.verdict;
		p->confidence = now.confidence;
		p->reason = now.reason;
	}
	/* what it knew of the limit gets old; its prediction is better than none */
	if (!is_fresh) {
		bring_up_to_date(t, r, p, &now);
		if (isnan(now.memory.eta_s)) {
			now.memory.eta_s = p->memory.eta_s;
			now.memory.eta_low_s = p->memory.eta_low_s;
			now.memory.eta_high_s = p->memory.eta_high_s;
		}
		p->memory = now.memory;
	}
	if (isfinite(now.rss_growth_bytes_per_s))
		p->rss_growth_bytes_per_s = now.rss_growth_bytes_per_s;
	if (now.exited)
		report_process_end(p);
	return 0;
}
