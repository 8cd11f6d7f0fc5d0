/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads all Pythons in rounds, while a few suspects are probed. The cost of a round decides when
 * the next one comes. */
#include "sweep/sweep.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/map64.h"
#include "base/thread.h"
#include "sweep/sweep_priv.h"

#define LIST_NS	     5000000000ull /* time between looks for new processes */
#define ROUND_MIN_NS 2000000000ull
#define ROUND_MAX_NS 30000000000ull
#define FIRST_READS  8	 /* first readings, one each ROUND_MIN_NS: enough for a curve */
#define ROUND_SHARE  100 /* readings may take one part in so many of our time: 1 % of a core */
#define NAP_NS	     50000000
#define LEAST_S	     0.02 /* suspects' part of a step, however long the rest of it took */
#define MOST_LEAKS   256  /* leaks of ended processes that are kept */
#define SEEN_MIN     256
#define FORGET_NS    600000000000ull
#define AGAIN_S	     60		   /* seconds until a failed look is tried again, at most */
#define RARELY_S     86400	   /* seconds until any other look, at most */
#define WATCHED	     UINT64_MAX	   /* as the time of the next look: it is watched */
#define REFUSED	     (1u << 31)	   /* a bit beside the wait: the last look failed */
#define ONCE_MORE    (REFUSED | 1) /* to be looked at at once, and not counted again */

enum look { LOOK_WATCHED, LOOK_NOTHING, LOOK_FAILED, LOOK_LATER };

/* Identifies a process and its program: exec keeps pid and start time. */
static uint64_t identity_of(const struct proc_entry *e)
{
	return (uint64_t)e->pid << 40 ^ e->start_ticks ^ e->start_stack * 0x9e3779b97f4a7c15ull;
}

