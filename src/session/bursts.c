/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Windows in which births are recorded, and the permanent mode for quiet programs.
 *
 * A window: probes in, births recorded, the born objects read from outside while the probes are
 * still in, probes out. Births before the attach was complete never become samples: a rebirth at a
 * site that was not live yet would have gone unseen. */
#include <time.h>
#include <unistd.h>

#include "py/versions.h"
#include "session/session_priv.h"

/* A window lasts at least a scheduler tick (4 ms at HZ=250), so that it cannot always see the same
 * phase of a timer in the target; a busy target loses about this much ... */
#define WINDOW_MIN_NS  5000000
#define WINDOW_COST_NS 8000000.0
/* ... and an idle one may be watched for longer, for it pays per birth. */
#define WINDOW_MAX_NS  150000000
#define WINDOW_BIRTHS  12000
#define REFUSALS       5
#define REFUSED_NS     1000000000
#define POLL_NS	       10000000 /* permanent mode: how long a surprise may last */
#define LOOK_NS	       100000000
#define FIRST_CLIMB_NS 200000000
#define LEARN_BURSTS   3 /* windows before permanent attachment is considered */

static uint32_t next_random(struct session *s)
{
	return (uint32_t)(random_next(&s->windows.random) >> 16);
}

static uint64_t births_now(const struct session *s)
{
	return __atomic_load_n(&s->kern.stats->births, __ATOMIC_ACQUIRE);
}

static int births_on(struct session *s)
{
	return sites_on(s->sites, s->windows.focused ? s->windows.focus.set : s->sites->set);
}

void session_births_off(struct session *s)
{
	sites_off(s->sites, s->sites->set);
	sites_off(s->sites, s->windows.focus.set);
}

static void wait_window(const struct session *s, uint64_t from, uint64_t opened, uint64_t least)
{
	const struct timespec pause = {.tv_nsec = 400000};

	for (;;) {
		uint64_t seen = births_now(s) - from, age = clock_ns() - opened;

		if (age >= least && ((double)seen * s->ledger.birth_ns >= WINDOW_COST_NS ||
				     age >= WINDOW_MAX_NS || seen >= WINDOW_BIRTHS))
			return;
		nanosleep(&pause, NULL);
	}
}

/* Could every birth be recorded within the budget? The rate is that of the last window, freed of
 * what the probes themselves cost: a busy program seen at 1 / c births per second may run at any
 * rate. */
static bool fits_always(const struct session *s, uint64_t births, uint64_t open_ns)
{
	double gap = births ? (double)open_ns / (double)births : 1e12;
	double own = gap - s->ledger.birth_ns;

	return own > 0 && s->ledger.birth_ns / own < s->ledger.of[LEDGER_BIRTHS].share * 0.8;
}

/* After a look at [@first, @looked): what was born until @last kills what the look saw. A record
 * that has been overrun meanwhile is not whole: then there was no look. */
static void settle(struct session *s, uint64_t first, uint64_t looked, uint64_t last)
{
	s->ledger.birth_ns =
		ledger_birth_ns(stacks_mean_depth(s->stacks), py_frames_are_objects(s->rt));
	if (last - first <= PL_BIRTH_SLOTS) {
		ladder_kill_new(s->ladder, s->kern.births, looked, last);
		return;
	}
	s->windows.overruns += last - first - PL_BIRTH_SLOTS;
	ladder_drop_look(s->ladder, last - first);
}

void session_burst(struct session *s)
{
	uint64_t before = births_now(s), began, opened, first, looked, last, closed;
	uint64_t least = WINDOW_MIN_NS + next_random(s) % 3000000;
	size_t sites;
	bool focus;

	focus_choose(s);
	focus = s->windows.focused; /* what is learnt may end it */
	sites = focus_sites(s);
	began = clock_ns();
	if (births_on(s)) {
		s->due.burst = clock_ns() + POLL_NS;
		if (!proc_alive(s->proc)) /* told by the loop, once */
			return;
		if (++s->windows.refusals <
		    REFUSALS) { /* short of memory or descriptors: for now */
			s->due.burst = clock_ns() + REFUSED_NS;
			return;
		}
		session_note(s, "births are not watched any more: %s", fail_text());
		s->windows.mode = BIRTHS_OFF;
		s->due.burst = 0;
		return;
	}
	s->windows.refusals = 0;
	opened = clock_ns();
	first = births_now(s);
	wait_window(s, first, opened, least);
	looked = births_now(s);
	ladder_look(s->ladder, s->kern.births, looked - first > PL_BIRTH_SLOTS ? looked : first,
		    looked, session_collections(s), s->windows.bursts, s->windows.focused);
	session_births_off(s);
	last = births_now(s);
	closed = clock_ns();
	session_drain(s);

	settle(s, first, looked, last);
	if (last - before > PL_BIRTH_SLOTS)
		before = last - PL_BIRTH_SLOTS;
	focus_learn(s, before, last);
	ladder_kill_old(s->ladder, s->kern.births, before, last);
	ladder_admit(s->ladder);

	s->windows.bursts++;
	s->windows.on_ns += closed - opened;
	coverage_add(&s->windows.watched, opened, closed);
	ledger_births(&s->ledger, clock_ns(), last - before, closed - began, sites);
	log_debug("window %u%s: %.1f ms open, %llu births", s->windows.bursts,
		  focus ? " (focus)" : "", (double)(closed - opened) / 1e6,
		  (unsigned long long)(last - before));
	s->due.burst = account_next(&s->ledger.of[LEDGER_BIRTHS], clock_ns(), next_random(s));
	session_plan_climb(s, clock_ns() + FIRST_CLIMB_NS);
	/* A rate at some sites is none at all of them. */
	if (focus == s->windows.focused && s->windows.bursts >= LEARN_BURSTS &&
	    clock_ns() >= s->windows.not_before && fits_always(s, looked - first, closed - opened))
		session_start_always(s);
}

