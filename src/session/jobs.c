/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The jobs of a session, each when it is due. One thread does them in turn: a window is never
 * disturbed by a reading, and nothing needs a lock. */
#include <math.h>

#include "base/thread.h"
#include "py/versions.h"
#include "session/fds.h"
#include "session/holders.h"
#include "session/observe.h"
#include "session/session_priv.h"

#define CENSUS_MIN_NS 100000000
#define CENSUS_MAX_NS 5000000000
#define CENSUS_SHARE  400 /* a census may take this part of our time: 0.25 % of a core */
#define CLIMB_MIN_NS  50000000
#define CLIMB_MAX_NS  1000000000
#define CLIMB_SHARE   100 /* after hours something is due all the time, on a ladder of thousands */
#define MEMORY_NS     500000000
#define FIT_NS	      2000000000
#define NATIVE_NS     200000000
#define MODULES_NS    3000000000
#define LOOK_NS	      3000000000 /* at what holds the survivors */
#define LOOK_SHARE    200

static double seconds_since_start(const struct session *s, uint64_t now)
{
	return (double)(now - s->start_ns) / 1e9;
}

/* The time of the trends. A stopped target does not grow: that is no level. */
static double seconds_it_ran(const struct session *s, uint64_t now)
{
	return (double)(now - s->readings.origin_ns - s->readings.stopped_ns) / 1e9;
}

double session_trend_s(const struct session *s)
{
	return seconds_it_ran(s, s->readings.census_ns ? s->readings.census_ns : s->now_ns);
}

uint64_t session_collections(struct session *s)
{
	py_full_collections(s->rt, &s->readings.collections); /* not to be had now: as last read */
	return s->readings.collections;
}

static void do_census(struct session *s, uint64_t now)
{
	double value[HEAP_CLASSES];
	struct heap_census c;
	uint64_t wait;

	if (heap_census(s->heap, &c)) {
		s->due.census = now + CENSUS_MAX_NS / 10;
		return;
	}
	s->readings.census = c;
	s->readings.census_ns = now;
	s->readings.torn += c.torn;
	for (unsigned k = 0; k < HEAP_CLASSES; k++)
		value[k] = (double)c.live[k];
	session_collections(s);
	if (!s->readings.mem.stopped)
		trend_set_add(s->readings.classes, seconds_it_ran(s, now), value);
	wait = c.cost_ns * CENSUS_SHARE;
	if (wait < CENSUS_MIN_NS)
		wait = CENSUS_MIN_NS;
	if (wait > CENSUS_MAX_NS)
		wait = CENSUS_MAX_NS;
	s->due.census = now + wait;
}

/* The series in the report: when it is full, every second point goes and the step doubles. */
static void add_series(struct session *s, uint64_t now)
{
	struct report_series *p;

	if (s->readings.series_step == 0)
		s->readings.series_step = 1000000000;
	if (s->readings.n_series &&
	    now < s->start_ns + (uint64_t)(s->readings.series[s->readings.n_series - 1].t_s * 1e9) +
			    s->readings.series_step)
		return;
	if (s->readings.n_series == SESSION_SERIES) {
		for (size_t i = 0; i < SESSION_SERIES / 2; i++)
			s->readings.series[i] = s->readings.series[2 * i];
		s->readings.n_series /= 2;
		s->readings.series_step *= 2;
	}
	p = &s->readings.series[s->readings.n_series++];
	p->t_s = seconds_since_start(s, now);
	p->rss_bytes = s->readings.mem.rss_bytes;
	p->heap_bytes =
		heap_can_count(s->heap) ? heap_live_bytes(&s->readings.census) : REPORT_UNKNOWN;
	p->threads = s->readings.mem.threads;
	memwatch_series(s->memwatch, p);
}

