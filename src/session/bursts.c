/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Windows in which births are recorded, and the permanent mode for quiet programs.
 * A window: probes in, births recorded, the born objects read from outside while the probes are
 * still in, probes out. Births before the attach was complete never become samples: a rebirth at a
 * site that was not live yet would have gone unseen. */
#include <math.h>
#include <time.h>

#include "base/thread.h"
#include "py/versions.h"
#include "session/births_priv.h"
#include "session/pools.h"
#include "session/survivors.h"

/* An idle target is watched for longer than a busy one may be: it pays per birth. */
#define WINDOW_MAX_NS  150000000
#define SOME_MAX_NS    250000000 /* where some types alone are watched, as few births are met */
#define WINDOW_BIRTHS  12000
#define REFUSALS       5
#define REFUSED_NS     1000000000
#define WAITS	       10	/* in vain, for a turn */
#define READ_NS	       200000	/* between two looks at an open window: for new stacks */
#define NAP_NS	       400000	/* between them, while new stacks come or it is to close soon ... */
#define LONG_NAP_NS    2000000	/* ... and otherwise */
#define NAP_PART       4	/* of what its births may still cost: no nap costs all of it */
#define POLL_NS	       10000000 /* permanent mode: how long a surprise may last */
#define LOOK_NS	       100000000
#define FIRST_CLIMB_NS 200000000
#define FAR_NS	       700000000 /* by then more or less may be saved each second */
#define LEARN_BURSTS   3	 /* windows before permanent attachment is considered */

static uint32_t next_random(struct births *b)
{
	return (uint32_t)(random_next(&b->random) >> 16);
}

static uint64_t births_now(const struct births *b)
{
	return __atomic_load_n(&b->s->kern.stats->births, __ATOMIC_ACQUIRE);
}

/* Those on deaths side by side with those on births, or the target would run into the last of them
 * for as long as the kernel needs for the first. */
static void take_out(struct births *b, bool waits)
{
	int (*out)(struct probe_set *) = waits ? probe_set_off : probe_set_let_go;
	struct sites *t = b->s->sites;

	probe_sets_off((struct probe_set *[]){b->deaths.set, t->set[0], b->focus.set[0]}, 3, waits);
	sites_each(t, t->set, out);
	sites_each(t, b->focus.set, out);
}

static double cost_ns(const struct births *b, uint64_t recorded)
{
	const volatile struct pl_stats *st = b->s->kern.stats;

	return (double)recorded * b->s->ledger.birth_ns +
	       (double)(aim_left_out(b->skip, st->skip) + st->deaths) *
		       probe_price_event(&b->account->price);
}

void births_charge(struct births *b)
{
	uint64_t met = __atomic_load_n(&b->s->kern.stats->unrecorded, __ATOMIC_RELAXED);

	account_lingered(b->account,
			 (double)(met - b->lingered) * probe_price_event(&b->account->price));
	b->lingered = met;
}

/* The probes of the window before are out when the first call has come back. What could not be
 * opened yet is, or a birth would go unseen. */
static int births_on(struct births *b, bool looks)
{
	const struct sites *t = b->s->sites;
	struct probe_set *const *set = b->focus.is_on ? b->focus.set : t->set;
	int err = sites_attach(b->s);

	if (!err)
		err = sites_warm(t);
	births_charge(b); /* the probes of the window before are out */
	session_forget_stale(b->s);
	b->s->kern.stats->off = 0;
	b->s->kern.stats->skip = b->skip;
	b->s->kern.stats->deaths = 0;
	if (!err && looks)
		deaths_on(&b->deaths, b->s->kern.stats);
	if (!err)
		err = sites_each(t, set, probe_set_on);
	for (size_t i = 0; err && i < t->n_sets; i++)
		account_planted(b->account, probe_set_sites_in(set[i]));
	if (!err)
		return 0;
	account_planted(b->account, probe_set_sites_in(b->deaths.set));
	take_out(b, true);
	account_charge(b->account, cost_ns(b, 0));
	return err;
}

/* Nothing is recorded from here on, whenever the probes are out. */
static void births_let_go(struct births *b)
{
	__atomic_store_n(&b->s->kern.stats->off, 1, __ATOMIC_SEQ_CST);
	take_out(b, false);
}

static bool is_by_type(const struct births *b)
{
	return b->focus.is_on && b->focus.aim.n_types;
}

/* Its births may cost from half of @most_ns to all of it: no target is seen in one phase. Code that
 * lives for one call may be gone at its end: that of new stacks is copied meanwhile. */