void session_start_always(struct session *s)
{
	if (births_on(s)) {
		log_debug("permanent attachment: %s", fail_text());
		return;
	}
	log_debug("births fit the budget: probes stay in");
	s->windows.mode = BIRTHS_ALWAYS;
	s->windows.last_seen = s->windows.polled = births_now(s);
	s->windows.always_since = s->windows.polled_ns = s->windows.looked_ns = clock_ns();
	s->due.burst = 0;
	s->due.poll = s->windows.always_since + POLL_NS;
	account_charge(&s->ledger.of[LEDGER_BIRTHS], ledger_planting_ns(focus_sites(s)));
}

void session_stop_always(struct session *s)
{
	s->windows.on_ns += clock_ns() - s->windows.always_since;
	session_births_off(s);
	s->windows.mode = BIRTHS_BURSTS;
	s->due.poll = 0;
}

/* Objects born since the last look: read them, kill what was reborn meanwhile. */
static void look_always(struct session *s)
{
	uint64_t from = s->windows.last_seen, looked = births_now(s), now = clock_ns(), last;

	coverage_add(&s->windows.watched, s->windows.looked_ns, now);
	s->windows.looked_ns = now;
	if (looked - from > PL_BIRTH_SLOTS) {
		s->windows.overruns += looked - from - PL_BIRTH_SLOTS;
		from = looked - PL_BIRTH_SLOTS;
	}
	ladder_look(s->ladder, s->kern.births, from, looked, session_collections(s),
		    s->windows.bursts++, s->windows.focused);
	session_drain(s);
	last = births_now(s);
	settle(s, from, looked, last);
	ladder_kill_old(s->ladder, s->kern.births, from, looked);
	ladder_admit(s->ladder);
	s->windows.last_seen = looked;
	session_plan_climb(s, clock_ns() + FIRST_CLIMB_NS);
}

void session_poll_births(struct session *s)
{
	uint64_t now = clock_ns(), births = births_now(s);
	struct account *a = &s->ledger.of[LEDGER_BIRTHS];
	double cost = (double)(births - s->windows.polled) * s->ledger.birth_ns;
	double allowed = (double)(now - s->windows.polled_ns) * a->share;

	account_charge(a, cost);
	account_fill(a, now);
	s->windows.polled = births;
	s->windows.polled_ns = now;
	if (now >= s->windows.look_due || births - s->windows.last_seen > PL_BIRTH_SLOTS / 4) {
		look_always(s);
		s->windows.look_due = now + LOOK_NS;
	}
	/* A phase of the program the budget has not been saved for. */
	if (cost > allowed && a->saved_ns < 0) {
		look_always(s);
		session_stop_always(s);
		s->windows.backoff_s = s->windows.backoff_s ? s->windows.backoff_s * 2 : 5;
		if (s->windows.backoff_s > 120)
			s->windows.backoff_s = 120;
		s->windows.not_before = now + (uint64_t)(s->windows.backoff_s * 1e9);
		s->due.burst = account_next(a, now, next_random(s));
		log_debug("births outgrew the budget: back to windows for %.0f s",
			  s->windows.backoff_s);
		return;
	}
	s->due.poll = now + POLL_NS;
	/* Now and then all sites: there may be new ones, or other classes that grow. */
	if (s->windows.focused && now - s->windows.always_since > focus_full_view_ns(s, now)) {
		look_always(s);
		session_stop_always(s);
		focus_full_next(s);
		s->due.burst = now + POLL_NS;
	}
}