int sweep_new(const struct sweep_opts *o, struct probe_guard *guard, struct sweep **out)
{
	struct sweep *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->o = *o;
	s->guard = guard;
	err = py_finder_new(&s->finder);
	if (err) {
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

static void forget(struct sweep_target *t)
{
	suspect_end(t);
	report_free(t->found);
	growth_close(t->growth);
	free(t);
}

void sweep_free(struct sweep *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->target.n; i++)
		forget(s->target.v[i]);
	for (size_t i = 0; i < s->leak.n; i++)
		report_free(s->leak.v[i]);
	vec_free(&s->target);
	vec_free(&s->leak);
	map64_free(&s->seen);
	py_finder_free(s->finder);
	free(s);
}

/* Keeps probes in during a long reading: a heap of 20 GiB has a million pools, whose headers take
 * two seconds. */
static int reading(const struct heap_progress *at, void *ctx)
{
	(void)at;
	suspects_keep_alive(ctx);
	return 0;
}

static enum look watch(struct sweep *s, struct growth *g)
{
	struct sweep_target *t = calloc(1, sizeof(*t)), **slot;

	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what is in it */
	slot = t ? vec_push(&s->target) : NULL;
	if (!slot) {
		free(t);
		growth_close(g);
		return LOOK_FAILED;
	}
	growth_watch_by(g, reading, s);
	t->growth = g;
	*slot = t;
	return LOOK_WATCHED;
}

/* Notes why a look failed; a process that has ended meanwhile is no loss. */
static enum look failed(struct sweep *s, const struct proc_entry *e, int err, bool *is_refused)
{
	if (sweep_is_no_loss(e, err))
		return LOOK_FAILED;
	*is_refused = true;
	s->why_of = identity_of(e);
	snprintf(s->why, sizeof(s->why), "%s", fail_text());
	return LOOK_FAILED;
}

/* Looks at a process that is not watched: is it a wanted Python? One that is stuck is left for
 * later. */
static enum look look_at(struct sweep *s, const struct proc_entry *e, bool *is_refused)
{
	struct growth *g = NULL;
	bool is_wanted;
	struct proc *p;
	int has, err;

	if (sweep_is_stuck(e->pid))
		return LOOK_LATER;
	err = proc_open(e->pid, &p);
	if (err && !sweep_may_want_unopened(&s->o, e))
		return LOOK_FAILED;
	if (err)
		return failed(s, e, err, is_refused);
	has = py_finder_has(s->finder, p);
	is_wanted = has && sweep_wants(&s->o, p);
	if (has <= 0 || !is_wanted) {
		bool may_be = has && sweep_may_want(&s->o, p);

		proc_close(p);
		if (has < 0 && may_be)
			return failed(s, e, has, is_refused);
		return may_be ? LOOK_FAILED : LOOK_NOTHING;
	}
	err = growth_open(p, e, &g);
	if (!err)
		return watch(s, g);
	/* libpython is loaded and not started, or it ends: no Python runs */
	if (err == -EAGAIN || err == -ESHUTDOWN)
		return LOOK_NOTHING;
	failed(s, e, err, is_refused);
	/* a Python that is not known stays so; else we lacked something */
	return err == -ENOTSUP ? LOOK_NOTHING : LOOK_FAILED;
}

static uint64_t now_s(void)
{
	return clock_ns() / 1000000000u;
}

/* When to look again, and the wait until then, both in seconds, as `seen` keeps them. Each wait is
 * twice the one before: so each process is looked at a few times only, and a wanted name may still
 * come late, or a Python that is loaded as a library or was just exec'ed. */
static uint64_t next_look(enum look look, bool is_refused, uint64_t before)
{
	uint64_t wait_s = before ? 2 * (before & (REFUSED - 1)) : LIST_NS / 1000000000u;
	uint64_t most_s = look == LOOK_FAILED ? AGAIN_S : RARELY_S;

	if (look == LOOK_WATCHED)
		return WATCHED;
	if (wait_s > most_s)
		wait_s = most_s;
	return (now_s() + wait_s) << 32 | (is_refused ? REFUSED : 0) | wait_s;
}

static bool was_refused(const uint64_t *seen)
{
	return seen && *seen != WATCHED && *seen & REFUSED;
}

/* Frees the map on failure. */
static int put(struct map64 *m, uint64_t key, uint64_t value)
{
	uint64_t *at = map64_put(m, key);

	if (!at) {
		map64_free(m);
		return fail(-ENOMEM, "out of memory");
	}
	*at = value;
	return 0;
}

/* Forgets processes that have ended: a host starts millions in a month. */
static int forget_ended(struct sweep *s, const struct proc_entry *v, size_t n)
{
	struct map64 kept = {0};

	if (s->seen.n < 2 * n + SEEN_MIN)
		return 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t key = identity_of(&v[i]), *at = map64_get(&s->seen, key);

		if (at && put(&kept, key, *at))
			return -ENOMEM;
	}
	map64_free(&s->seen);
	s->seen = kept;
	return 0;
}

/* Forgets now and then what was found in files: the inode of a deleted file may be another's. */
static void forget_files(struct sweep *s)
{
	uint64_t now = clock_ns();

	if (now >= s->forget_due) {
		py_finder_forget(s->finder);
		s->forget_due = now + FORGET_NS;
	}
}

static void keep_leak(struct sweep *s, struct sweep_target *t)
{
	struct report *r, **slot;

	if (!s->o.keeps_leaks || !growth_has_ended(t->growth))
		return;
	r = suspect_take_leak(t);
	if (r && s->leak.n == MOST_LEAKS && !s->has_told_leaks) {
		log_line("pyleak-bpf: leaks of %d processes that have ended are kept for the "
			 "report: those of later ones are left out",
			 MOST_LEAKS);
		s->has_told_leaks = true;
	}
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what is in it */
	slot = r && s->leak.n < MOST_LEAKS ? vec_push(&s->leak) : NULL;
	if (slot)
		*slot = r;
	else
		report_free(r);
}

static void remove_ended(struct sweep *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->target.n; i++) {
		struct sweep_target *t = s->target.v[i];

		if (!t->is_over) {
			s->target.v[kept++] = t;
			continue;
		}
		keep_leak(s, t);
		forget(t);
	}
	s->target.n = kept;
}

/* Ends the target that had this pid until now: it was another program. */
static void forget_former(struct sweep *s, int pid)
{
	for (size_t i = 0; i < s->target.n; i++)
		if (growth_entry(s->target.v[i]->growth)->pid == pid)
			s->target.v[i]->is_over = true;
	remove_ended(s);
}

