/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A session's life: open, the loop of jobs, close. One thread does everything in turn: a window is
 * never disturbed by a reading, and nothing needs a lock. */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "session/fds.h"
#include "session/holders.h"
#include "session/census_worker.h"
#include "session/session_priv.h"

#define CENSUS_MIN_NS 100000000
#define CENSUS_MAX_NS 5000000000
#define CENSUS_SHARE  250 /* a census may take this part of our time: 0.4 % of a core */
#define CLIMB_MIN_NS  50000000
#define CLIMB_MAX_NS  1000000000
#define CLIMB_SHARE   100 /* after hours something is due all the time, on a ladder of thousands */
#define MEMORY_NS     500000000
#define FIT_NS	      2000000000
#define NATIVE_NS     200000000
#define MODULES_NS    3000000000
#define BUCKET_S      1.0
#define WORKER_SHARE  0.01 /* of a core, for censuses by type */

static void name_session(struct session *s)
{
	snprintf(s->title, sizeof(s->title), "%s, CPython %s", s->proc->comm, s->rt->version);
}

static int open_user_half(struct session *s)
{
	int err = heap_open(s->rt, &s->heap);

	if (!err)
		err = stacks_new(s->rt, &s->stacks);
	if (!err)
		err = names_new(s->rt, &s->names);
	if (!err)
		err = ladder_new(s->heap, s->stacks, &s->ladder);
	if (!err)
		err = trend_set_new(HEAP_CLASSES, BUCKET_S, &s->classes);
	if (!err)
		err = trend_set_new(TREND_SERIES, BUCKET_S, &s->memory);
	if (!err)
		err = memwatch_new(&s->memwatch);
	if (!err)
		s->parts = parts_start(s->proc);
	return err;
}

/* Births need sites, a mechanism and the kernel's consent. A build whose sites cannot all be
 * resolved is watched without them: a missing site would blame wrong lines. */
static int open_kernel_half(struct session *s)
{
	int err = session_find_births(s);

	if (err && err != -ENOTSUP)
		return err;
	if (err)
		session_note(s, "births are not watched: %s", fail_text());
	s->mechanism = (enum probe_mechanism)s->o.mechanism;
	err = s->mechanism ? 0
			   : probe_choose(s->n_sites ? s->n_sites : 1, PROBE_NONE, &s->mechanism);
	if (err)
		return err;
	err = session_load(s);
	if (err)
		return err;
	s->mode = s->n_files ? BIRTHS_BURSTS : BIRTHS_OFF;
	return session_attach(s);
}

/* Native blocks may cost half of the budget at most; what they do not use is the births'. */
static int open_native(struct session *s)
{
	struct native_spec spec = {
		.proc = s->proc,
		.heap = s->heap,
		.skel = s->skel,
		.mechanism = s->mechanism,
		.share = s->o.overhead * BUDGET_AIM / 2,
		.older_ns = (uint64_t)(s->o.older_s * 1e9),
	};
	int err = native_open(&spec, &s->native);

	if (!err && *native_note(s->native))
		session_note(s, "%s", native_note(s->native));
	if (!err && s->o.native_stacks)
		err = native_stacks_open(s, &s->native_stacks);
	return err;
}

/* A child's heap grows from what its parent left to it: the first point of its trends. */
static void begin_with_inherited(struct session *s)
{
	const struct heap_census *first = s->o.inherited;
	double value[HEAP_CLASSES];

	s->o.inherited = NULL; /* the caller's */
	if (!first || !heap_can_count(s->heap) || first->t_ns > s->start_ns)
		return;
	s->origin_ns = first->t_ns;
	for (unsigned k = 0; k < HEAP_CLASSES; k++)
		value[k] = (double)first->live[k];
	trend_set_add(s->classes, 0, value);
}

static void plan(struct session *s, uint64_t now)
{
	budget_init(&s->budget, s->o.overhead, now);
	s->start_ns = s->origin_ns = now;
	begin_with_inherited(s);
	s->due = (struct session_times){
		.burst = s->mode == BIRTHS_BURSTS ? now + 50000000 : 0,
		.census = heap_can_count(s->heap) ? now : 0,
		.memory = now,
		.native = now + NATIVE_NS,
		.fds = now,
		.modules = s->rt->minor == 8 ? now + MODULES_NS : 0,
	};
}