static void do_memory(struct session *s, uint64_t now)
{
	double value[TREND_SERIES];
	char text[400];

	s->due.memory = now + MEMORY_NS;
	if (proc_memory(s->proc, &s->readings.mem))
		return;
	if (s->readings.mem.stopped && s->readings.memory_ns)
		s->readings.stopped_ns += now - s->readings.memory_ns;
	s->readings.memory_ns = now;
	if (s->readings.mem.stopped) {
		add_series(s, now);
		return;
	}
	value[TREND_RSS] = (double)s->readings.mem.rss_bytes;
	value[TREND_LIVE] = (double)heap_live_bytes(&s->readings.census);
	/* mimalloc counts what is too big for a class itself. */
	value[TREND_MALLOC] =
		heap_has_mimalloc(s->heap)
			? (double)s->readings.census.big_bytes
			: (double)s->readings.mem.anon_bytes -
				  (double)s->readings.census.pools * s->rt->layout.pool_size;
	trend_set_add(s->readings.memory, seconds_it_ran(s, now), value);
	memwatch_read(s->memwatch, s->rt, &s->readings.mem, &s->readings.census,
		      seconds_it_ran(s, now));
	if (memwatch_change(s->memwatch, text, sizeof(text)))
		session_note(s, "%s", text);
	add_series(s, now);
}

/* Types of survivors are named while the target lives. */
static void learn_names(struct session *s)
{
	size_t n;
	const struct sample *v = ladder_samples(s->ladder, &n);

	for (size_t i = 0; i < n; i++)
		if (v[i].rung)
			names_type(s->names, v[i].type);
}

static void log_ladder(const struct session *s)
{
	const struct ladder_stats *l = ladder_stats(s->ladder);
	size_t n;

	ladder_samples(s->ladder, &n);
	log_debug("ladder: %zu held, %llu taken, %llu unsettled, %llu gone, %llu void, %llu died",
		  n, (unsigned long long)l->taken, (unsigned long long)l->unsettled,
		  (unsigned long long)l->gone, (unsigned long long)l->voided,
		  (unsigned long long)l->died);
}

void session_plan_climb(struct session *s, uint64_t when)
{
	if (when < s->readings.climb_after)
		when = s->readings.climb_after;
	if (!s->due.climb || when < s->due.climb)
		s->due.climb = when;
}

static void do_climb(struct session *s, uint64_t now)
{
	uint64_t cpu_ns = thread_cpu_ns(), next = ladder_climb(s->ladder, now), wait;

	learn_names(s);
	log_ladder(s);
	wait = (thread_cpu_ns() - cpu_ns) * CLIMB_SHARE;
	if (wait < CLIMB_MIN_NS)
		wait = CLIMB_MIN_NS;
	if (wait > CLIMB_MAX_NS)
		wait = CLIMB_MAX_NS;
	s->readings.climb_after = now + wait;
	s->due.climb = 0;
	if (next)
		session_plan_climb(s, next);
}

static bool native_grows(struct session *s, uint64_t now)
{
	struct trend_fit fit;

	if (now - s->readings.fitted_ns > FIT_NS) {
		trend_set_fit(s->readings.memory, TREND_MALLOC, &fit);
		s->readings.malloc_grows = fit.growing;
		s->readings.fitted_ns = now;
	}
	return native_state(s->native) != NATIVE_BURST || s->readings.malloc_grows;
}

static void do_native(struct session *s, uint64_t now)
{
	s->due.native = now + NATIVE_NS;
	ledger_divide(&s->ledger, now, native_grows(s, now));
	native_poll(s->native);
	if (*native_note(s->native))
		session_note(s, "%s", native_note(s->native));
	session_drain(s);
}

/* A child's heap grows from what its parent left to it: the first point of its trends. */
static void begin_with_inherited(struct session *s)
{
	const struct heap_census *first = s->o.inherited;
	double value[HEAP_CLASSES];

	s->o.inherited = NULL; /* the caller's */
	if (!first || !heap_can_count(s->heap) || first->t_ns > s->start_ns)
		return;
	s->readings.origin_ns = first->t_ns;
	for (unsigned k = 0; k < HEAP_CLASSES; k++)
		value[k] = (double)first->live[k];
	trend_set_add(s->readings.classes, 0, value);
}