static void wait_window(struct births *b, uint64_t from, uint64_t opened, double most_ns)
{
	uint64_t longest = is_by_type(b) ? SOME_MAX_NS : WINDOW_MAX_NS;
	double may_cost = most_ns * (0.5 + 0.5 * (next_random(b) & 0xffff) / 65536.0);

	for (;;) {
		uint64_t seen = births_now(b) - from, age = clock_ns() - opened;
		double left = may_cost - cost_ns(b, seen), nap = NAP_NS;
		struct timespec pause;

		if (left <= 0 || age >= longest || seen >= WINDOW_BIRTHS || session_go_on(b->s))
			return;
		if (!kern_read_ring(b->s, clock_ns() + READ_NS))
			nap = fmin(fmax(left / NAP_PART, NAP_NS), LONG_NAP_NS);
		pause = timespec_of_ns((uint64_t)nap);
		nanosleep(&pause, NULL);
	}
}

/* The probes were out meanwhile, or did nothing. The session begins again at its next step. */
static bool stood_still(const struct births *b)
{
	return b->s->kern.stats->asleep || session_guard_ended(b->s) ||
	       probe_guard_trips(b->s->o.guard, NULL) != b->s->kern.trips;
}

/* After a look at births from @first on: what was born until @last kills what the look saw. A
 * record that was overrun is not whole, nor is one that is not written yet: false, as if there had
 * been no look. */
static bool settle(struct births *b, uint64_t first, uint64_t last)
{
	b->s->ledger.birth_ns =
		probe_price_birth(&b->account->price, stacks_mean_depth(b->s->stacks),
				  py_frames_are_objects(b->s->rt));
	if (last - first > PL_BIRTH_SLOTS) {
		b->overruns += last - first - PL_BIRTH_SLOTS;
		ladder_drop_look(b->ladder, last - first);
		return false;
	}
	if (!b->focus.is_on)
		birthplaces_by_stack(b->s->kern.births, first + b->missed, last, &b->traffic);
	return ladder_kill_new(b->ladder, b->s->kern.births, first, last);
}

/* How many of the first births there was no room for. */
static uint64_t look(struct births *b, uint64_t from, uint64_t to)
{
	unseen_end_rechecks(&b->view);
	b->missed = ladder_look(b->ladder, b->s->kern.births, from, to,
				pools_collections(b->s->pools), b->bursts, b->focus.is_on);
	unseen_end(&b->unseen, &b->view);
	return b->missed;
}

/* When the look's first birth was, of @births since @from, by their share. */
static uint64_t seen_from(uint64_t from, uint64_t to, uint64_t missed, uint64_t births)
{
	return from + (to - from) * missed / (births + 1);
}

static void settle_unseen(struct births *b, uint64_t first)
{
	size_t n;
	const struct sample *look = ladder_looked_at(b->ladder, &n);

	unseen_settle(&b->unseen, &b->view, first, look, n);
}

/* Is the next window looked at? Then deaths are to be seen in it, too. @aim: as for unseen_begin().
 */
static bool choose_deaths(struct births *b, const struct ladder_aim *aim)
{
	const struct session *s = b->s;
	const struct deaths_view v = {
		s->rt,
		b->ladder,
		s->kern.stats,
		&b->random,
		s->kern.mechanism,
		sites_spec(s, s->sites->files.v, s->kern.death_fd, "death"),
	};

	if (!unseen_is_due(&b->unseen, aim))
		return false;
	if (!b->unseen.is_suspect) /* else the same type once more */
		deaths_choose(&b->deaths, &v);
	return true;
}

static void start_always(struct births *b)
{
	if (births_on(b, false)) {
		log_debug("permanent attachment: %s", fail_text());
		return;
	}
	log_debug("births fit the budget: probes stay in");
	b->mode = BIRTHS_ALWAYS;
	b->last_seen = b->polled = births_now(b);
	b->always_since = b->polled_ns = b->looked_ns = clock_ns();
	ladder_begin(b->ladder, b->always_since);
	b->due.burst = 0;
	b->is_far = false;
	b->due.poll = b->always_since + POLL_NS;
	account_charge(b->account, account_planting_ns(b->account, focus_sites(b)));
}

void births_end(struct births *b, const char *why)
{
	session_note(b->s,
		     b->bursts ? "births are not watched any more, only growth is: %s"
			       : "births are not watched: %s",
		     why);
	b->windows_refused += probe_guard_ended(b->s->o.guard) != NULL;
	births_stop_always(b);
	b->mode = BIRTHS_OFF;
	b->due.burst = b->due.modules = 0;
}