static int open_python(struct session *s)
{
	return py_open(s->proc, &s->rt);
}

/* The kernel may take seconds over a probe where others are set at the same time. */
static bool is_cancelled(const struct session *s)
{
	return s->o.is_cancelled && s->o.is_cancelled();
}

int session_open(int pid, const struct session_opts *o, struct session **out)
{
	static int (*const steps[])(struct session *) = {
		open_python, open_user_half, open_kernel_half, open_native, session_fds_open,
	};
	struct session *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->o = *o;
	s->fds = session_fds_new();
	if (!s->fds) {
		free(s);
		return fail(-ENOMEM, "out of memory");
	}
	s->random = (clock_ns() ^ ((uint64_t)pid << 32) ^ 0x9e3779b97f4a7c15ull) | 1;
	probe_sweep();
	err = proc_open(pid, &s->proc);
	if (!err && o->start_ticks && s->proc->start_ticks != o->start_ticks)
		err = fail(-ESRCH, "process %d has ended, and its number is another's now", pid);
	for (size_t i = 0; !err && i < ARRAY_SIZE(steps); i++)
		err = is_cancelled(s) ? fail(-ECANCELED, "stopped while attaching to %d", pid)
				      : steps[i](s);
	if (err) {
		session_close(s);
		return err;
	}
	dso_forget_bytes(s->rt->dso); /* the code was searched for births */
	name_session(s);
	if (!heap_can_count(s->heap))
		session_note(s, "the heap's pools cannot be read (allocator: %s): rates are rough",
			     py_allocator_name(s->rt->allocator));
	plan(s, clock_ns());
	if (census_worker_start(s->proc, WORKER_SHARE, &s->worker))
		session_note(s, "%s", fail_text());
	*out = s;
	return 0;
}

void session_close(struct session *s)
{
	if (!s)
		return;
	parts_stop(s->parts);
	native_stacks_close(s->native_stacks);
	census_worker_stop(s->worker);
	native_close(s->native);
	holders_free(s->holders);
	session_fds_close(s);
	session_detach(s);
	session_unload(s);
	session_forget_births(s);
	ladder_free(s->ladder);
	stacks_free(s->stacks);
	names_free(s->names);
	trend_set_free(s->classes);
	trend_set_free(s->memory);
	memwatch_free(s->memwatch);
	heap_close(s->heap);
	py_close(s->rt);
	proc_close(s->proc);
	for (size_t i = 0; i < s->n_notes; i++)
		free(s->note[i]);
	free(s);
}

const char *session_title(const struct session *s)
{
	return s->title;
}

const char *session_end_reason(const struct session *s)
{
	return s->end_reason;
}

static double seconds_since_start(const struct session *s, uint64_t now)
{
	return (double)(now - s->start_ns) / 1e9;
}

/* The time of the trends. A stopped target does not grow: that is no level. */
static double seconds_it_ran(const struct session *s, uint64_t now)
{
	return (double)(now - s->origin_ns - s->stopped_ns) / 1e9;
}

double session_trend_s(const struct session *s)
{
	return seconds_it_ran(s, s->now_ns);
}

static uint64_t live_bytes(const struct heap_census *c)
{
	uint64_t sum = c->big_bytes;

	for (unsigned k = 0; k < HEAP_CLASSES; k++)
		sum += c->live[k] * 16 * (k + 1);
	return sum;
}