static int meet(struct sweep *s, const struct proc_entry *e)
{
	uint64_t key = identity_of(e), *at;
	bool is_first = !map64_get(&s->seen, key), is_refused = false;
	enum look look;

	at = map64_put(&s->seen, key);
	if (!at)
		return fail(-ENOMEM, "out of memory");
	if (is_first)
		forget_former(s, e->pid);
	look = look_at(s, e, &is_refused);
	if (look == LOOK_LATER) /* it stays due */
		return 0;
	s->refused += is_refused && !was_refused(at);
	*at = next_look(look, is_refused, *at);
	return 0;
}

/* Counts refused processes that still exist. The reason that is told must be of one of them: else
 * one is looked at again for its reason. */
static int count_refused(struct sweep *s, const struct proc_entry *v, size_t n)
{
	const struct proc_entry *last = NULL;
	bool is_told = false;
	int err;

	s->not_watched = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t key = identity_of(&v[i]);

		if (!sweep_wants_entry(&s->o, &v[i]) || !was_refused(map64_get(&s->seen, key)))
			continue;
		s->not_watched++;
		is_told = is_told || key == s->why_of;
		last = &v[i];
	}
	if (!last || is_told)
		return 0;
	s->why[0] = '\0';
	err = meet(s, last);
	s->not_watched -= !was_refused(map64_get(&s->seen, identity_of(last)));
	return err;
}

/* Lists the processes, and meets those that are due for @max_ns: one at least, as the list itself
 * may take longer on a busy host. */
static int list(struct sweep *s, uint64_t max_ns)
{
	auto_free struct proc_entry *v = NULL;
	uint64_t cpu_ns = thread_cpu_ns(), wait, end_ns;
	size_t n = 0, met = 0;
	int err = proc_list(&v, &n);

	wait = (thread_cpu_ns() - cpu_ns) * ROUND_SHARE;
	end_ns = clock_ns() + max_ns;
	forget_files(s);
	for (size_t i = 0; i < n && !err; i++) {
		const uint64_t *seen = map64_get(&s->seen, identity_of(&v[i]));

		/* too young now, not too young next time */
		if (!sweep_wants_entry(&s->o, &v[i]) || (seen && now_s() < *seen >> 32))
			continue;
		/* the first look at a host takes seconds: Ctrl-C does not wait for it */
		if (met++ && clock_ns() > end_ns)
			return 0;
		err = meet(s, &v[i]);
	}
	if (!err)
		err = count_refused(s, v, n);
	if (!err)
		err = forget_ended(s, v, n);
	if (!err)
		s->list_due = clock_ns() + (wait > LIST_NS ? wait : LIST_NS);
	return err;
}

/* Is it wanted by its present age and size, and its words? */
static bool still_wanted(const struct sweep_opts *o, const struct proc_entry *e)
{
	struct proc_entry now;
	struct proc *p;
	bool wanted;

	if (!proc_list_one(e->pid, &now) || !sweep_is_same(&now, e) || !sweep_wants_entry(o, &now))
		return false;
	if (now.is_stuck || proc_open(e->pid, &p)) /* its words need its lock, too */
		return now.is_stuck;
	wanted = sweep_may_want(o, p);
	proc_close(p);
	return wanted;
}

int sweep_reselect(struct sweep *s, const struct sweep_opts *o)
{
	struct map64 seen = {0};

	for (size_t i = 0; i < s->target.n; i++) {
		const struct proc_entry *e = growth_entry(s->target.v[i]->growth);

		if (still_wanted(o, e) && put(&seen, identity_of(e), WATCHED))
			return -ENOMEM;
	}
	for (size_t i = 0; i < s->seen.cap; i++) {
		const uint64_t *pair = s->seen.slot + 2 * i;

		if (pair[0] && was_refused(&pair[1]) && put(&seen, pair[0], ONCE_MORE))
			return -ENOMEM;
	}
	for (size_t i = 0; i < s->target.n; i++)
		s->target.v[i]->is_over =
			!map64_get(&seen, identity_of(growth_entry(s->target.v[i]->growth)));
	remove_ended(s);
	map64_free(&s->seen);
	s->seen = seen;
	s->o = *o;
	s->list_due = 0;
	return 0;
}