void births_refused(struct births *b, int err)
{
	uint64_t now = clock_ns();

	log_debug("no window: %s", fail_text());
	b->due.burst = now + POLL_NS;
	if (!proc_alive(b->s->proc) || (err == -EAGAIN && ++b->waits < WAITS))
		return; /* that it is gone is told by the loop, once */
	b->due.burst = now + (err == -EAGAIN ? LOOK_NS : REFUSED_NS);
	if (err == -EBUSY || err == -EAGAIN) {
		if (!b->windows_refused++)
			session_note(b->s, "births could not be watched at times: %s", fail_text());
	} else if (err == -ENOTSUP || ++b->refusals >= REFUSALS) {
		births_end(b, fail_text());
	}
}

void births_plan(struct births *b)
{
	uint64_t now = clock_ns(), next = account_next(b->account, now, next_random(b));
	uint64_t far = now + FAR_NS + next_random(b) % FAR_NS; /* in step with no timer */

	b->is_far = next > far;
	b->due.burst = b->is_far ? far : next;
}

void births_burst(struct births *b)
{
	uint64_t before = b->told, began, opened, first, looked, looked_ns, last, closed, skipped;
	uint64_t ran_ns, missed, seen, most, met;
	struct ladder_aim aim; /* what is learnt may end it */
	size_t sites;
	bool focus, learns, by_type, looks, is_broken;
	int err;

	focus_choose(b);
	focus = b->focus.is_on;
	aim = b->focus.aim;
	sites = focus_sites(b);
	began = clock_ns();
	learns = !focus && (ladder_has_aim(&aim) || b->unseen.looks < UNSEEN_FIRST_LOOKS);
	by_type = is_by_type(b);
	most = ledger_most_left_out(&b->s->ledger, sites);
	b->skip = learns || by_type ? 0 : aim_skip(&b->aim, most, &b->random);
	looks = !b->skip && choose_deaths(b, focus ? &aim : NULL);
	err = births_on(b, looks);
	if (err) {
		births_refused(b, err);
		return;
	}
	sites += probe_set_sites_in(b->deaths.set);
	b->refusals = 0;
	b->waits = 0;
	ran_ns = process_cpu_ns(b->s->proc->pid);
	opened = clock_ns();
	ladder_begin(b->ladder, opened);
	first = births_now(b);
	if (!b->skip)
		unseen_begin(&b->unseen, &b->view, focus ? &aim : NULL);
	wait_window(b, first, opened, ledger_window_ns(&b->s->ledger, sites));
	looked = births_now(b);
	looked_ns = clock_ns(); /* what is born from here on becomes no sample */
	ran_ns = process_cpu_ns(b->s->proc->pid) - ran_ns;
	missed = look(b, looked - first > PL_BIRTH_SLOTS ? looked : first, looked);
	births_let_go(b);
	last = births_now(b);
	closed = clock_ns();
	session_drain(b->s);

	is_broken = stood_still(b) || closed - opened >= PROBE_GUARD_PATIENCE_NS;
	if (is_broken) {
		ladder_drop_look(b->ladder, last - first);
		unseen_drop(&b->unseen, &b->view);
	} else {
		ledger_looked(&b->s->ledger, looked - first, last - looked);
		is_broken = !settle(b, first, last);
		settle_unseen(b, first);
		if (b->unseen.is_suspect)
			focus_full_next(&b->focus);
	}
	if (!is_broken) { /* before what is learnt may take it back */
		skipped = aim_left_out(b->skip, b->s->kern.stats->skip);
		if (!by_type)
			b->aim.usual = closed - opened < WINDOW_MAX_NS ? skipped + last - first : 0;
		opened = seen_from(opened, looked_ns, skipped, skipped + looked - first);
		seen = seen_from(opened, looked_ns, missed, looked - first);
		b->on_ns += closed - opened;
		b->unlooked_ns += closed - looked_ns + seen - opened;
		watched_add(&b->watched, seen, looked_ns, focus ? &aim : NULL);
	}
	met = last - (before > b->polled ? before : b->polled); /* also those that are overrun */
	if (last - before > PL_BIRTH_SLOTS)
		before = last - PL_BIRTH_SLOTS;
	focus_learn(b, before, last);
	if (focus)
		ladder_keep(b->ladder, &aim);
	ladder_kill_old(b->ladder, b->s->kern.births, before, last);
	ladder_admit(b->ladder);
	b->told = last;

	b->bursts++;
	ledger_births(&b->s->ledger, clock_ns(),
		      (uint64_t)(cost_ns(b, met) / b->s->ledger.birth_ns), closed - began, sites);
	log_debug("window %u%s: %.1f ms open, %llu births", b->bursts, focus ? " (focus)" : "",
		  (double)(closed - opened) / 1e6, (unsigned long long)(last - before));
	births_plan(b);
	survivors_plan(b->s->survivors, clock_ns() + FIRST_CLIMB_NS);
	/* A rate at some sites is none at all of them. Deaths are seen in windows alone: they have
	 * to show whether what is refused is seen again. */
	if (focus == b->focus.is_on && !b->skip && b->bursts >= LEARN_BURSTS &&
	    !b->unseen.refused && clock_ns() >= b->not_before &&
	    ledger_fits_always(&b->s->ledger, looked - first, looked_ns - opened, ran_ns))
		start_always(b);
	b->skip = 0;
}