void session_plan_jobs(struct session *s, uint64_t now)
{
	ledger_start(&s->ledger, now);
	s->start_ns = s->readings.origin_ns = now;
	begin_with_inherited(s);
	s->due = (struct session_times){
		.burst = s->windows.mode == BIRTHS_BURSTS ? now + 50000000 : 0,
		.census = heap_can_count(s->heap) ? now : 0,
		.memory = now,
		.native = now + NATIVE_NS,
		.fds = now,
		.look = now + LOOK_NS,
		.modules = py_extensions_make_objects(s->rt) ? now + MODULES_NS : 0,
	};
}

/* Probes that stay in go only when there is a module to add. */
static void do_modules(struct session *s, uint64_t now)
{
	size_t before = s->sites->n_files;
	int err;

	s->due.modules = now + MODULES_NS;
	if (s->windows.mode == BIRTHS_OFF)
		return;
	err = sites_attach_new(s);
	if (err ? !proc_alive(s->proc) : s->sites->n_files == before)
		return;
	if (err)
		session_note(s, "births are not watched any more: %s", fail_text());
	if (s->windows.mode == BIRTHS_ALWAYS)
		session_stop_always(s);
	s->windows.mode = err ? BIRTHS_OFF : BIRTHS_BURSTS;
	if (err)
		s->due.burst = 0;
	else if (!s->due.burst && !s->paused)
		s->due.burst = now + 1000000;
}

/* What holds the survivors, and whether that grows, is found out by the clock: however often
 * somebody wants a report, it knows the same. */
static void do_look(struct session *s, uint64_t now)
{
	uint64_t cpu_ns = thread_cpu_ns(), wait;
	struct report *r;

	s->due.look = now + LOOK_NS;
	if (report_new(&r))
		return;
	holders_look(s);
	r->processes = report_alloc(r, sizeof(*r->processes));
	if (r->processes && !session_judge(s, now, r, r->processes))
		holders_ask(s, r->processes);
	else
		log_debug("a look at what holds survivors: %s", fail_text());
	report_free(r);
	wait = (thread_cpu_ns() - cpu_ns) * LOOK_SHARE;
	if (wait > LOOK_NS)
		s->due.look = now + wait;
}

uint64_t session_next_due(const struct session *s, uint64_t limit)
{
	const uint64_t due[] = {s->due.burst,	s->due.climb,  s->due.census,
				s->due.poll,	s->due.memory, s->due.native,
				s->due.modules, s->due.fds,    s->due.look};

	for (size_t i = 0; i < ARRAY_SIZE(due); i++)
		if (due[i] && due[i] < limit)
			limit = due[i];
	return limit;
}

void session_run_jobs(struct session *s)
{
	uint64_t now = clock_ns();

	if (s->due.poll && s->due.poll <= now)
		session_poll_births(s);
	if (s->due.climb && s->due.climb <= now)
		do_climb(s, now);
	if (s->due.census && s->due.census <= now)
		do_census(s, now);
	if (s->due.memory && s->due.memory <= now)
		do_memory(s, now);
	if (s->due.modules && s->due.modules <= now)
		do_modules(s, now);
	if (s->due.native && s->due.native <= now)
		do_native(s, now);
	if (s->due.fds && s->due.fds <= now)
		session_fds_look(s, now);
	if (s->due.look && s->due.look <= now)
		do_look(s, now);
	if (s->due.burst && s->due.burst <= now)
		session_burst(s);
}

void session_pause(struct session *s, bool pause)
{
	if (pause == s->paused)
		return;
	s->paused = pause;
	session_fds_pause(s, pause);
	if (pause) {
		if (s->windows.mode == BIRTHS_ALWAYS)
			session_stop_always(s);
		s->due.burst = s->due.native = 0;
		native_pause(s->native);
		account_fill(&s->ledger.of[LEDGER_BIRTHS], clock_ns());
		s->paused_at_ns = clock_ns();
	} else {
		s->paused_ns += clock_ns() - s->paused_at_ns;
		ledger_skip(&s->ledger, s->paused_at_ns, clock_ns());
		if (s->windows.mode != BIRTHS_OFF)
			s->due.burst = clock_ns() + 1000000;
		if (native_resume(s->native))
			session_note(s, "%s", native_note(s->native));
		else
			s->due.native = clock_ns() + NATIVE_NS;
	}
	log_info("%s", pause ? "paused" : "resumed");
}