uint64_t session_collections(struct session *s)
{
	py_full_collections(s->rt, &s->collections); /* not to be had now: as last read */
	return s->collections;
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
	s->census = c;
	s->census_ns = now;
	s->torn += c.torn;
	for (unsigned k = 0; k < HEAP_CLASSES; k++)
		value[k] = (double)c.live[k];
	session_collections(s);
	if (!s->mem.stopped)
		trend_set_add(s->classes, seconds_it_ran(s, now), value);
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

	if (s->series_step == 0)
		s->series_step = 1000000000;
	if (s->n_series &&
	    now < s->start_ns + (uint64_t)(s->series[s->n_series - 1].t_s * 1e9) + s->series_step)
		return;
	if (s->n_series == SESSION_SERIES) {
		for (size_t i = 0; i < SESSION_SERIES / 2; i++)
			s->series[i] = s->series[2 * i];
		s->n_series /= 2;
		s->series_step *= 2;
	}
	p = &s->series[s->n_series++];
	p->t_s = seconds_since_start(s, now);
	p->rss_bytes = s->mem.rss_bytes;
	p->heap_bytes = heap_can_count(s->heap) ? live_bytes(&s->census) : REPORT_UNKNOWN;
	p->threads = s->mem.threads;
	memwatch_series(s->memwatch, p);
}

static void do_memory(struct session *s, uint64_t now)
{
	double value[TREND_SERIES];
	char text[400];

	s->due.memory = now + MEMORY_NS;
	if (proc_memory(s->proc, &s->mem))
		return;
	if (s->mem.stopped && s->memory_ns)
		s->stopped_ns += now - s->memory_ns;
	s->memory_ns = now;
	if (s->mem.stopped) {
		add_series(s, now);
		return;
	}
	value[TREND_RSS] = (double)s->mem.rss_bytes;
	value[TREND_LIVE] = (double)live_bytes(&s->census);
	/* mimalloc counts what is too big for a class itself. */
	value[TREND_MALLOC] = heap_has_mimalloc(s->heap)
				      ? (double)s->census.big_bytes
				      : (double)s->mem.anon_bytes -
						(double)s->census.pools * s->rt->layout.pool_size;
	trend_set_add(s->memory, seconds_it_ran(s, now), value);
	memwatch_read(s->memwatch, s->rt, &s->mem, &s->census, seconds_it_ran(s, now));
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
	if (when < s->climb_after)
		when = s->climb_after;
	if (!s->due.climb || when < s->due.climb)
		s->due.climb = when;
}

static void do_climb(struct session *s, uint64_t now)
{
	uint64_t next = ladder_climb(s->ladder, now), wait;

	learn_names(s);
	log_ladder(s);
	wait = (clock_ns() - now) * CLIMB_SHARE;
	if (wait < CLIMB_MIN_NS)
		wait = CLIMB_MIN_NS;
	if (wait > CLIMB_MAX_NS)
		wait = CLIMB_MAX_NS;
	s->climb_after = now + wait;
	s->due.climb = 0;
	if (next)
		session_plan_climb(s, next);
}

/* Half of the budget at most; while nothing grows outside of the pools, windows on malloc are kept
 * for the case that this changes. */
static double native_share(struct session *s, uint64_t now)
{
	struct trend_fit fit;

	if (now - s->fitted_ns > FIT_NS) {
		trend_set_fit(s->memory, TREND_MALLOC, &fit);
		s->malloc_grows = fit.growing;
		s->fitted_ns = now;
	}
	if (native_state(s->native) != NATIVE_BURST || s->malloc_grows)
		return s->o.overhead * BUDGET_AIM / 2;
	return s->o.overhead * BUDGET_AIM / 8;
}

static void do_native(struct session *s, uint64_t now)
{
	double left, spent;

	s->due.native = now + NATIVE_NS;
	native_set_share(s->native, native_share(s, now));
	native_poll(s->native);
	if (*native_note(s->native))
		session_note(s, "%s", native_note(s->native));
	session_drain(s);
	/* what it costs of late, windows included: a running mean over some ten seconds */
	spent = native_spent_ns(s->native) + session_fds_spent_ns(s);
	s->native_share += ((spent - s->native_spent) / NATIVE_NS - s->native_share) / 50;
	s->native_spent = spent;
	left = s->o.overhead * BUDGET_AIM - s->native_share;
	s->budget.share = left > s->o.overhead / 10 ? left : s->o.overhead / 10;
}