void births_stop_always(struct births *b)
{
	uint64_t until = b->s->kern.out_ns ? b->s->kern.out_ns : clock_ns(), last;

	if (b->mode != BIRTHS_ALWAYS)
		return;
	if (until < b->looked_ns) /* parts of the time until then have been taken off */
		until = b->looked_ns;
	b->on_ns += until > b->always_since ? until - b->always_since : 0;
	take_out(b, true);
	last = births_now(b);
	account_charge(b->account, (double)(last - b->polled) * b->s->ledger.birth_ns);
	b->polled = last;
	unseen_drop(&b->unseen, &b->view);
	b->told = b->last_seen;
	b->mode = BIRTHS_BURSTS;
	b->due.poll = 0;
}

/* Objects born since the last look: read them, kill what was reborn meanwhile. */
static void look_always(struct births *b)
{
	uint64_t from = b->last_seen, now = clock_ns(), looked = births_now(b), last, missed, seen;

	if (looked - from > PL_BIRTH_SLOTS)
		from = looked - PL_BIRTH_SLOTS;
	missed = look(b, from, looked);
	last = births_now(b);
	b->bursts++;
	session_drain(b->s);
	if (stood_still(b)) {
		ladder_drop_look(b->ladder, last - from);
		return;
	}
	seen = settle(b, b->last_seen, last) ? seen_from(b->looked_ns, now, missed, looked - from)
					     : now;
	if (seen < now)
		watched_add(&b->watched, seen, now, b->focus.is_on ? &b->focus.aim : NULL);
	b->unlooked_ns += seen - b->looked_ns;
	b->looked_ns = now;
	settle_unseen(b, b->last_seen);
	focus_count(b, from, looked);
	if (b->focus.is_on)
		ladder_keep(b->ladder, &b->focus.aim);
	ladder_kill_old(b->ladder, b->s->kern.births, from, looked);
	ladder_admit(b->ladder);
	ladder_begin(b->ladder, now);
	b->last_seen = looked;
	if (!b->focus.is_on)
		unseen_begin(&b->unseen, &b->view, NULL);
	survivors_plan(b->s->survivors, clock_ns() + FIRST_CLIMB_NS);
}

void births_poll(struct births *b)
{
	uint64_t now = clock_ns(), births = births_now(b);
	bool stays = ledger_stays(&b->s->ledger, b->polled_ns, now, births - b->polled);

	kern_read_ring(b->s, UINT64_MAX);
	b->polled = births;
	b->polled_ns = now;
	if (now >= b->look_due || births - b->last_seen > PL_BIRTH_SLOTS / 4) {
		look_always(b);
		b->look_due = now + LOOK_NS;
	}
	if (!stays) {
		look_always(b);
		births_stop_always(b);
		b->backoff_s = b->backoff_s ? fmin(2 * b->backoff_s, 120) : 5;
		b->not_before = now + (uint64_t)(b->backoff_s * 1e9);
		births_plan(b);
		log_debug("births outgrew the budget: back to windows for %.0f s", b->backoff_s);
		return;
	}
	b->due.poll = now + POLL_NS;
	/* Now and then all sites: there may be new ones, or other classes that grow. */
	if (b->focus.is_on && now - b->always_since > focus_full_view_ns(&b->focus, now)) {
		look_always(b);
		births_stop_always(b);
		focus_full_next(&b->focus);
		b->due.burst = now + POLL_NS;
	}
}