/* Gives a target up. One that lives, and could not be read, is told; the next list looks again. If
 * something was found of it, that is kept, and it is read again: we may have lacked descriptors. */
static void give_up(struct sweep *s, struct sweep_target *t)
{
	const struct proc_entry *e = growth_entry(t->growth);
	uint64_t *at = map64_get(&s->seen, identity_of(e));
	bool is_refused = false;

	if ((t->found || t->session) && !growth_has_ended(t->growth))
		return;
	t->is_over = true;
	failed(s, e, -ESRCH, &is_refused);
	s->refused += is_refused;
	s->not_watched += is_refused;
	if (at)
		*at = is_refused ? ONCE_MORE : 0;
}

/* Reads each process that is due; one that came late is read as often at first, so as to be
 * suspected as soon. Forgets those that have ended. */
static void read_all(struct sweep *s)
{
	uint64_t now = clock_ns(), cpu_ns = thread_cpu_ns(), wait;
	bool is_round = now >= s->round_due, is_of_young = now >= s->young_due;

	for (size_t i = 0; i < s->target.n; i++) {
		struct sweep_target *t = s->target.v[i];

		if (!(t->reads < FIRST_READS ? is_of_young : is_round))
			continue;
		t->reads++;
		suspects_keep_alive(s);
		if (!growth_read(t->growth)) {
			give_up(s, t);
			continue;
		}
		suspect_clear(t);
	}
	remove_ended(s);
	if (is_of_young) {
		s->has_round = s->has_round || s->list_due; /* all processes were listed before */
		s->young_due = clock_ns() + ROUND_MIN_NS;
	}
	if (!is_round)
		return;
	wait = (thread_cpu_ns() - cpu_ns) * ROUND_SHARE;
	if (wait < ROUND_MIN_NS)
		wait = ROUND_MIN_NS;
	s->round_due = clock_ns() + (wait < ROUND_MAX_NS ? wait : ROUND_MAX_NS);
}

int sweep_step(struct sweep *s, double max_s)
{
	uint64_t now = clock_ns(), end = now + (uint64_t)(max_s * 1e9);
	const struct timespec nap = {.tv_nsec = NAP_NS};
	int err = 0;

	if (now >= s->list_due)
		err = list(s, (uint64_t)(max_s * 1e9));
	if (!err)
		read_all(s);
	if (!err)
		suspects_choose(s);
	if (err)
		return err;
	now = clock_ns();
	if (!suspects_step(s, now < end ? (double)(end - now) / 1e9 : LEAST_S) && now < end)
		nanosleep(&nap, NULL);
	return 0;
}

bool sweep_has_round(const struct sweep *s)
{
	return s->has_round;
}

static int by_verdict(const void *pa, const void *pb)
{
	const struct report_process *a = pa, *b = pb;
	double x = a->rss_growth_bytes_per_s, y = b->rss_growth_bytes_per_s;

	if (a->verdict != b->verdict)
		return a->verdict < b->verdict ? -1 : 1;
	if (isnan(x) || isnan(y))
		return isnan(x) - isnan(y);
	return x != y ? (x < y) - (x > y) : (a->pid > b->pid) - (a->pid < b->pid);
}

int sweep_fill(struct sweep *s, struct report *r)
{
	int err = 0;

	r->processes = report_alloc(r, (s->target.n + s->leak.n + 1) * sizeof(*r->processes));
	if (!r->processes)
		return fail(-ENOMEM, "out of memory");
	r->n_processes = s->target.n;
	for (size_t i = 0; i < s->target.n && !err; i++)
		err = suspect_fill(s->target.v[i], r, &r->processes[i]);
	for (size_t i = 0; i < s->leak.n && !err; i++)
		r->processes[r->n_processes++] = s->leak.v[i]->processes[0];
	r->not_watched = s->not_watched;
	if (s->not_watched && s->why[0])
		r->not_watched_why = report_strdup(r, s->why);
	if (!err && r->n_processes)
		qsort(r->processes, r->n_processes, sizeof(*r->processes), by_verdict);
	return err;
}

size_t sweep_count(const struct sweep *s, size_t *refused)
{
	*refused = s->refused;
	return s->target.n;
}