/* Has the target ended, or become another program? */
static bool target_gone(struct session *s)
{
	if (!proc_alive(s->proc))
		snprintf(s->end_reason, sizeof(s->end_reason), "process %d has ended",
			 s->proc->pid);
	else if (proc_execed(s->proc))
		snprintf(s->end_reason, sizeof(s->end_reason),
			 "process %d has exec'ed another program", s->proc->pid);
	else
		return false;
	s->ended = true;
	s->end_ns = clock_ns();
	/* Others may go on being watched: what runs there now is not ours to slow down or to read.
	 */
	session_births_off(s);
	native_pause(s->native);
	session_fds_pause(s, true);
	return true;
}

/* Probes that stay in go only when there is a module to add. */
static void do_modules(struct session *s, uint64_t now)
{
	size_t before = s->n_files;
	int err;

	s->due.modules = now + MODULES_NS;
	if (s->mode == BIRTHS_OFF)
		return;
	err = session_attach_new(s);
	if (err ? !proc_alive(s->proc) : s->n_files == before)
		return;
	if (err)
		session_note(s, "births are not watched any more: %s", fail_text());
	if (s->mode == BIRTHS_ALWAYS)
		session_stop_always(s);
	s->mode = err ? BIRTHS_OFF : BIRTHS_BURSTS;
	if (err)
		s->due.burst = 0;
	else if (!s->due.burst && !s->paused)
		s->due.burst = now + 1000000;
}

static uint64_t next_due(const struct session *s, uint64_t limit)
{
	const uint64_t due[] = {s->due.burst,  s->due.climb,  s->due.census,  s->due.poll,
				s->due.memory, s->due.native, s->due.modules, s->due.fds};

	for (size_t i = 0; i < ARRAY_SIZE(due); i++)
		if (due[i] && due[i] < limit)
			limit = due[i];
	return limit;
}

/* 1: something happened to the target; -EINTR: a signal. Asks even when it is too late to sleep: a
 * job on a target that has just ended would find all survivors dead. */
static int sleep_until(const struct session *s, uint64_t when)
{
	struct pollfd fd = {.fd = s->proc->pidfd, .events = POLLIN};
	uint64_t now = clock_ns(), wait = when > now ? when - now : 0;
	const struct timespec left = {
		.tv_sec = (time_t)(wait / 1000000000u),
		.tv_nsec = (long)(wait % 1000000000u),
	};
	int n;

	n = ppoll(&fd, 1, &left, NULL);
	return n < 0 ? -errno : n;
}

static void run_jobs(struct session *s)
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
	if (s->due.burst && s->due.burst <= now)
		session_burst(s);
}

int session_step(struct session *s, double max_s)
{
	uint64_t until = clock_ns() + (uint64_t)(max_s * 1e9), checked = 0;

	while (!s->ended) {
		uint64_t now = clock_ns();
		int woke;

		if (now - checked > 100000000) {
			checked = now;
			if (target_gone(s))
				return 1;
		}
		if (now >= until)
			return 0;
		woke = sleep_until(s, next_due(s, until));
		if (woke == -EINTR)
			return 0;
		if (woke > 0) {
			checked = 0;
			continue;
		}
		run_jobs(s);
	}
	return 1;
}

void session_pause(struct session *s, bool pause)
{
	if (pause == s->paused)
		return;
	s->paused = pause;
	session_fds_pause(s, pause);
	if (pause) {
		if (s->mode == BIRTHS_ALWAYS)
			session_stop_always(s);
		s->due.burst = s->due.native = 0;
		native_pause(s->native);
		budget_fill(&s->budget, clock_ns());
		s->paused_at_ns = clock_ns();
	} else {
		s->paused_ns += clock_ns() - s->paused_at_ns;
		budget_skip(&s->budget, s->paused_at_ns, clock_ns());
		if (s->mode != BIRTHS_OFF)
			s->due.burst = clock_ns() + 1000000;
		if (!native_resume(s->native))
			s->due.native = clock_ns() + NATIVE_NS;
	}
	log_info("%s", pause ? "paused" : "resumed");
}
