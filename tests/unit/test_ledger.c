/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The accounts: what windows cost in the long run stays below the promise, and what is told is the
 * sum. */
#include "base/pace.h" /* these before cmocka.h, which has a macro fail() */
#include "base/thread.h"
#include "base/thresholds.h"
#include "ledger/aim.h"
#include "ledger/ledger.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

#define MS	 1000000ull
#define PAUSE_NS 5e6

static const struct ledger_growth grows = {.any = true},
				  native_grows = {.any = true, .native = true}, rests = {0};

static bool is_near(double a, double b)
{
	return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

/* @probes in, windows of @window_ms in which the target does @births. */
static double share_after(double overhead, size_t probes, unsigned window_ms, uint64_t births)
{
	uint64_t now = 1000 * MS, start = now;
	unsigned seed = 3;
	struct ledger l;

	ledger_open(&l, overhead, PAUSE_NS, now);
	while (now < start + 120000 * MS) {
		seed = seed * 1664525u + 1013904223u;
		now = account_next(&l.of[LEDGER_BIRTHS], now, seed) + window_ms * MS;
		ledger_births(&l, now, births, window_ms * MS, probes);
	}
	return ledger_cost(&l, now).of_core;
}

static void keeps_the_promise_on_busy_targets(void **state)
{
	(void)state;
	assert_true(share_after(0.03, 1, 10, 100000) < 0.024);
	assert_true(share_after(0.03, 300, 14, 100000) < 0.024);
	assert_true(share_after(0.01, 300, 14, 100000) < 0.008);
	/* and uses what it may use */
	assert_true(share_after(0.03, 300, 14, 100000) > 0.014);
}

static void an_idle_target_pays_per_birth(void **state)
{
	(void)state;
	assert_true(share_after(0.03, 1, 100, 10) < 0.01);
}

/* A window on a target that mostly sleeps: every other one waits until it works. */
static void a_window_is_aimed_at_work(void **state)
{
	uint64_t random = 7, now = 1000 * MS, due = 0, begin;
	struct aim a = {0};
	volatile unsigned spin = 0;

	(void)state;
	assert_true(aim_is_now(&a, getpid(), 0.9, now, &random, &due)); /* it is at work anyhow */
	assert_false(aim_is_now(&a, getpid(), 0.1, now, &random, &due));
	assert_int_equal(due, now + 2 * MS);
	usleep(2000); /* it sleeps */
	assert_false(aim_is_now(&a, getpid(), 0.1, due, &random, &due));
	for (begin = process_cpu_ns(getpid()); process_cpu_ns(getpid()) < begin + 2 * MS;)
		spin++;
	begin = due;
	assert_false(aim_is_now(&a, getpid(), 0.1, due, &random, &due));
	assert_true(due >= begin && due <= begin + 16 * MS);
	assert_true(due == begin || !aim_is_now(&a, getpid(), 0.1, due - 1, &random, &due));
	assert_true(aim_is_now(&a, getpid(), 0.1, due, &random, &due));
	/* The next one is not. */
	assert_true(aim_is_now(&a, getpid(), 0.1, due, &random, &due));
	/* Nothing is waited for for long. */
	assert_false(aim_is_now(&a, getpid(), 0.1, now, &random, &due));
	assert_true(aim_is_now(&a, getpid(), 0.1, now + 100 * MS, &random, &due));
}

static void a_dear_window_is_followed_by_a_pause(void **state)
{
	struct ledger l;
	uint64_t next;

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, 1);
	ledger_births(&l, 100 * MS, 1000000, 20 * MS, 300);
	next = account_next(&l.of[LEDGER_BIRTHS], 100 * MS, 0);
	assert_true(next > 300 * MS);
}

static void a_birth_costs_by_its_depth(void **state)
{
	const struct probe_price p = probe_price_of(PROBE_MULTI, 0);

	(void)state;
	assert_true(probe_price_birth(&p, 25, false) > probe_price_birth(&p, 3, false));
	assert_true(probe_price_birth(&p, 25, true) > 1.5 * probe_price_birth(&p, 25, false));
}

/* Where a trap costs ten times as much, all that is done by traps is charged more for. */
static void a_dear_event_is_charged_for(void **state)
{
	const struct probe_price usual = probe_price_of(PROBE_MULTI, 600);
	const struct probe_price unknown = probe_price_of(PROBE_MULTI, 0);
	const struct probe_price dear = probe_price_of(PROBE_MULTI, 6000);

	(void)state;
	assert_true(is_near(probe_price_birth(&usual, 3, false),
			    probe_price_birth(&unknown, 3, false)));
	assert_true(
		is_near(probe_price_planting(&usual, 272), probe_price_planting(&unknown, 272)));
	assert_true(probe_price_birth(&dear, 3, false) >
		    probe_price_birth(&usual, 3, false) + 5000);
	assert_true(probe_price_planting(&dear, 272) > 2 * probe_price_planting(&usual, 272));
}

/* By the mechanism that the session has found. */
static void planting_costs_by_the_number_of_probes(void **state)
{
	struct ledger l;
	const struct account *a = &l.of[LEDGER_NATIVE];
	double tracefs;

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, 1);
	assert_true(is_near(account_planting_ns(a, 272) - account_planting_ns(a, 0),
			    272 * (account_planting_ns(a, 1) - account_planting_ns(a, 0))));
	tracefs = account_planting_ns(a, 272);
	ledger_set_price(&l, probe_price_of(PROBE_MULTI, 0));
	assert_true(account_planting_ns(a, 272) > tracefs);
	ledger_set_price(&l, probe_price_of(PROBE_TRACEFS, 0));
	assert_true(is_near(account_planting_ns(a, 272), tracefs));
}

/* How many windows of @cost_ns are saved for in 100 s. */
static unsigned windows_of(enum ledger_who who, double share, double cost_ns, double *spent)
{
	struct account a;
	unsigned n = 0;

	account_open(&a, who, share, 0);
	account_begin(&a, 8e6, 0);
	for (uint64_t now = 0; now < 100000 * MS; now += 200 * MS)
		if (account_has_saved(&a, now)) {
			account_window(&a, now, cost_ns);
			n++;
		}
	*spent = a.spent_ns / 100e9;
	return n;
}

static void windows_cost_no_more_than_their_share(void **state)
{
	double spent;

	(void)state;
	for (int who = LEDGER_NATIVE; who <= LEDGER_FDS; who++) {
		unsigned n = windows_of((enum ledger_who)who, 0.01, 10e6, &spent);

		assert_in_range(n, 95, 100);
		assert_true(spent <= 0.01);
		/* from poll to poll more is saved for than is used */
		assert_true(windows_of((enum ledger_who)who, 0.5, 10e6, &spent) > 450);
		assert_true(spent < 0.5);
	}
}

/* One that cost more than can be saved, as on a machine that stood still, is not the last. */
static void a_dear_window_is_followed_by_another(void **state)
{
	struct account a;
	uint64_t now = 0;

	(void)state;
	account_open(&a, LEDGER_BIRTHS, 0.002, 0);
	account_window(&a, now, 400e6);
	for (unsigned i = 0; i < 600 && !account_has_saved(&a, now); i++)
		now += 1000 * MS;
	assert_true(account_has_saved(&a, now));
	assert_true(account_next(&a, now, 0) < now + 1000 * MS);
}

/* A quiet minute, then a window after the other: so many are paid by what was saved. */
static unsigned carried_over(enum ledger_who who, double cost_ns)
{
	struct account a;
	unsigned n = 0;

	account_open(&a, who, 0.01, 0);
	account_begin(&a, cost_ns, 0);
	account_fill(&a, 600000 * MS);
	while (account_has_saved(&a, 600000 * MS) && ++n < 100)
		account_window(&a, 600000 * MS, cost_ns);
	return n;
}

static void little_is_carried_over(void **state)
{
	(void)state;
	assert_int_equal(carried_over(LEDGER_BIRTHS, 10e6), 6);
	assert_int_equal(carried_over(LEDGER_NATIVE, 10e6), 2);
	assert_int_equal(carried_over(LEDGER_FDS, 10e6), 4);
}

static void what_a_window_costs_is_learnt(void **state)
{
	static const double later[] = {
		[LEDGER_BIRTHS] = 12e6, [LEDGER_NATIVE] = 13e6, [LEDGER_FDS] = 20e6};
	struct account a;

	(void)state;
	for (int who = 0; who < LEDGER_ACCOUNTS; who++) {
		account_open(&a, (enum ledger_who)who, 0.01, 0);
		account_begin(&a, 1e6, 0);
		account_window(&a, MS, 10e6); /* the first guess is forgotten */
		assert_true(is_near(a.expected_ns, 10e6));
		account_window(&a, 2 * MS, 20e6);
		assert_true(is_near(a.expected_ns, later[who]));
		account_charge(&a, 5e6);
		assert_true(is_near(a.spent_ns, 35e6));
		assert_true(is_near(a.expected_ns, later[who]));
	}
}

static void what_stays_in_is_smoothed(void **state)
{
	struct account a;

	(void)state;
	account_open(&a, LEDGER_NATIVE, 0.01, 0);
	account_count(&a, 100 * MS, 10e6); /* a tenth of the time, for a tenth of a second */
	assert_true(is_near(a.of_late, 0.01));
	account_count(&a, 2100 * MS, 20e6);
	assert_true(is_near(a.of_late, 0.01));
	account_count(&a, 4100 * MS, 200e6);
	assert_true(is_near(a.of_late, 0.1));
	assert_true(is_near(a.spent_ns, 230e6) && a.saved_ns == 0);
}

static void births_have_what_others_leave(void **state)
{
	struct ledger l;
	struct account *births = &l.of[LEDGER_BIRTHS], *native = &l.of[LEDGER_NATIVE];
	uint64_t now = 0;

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, now);
	assert_true(is_near(births->share, 0.02) && is_near(native->share, 0.01));
	assert_true(is_near(l.of[LEDGER_FDS].share, 0.0025));
	ledger_divide(&l, now += 200 * MS, grows);
	assert_true(is_near(births->share, 0.02) && is_near(native->share, 0.0025));
	for (unsigned i = 0; i < 1000; i++) {
		account_charge(native, 0.002 * 200e6);
		account_count(&l.of[LEDGER_FDS], now += 200 * MS, 0.002 * 200e6);
		ledger_divide(&l, now, native_grows);
	}
	assert_true(is_near(native->share, 0.01));
	assert_true(fabs(births->share - 0.016) < 1e-6);
	for (unsigned i = 0; i < 1000; i++) {
		account_charge(native, 0.5 * 200e6);
		ledger_divide(&l, now += 200 * MS, native_grows);
	}
	assert_true(is_near(births->share, 0.015)); /* a part, whatever the others do */
}

static void divide_at(struct ledger *l, uint64_t now_ns, double of_core)
{
	l->busy = (struct busy){.of_core = of_core, .is_known = true};
	ledger_divide(l, now_ns, grows);
}

/* Few requests meet a window, of a service that has time between them. */
static void who_waits_for_a_service_hardly_notices(void **state)
{
	struct ledger l;
	const struct account *births = &l.of[LEDGER_BIRTHS];

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, 0);
	ledger_start(&l, 0);
	l.serves = true;
	divide_at(&l, 1000 * MS, 0.5);
	assert_true(is_near(births->share, 0.01));
	divide_at(&l, 4000 * MS, 0.5);
	assert_true(is_near(births->share, 0.0021));
	assert_true(l.of[LEDGER_FDS].share < 0.00053);
	assert_true(l.of[LEDGER_NATIVE].share < 0.00053);
	ledger_divide(&l, 5000 * MS, native_grows);
	assert_true(is_near(l.of[LEDGER_NATIVE].share, 0.005));
	divide_at(&l, 6000 * MS, 0.8);
	assert_true(is_near(births->share, 0.0015));
	divide_at(&l, 7000 * MS, 2); /* it has no time between its requests */
	assert_true(is_near(births->share, 0.005));
	l.serves = false;
	divide_at(&l, 8000 * MS, 2);
	assert_true(is_near(births->share, 0.02));
}

/* Whether it is a server is asked again, for it may have been started a moment ago. */
static void it_is_asked_more_rarely_whether_it_serves(void **state)
{
	struct ledger l;
	unsigned asked = 0;

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, 0);
	assert_true(ledger_asks_whether_it_serves(&l, 1));
	assert_false(ledger_asks_whether_it_serves(&l, 3000 * MS));
	for (uint64_t s = 4; s < 600; s += 2)
		asked += ledger_asks_whether_it_serves(&l, s * 1000 * MS);
	assert_in_range(asked, 10, 15);
	l.serves = true;
	assert_false(ledger_asks_whether_it_serves(&l, 10000000 * MS));
}

/* Every other window begins late: by no more than a window twice as long as the last one. */
static void an_aimed_window_leaves_births_out(void **state)
{
	struct aim a = {.usual = 500};
	uint64_t random = 1, most = 0;

	(void)state;
	assert_int_equal(aim_skip(&a, 5000, &random), 0);
	a.took_it = true;
	for (int i = 0; i < 1000; i++) {
		uint64_t skip = aim_skip(&a, 5000, &random);

		most = skip > most ? skip : most;
	}
	assert_in_range(most, 700, 999);
	a.usual = 1000000;
	for (int i = 0; i < 1000; i++)
		assert_true(aim_skip(&a, 5000, &random) < 3000);
	a.usual = 0; /* the time ended it: it saw all there was */
	assert_int_equal(aim_skip(&a, 5000, &random), 0);
	a.usual = 500; /* what is left out costs, too */
	for (int i = 0; i < 1000; i++)
		assert_true(aim_skip(&a, 100, &random) < 100);
	assert_int_equal(aim_skip(&a, 0, &random), 0);
	assert_int_equal(aim_left_out(500, 100), 400);
	assert_int_equal(aim_left_out(500, (uint64_t)-3), 500);
}

/* A target that runs and of which no event was ever counted may pay anything for what stays in. */
static void what_was_never_counted_does_not_stay(void **state)
{
	struct ledger l;
	struct account *births = &l.of[LEDGER_BIRTHS], *native = &l.of[LEDGER_NATIVE];

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, 0);
	divide_at(&l, 1000 * MS, 0.001); /* it sleeps, and costs nothing */
	assert_true(account_may_stay(births) && account_may_stay(native));
	assert_true(ledger_fits_always(&l, 0, 100 * MS, 100 * MS));
	divide_at(&l, 2000 * MS, 0.5);
	ledger_births(&l, 2000 * MS, 0, 100 * MS, 10);
	assert_false(account_may_stay(births) || account_may_stay(native));
	assert_false(ledger_fits_always(&l, 0, 100 * MS, 100 * MS));
	ledger_births(&l, 3000 * MS, 1, 100 * MS, 10);
	assert_true(ledger_fits_always(&l, 0, 100 * MS, 100 * MS));
	account_count(native, 3000 * MS, 0);
	assert_false(account_may_stay(native));
	account_count(native, 3200 * MS, 1000);
	divide_at(&l, 4000 * MS, 1);
	assert_true(account_may_stay(births) && account_may_stay(native));
}

/* Until it is known whether memory of C code grows, windows on it are as many as if it did; but not
 * where somebody waits. */
static void windows_do_not_wait_until_growth_is_known(void **state)
{
	const struct ledger_growth may = {.may = true};
	struct ledger l;
	const struct account *native = &l.of[LEDGER_NATIVE];

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, 0);
	ledger_start(&l, 0);
	l.busy = (struct busy){.of_core = 0.1, .is_known = true};
	ledger_divide(&l, 4000 * MS, may);
	assert_true(is_near(native->share, 0.002));
	ledger_divide(&l, 4200 * MS, rests);
	assert_true(native->share < 0.0003);
	l.serves = true;
	ledger_divide(&l, 4400 * MS, may);
	assert_true(native->share < 0.0003);
}

/* An idle service pays by its own time, once it has been looked at. */
static void the_promise_is_of_the_targets_own_time(void **state)
{
	struct ledger l;
	const struct account *births = &l.of[LEDGER_BIRTHS], *native = &l.of[LEDGER_NATIVE];

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, 0);
	divide_at(&l, 1000 * MS, 0.5);
	assert_true(is_near(births->share, 0.02));
	divide_at(&l, 60000 * MS, 0.5);
	assert_true(is_near(births->share, 0.01));
	ledger_divide(&l, 60100 * MS, native_grows);
	assert_true(is_near(native->share, 0.005));
	assert_true(is_near(native->stays, 0.005));
	divide_at(&l, 60200 * MS, 7); /* threads on several processors */
	assert_true(is_near(births->share, 0.02));
	divide_at(&l, 60400 * MS, 0.001); /* but it must be seen at all */
	assert_true(births->share > 0.0019 && births->share < 0.0031);
	ledger_divide(&l, 60600 * MS, native_grows);
	assert_true(is_near(native->share, 0.002));
	ledger_divide(&l, 60800 * MS, rests); /* a third does for what is known */
	assert_true(births->share > 0.0006 && births->share < 0.0011);
}

/* The probes are a part of the pause; so are the births, in any case. */
static void a_window_keeps_to_its_pause(void **state)
{
	struct ledger l;

	(void)state;
	ledger_open(&l, 0.03, 20e6, 0);
	ledger_set_price(&l, probe_price_of(PROBE_MULTI, 0));
	l.busy = (struct busy){.is_known = true};
	assert_true(is_near(
		ledger_window_ns(&l, 272) + account_planting_ns(&l.of[LEDGER_BIRTHS], 272), 20e6));
	assert_true(ledger_window_ns(&l, 9) > ledger_window_ns(&l, 272));
	l.busy.of_core = 3;
	assert_true(ledger_window_ns(&l, 272) < 20e6 - 3e6 - 4e6);
	assert_true(is_near(ledger_window_ns(&l, 4000), 10e6));
	for (unsigned i = 0; i < 40; i++) /* a third as many while they are looked at */
		ledger_looked(&l, 3000, 1000);
	assert_true(fabs(ledger_window_ns(&l, 4000) * 4 / 3 - 10e6) < 1e4);
	for (unsigned i = 0; i < 40; i++) /* half of it is left, whatever a window met */
		ledger_looked(&l, 0, 100000);
	assert_true(ledger_window_ns(&l, 4000) >= 5e6);
}

/* Where an event costs 5 us, or each frame is an object, half a pause pays for a few hundred
 * births: of a request that makes 900 the last would never be seen. */
static void a_window_sees_more_where_births_are_dear(void **state)
{
	struct ledger l;

	(void)state;
	for (double pause_ns = 1e6; pause_ns <= 16e6; pause_ns *= 4) {
		ledger_open(&l, 0.03, pause_ns, 0);
		l.busy = (struct busy){.is_known = true};
		ledger_set_price(&l, probe_price_of(PROBE_MULTI, 620));
		l.birth_ns = 1500;
		assert_true(is_near(ledger_window_ns(&l, 4000), 0.5 * pause_ns));
		assert_true(ledger_most_left_out(&l, 4000) == UINT64_MAX);
		ledger_set_price(&l, probe_price_of(PROBE_MULTI, 5000));
		l.birth_ns = 5100;
		assert_true(is_near(ledger_window_ns(&l, 4000), 1.5 * pause_ns));
		l.birth_ns = 20000; /* but no more than two pauses */
		assert_true(is_near(ledger_window_ns(&l, 4000), 2 * pause_ns));
		assert_true(is_near(5000.0 * (double)ledger_most_left_out(&l, 4000), pause_ns));
	}
}

/* Polls each 10 ms, with @births in each: after how many are the probes to go? */
static unsigned stays_for(double pause_ns, uint64_t births, double *longest_ns)
{
	struct account *a;
	struct ledger l;
	unsigned polls = 0;

	ledger_open(&l, 0.03, pause_ns, 0);
	ledger_start(&l, 0);
	divide_at(&l, 1000 * MS, 0.5);
	a = &l.of[LEDGER_BIRTHS];
	a->saved_ns = 60e6;
	l.birth_ns = 1000;
	for (uint64_t now = a->filled_ns; polls < 1000; now += 10 * MS, polls++)
		if (!ledger_stays(&l, now, now + 10 * MS, births))
			break;
	*longest_ns = a->longest_ns;
	return polls;
}

/* A request that does nothing but make objects is not kept waiting for all that has been saved; a
 * phase that costs a little more than it may is. */
static void probes_that_stay_in_keep_to_the_pause(void **state)
{
	double longest;

	(void)state;
	assert_in_range(stays_for(5e6, 7000, &longest), 1, 2);
	assert_true(longest > 10e6 && longest < 20e6);
	assert_in_range(stays_for(20e6, 7000, &longest), 6, 7);
	assert_in_range(stays_for(5e6, 500, &longest), 150, 220);
	assert_true(longest == 0);
	assert_int_equal(stays_for(5e6, 190, &longest), 1000);
}

static void the_cost_is_of_the_targets_own_time(void **state)
{
	struct ledger l;

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, 0);
	ledger_start(&l, 0);
	account_charge(&l.of[LEDGER_BIRTHS], 20e6);
	assert_true(isnan(ledger_cost(&l, 1000 * MS).of_cpu)); /* nothing is known of it yet */
	l.used_ns = 100e6;
	assert_true(is_near(ledger_cost(&l, 1000 * MS).of_core, 0.02));
	assert_true(is_near(ledger_cost(&l, 1000 * MS).of_cpu, 0.2));
	/* No more than all of it, however dear the estimate. */
	account_charge(&l.of[LEDGER_BIRTHS], 90e6);
	assert_true(is_near(ledger_cost(&l, 1000 * MS).of_cpu, 1));
}

static void a_window_in_which_it_hardly_ran_says_nothing(void **state)
{
	struct ledger l;

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, 0);
	l.busy = (struct busy){.of_core = 0.2, .is_known = true};
	assert_true(ledger_fits_always(&l, 0, 150 * MS, 30 * MS));
	assert_true(ledger_fits_always(&l, 0, 150 * MS, 16 * MS));
	assert_false(ledger_fits_always(&l, 0, 150 * MS, 14 * MS));
	assert_false(ledger_fits_always(&l, 0, 150 * MS, 0));
	/* One that is idle hardly ever runs. */
	l.busy.of_core = 0.01;
	assert_true(ledger_fits_always(&l, 0, 150 * MS, 0));
	/* Many births are too many, however long it ran. */
	assert_false(ledger_fits_always(&l, 50000, 150 * MS, 150 * MS));
}

static void delays_are_those_of_late(void **state)
{
	struct ledger l;
	struct account *a = &l.of[LEDGER_BIRTHS];
	uint64_t now = 0;

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, 0);
	ledger_divide(&l, now, grows);
	account_window(a, now, 9e6);
	ledger_divide(&l, now += 1000 * MS, grows);
	assert_true(fabs(ledger_cost(&l, now).delay_ns - 9e6) < 1e6);
	assert_true(fabs(ledger_cost(&l, now).delays_per_s - 1) < 0.05);
	for (unsigned i = 0; i < 200; i++) {
		account_window(a, now, 4e6);
		ledger_divide(&l, now += 500 * MS, grows);
	}
	assert_true(fabs(ledger_cost(&l, now).delay_ns - 4e6) < 0.2e6);
	assert_true(fabs(ledger_cost(&l, now).delays_per_s - 2) < 0.05);
	for (unsigned i = 0; i < 200; i++) /* probes stay in from here on */
		ledger_divide(&l, now += 500 * MS, grows);
	assert_true(ledger_cost(&l, now).delay_ns == 0);
}

/* To take probes out usually costs what is charged with the window. What they meet after it, as
 * others had the CPUs or the turn, is charged as it comes, and told. */
static void probes_that_go_late_are_charged_for(void **state)
{
	const struct probe_price multi = probe_price_of(PROBE_MULTI, 620);
	const double event_ns = probe_price_event(&multi);
	struct ledger l;
	struct account *a = &l.of[LEDGER_BIRTHS];
	double spent, saved, longest;

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, 0);
	ledger_set_price(&l, multi);
	ledger_births(&l, 10 * MS, 10000, 10 * MS, 272);
	spent = ledger_spent_ns(&l);
	saved = a->saved_ns;
	longest = a->longest_ns;
	account_lingered(a, 4000 * event_ns); /* 2.5 ms of 4.4 */
	account_lingered(a, 0);
	assert_true(ledger_spent_ns(&l) == spent && a->saved_ns == saved);
	account_lingered(a, 1000000 * event_ns);
	assert_true(
		is_near(ledger_spent_ns(&l) - spent, 1004000 * event_ns - 272 * multi.crawl_ns));
	assert_true(is_near(saved - a->saved_ns, ledger_spent_ns(&l) - spent));
	assert_true(is_near(a->longest_ns, longest + ledger_spent_ns(&l) - spent));
	a->longest_ns = 1; /* a while later */
	account_lingered(a, 0);
	assert_true(a->longest_ns == 1);
}

static void the_report_has_one_sum(void **state)
{
	struct ledger l;

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, 0);
	account_charge(&l.of[LEDGER_NATIVE], 1e6); /* while it was attached */
	account_count(&l.of[LEDGER_FDS], 1000 * MS, 0);
	ledger_start(&l, 1000 * MS);
	assert_true(ledger_cost(&l, 1000 * MS).of_core == 0);
	account_charge(&l.of[LEDGER_BIRTHS], 2e6);
	account_count(&l.of[LEDGER_FDS], 1500 * MS, 7e6);
	assert_true(is_near(ledger_cost(&l, 2000 * MS).of_core, 0.01));
	/* A pause neither earns nor costs. */
	account_fill(&l.of[LEDGER_BIRTHS], 2000 * MS);
	l.of[LEDGER_BIRTHS].saved_ns = 0;
	ledger_skip(&l, 2000 * MS, 9000 * MS);
	assert_true(is_near(ledger_cost(&l, 9000 * MS).of_core, 0.01));
	account_fill(&l.of[LEDGER_BIRTHS], 9100 * MS);
	assert_true(is_near(l.of[LEDGER_BIRTHS].saved_ns, 0.02 * 100e6));
}

/* Opened first of several, with probes that stay in from then on: the others took 20 s. */
static void the_wait_for_others_costs_nothing_that_is_told(void **state)
{
	struct ledger l;

	(void)state;
	ledger_open(&l, 0.03, PAUSE_NS, 0);
	ledger_start(&l, 20000 * MS);
	account_count(&l.of[LEDGER_NATIVE], 20500 * MS, 0.01 * 20500e6);
	assert_true(is_near(ledger_cost(&l, 20500 * MS).of_core, 0.01));
	account_count(&l.of[LEDGER_NATIVE], 21000 * MS, 0.01 * 500e6);
	assert_true(is_near(ledger_cost(&l, 21000 * MS).of_core, 0.01));
	/* It has ended before its time began. */
	ledger_open(&l, 0.03, PAUSE_NS, 0);
	ledger_start(&l, 20000 * MS);
	account_count(&l.of[LEDGER_NATIVE], 20000 * MS, 0.01 * 20000e6);
	assert_true(ledger_cost(&l, 20001 * MS).of_core == 0);
}

/* A short watch of a large heap has its points; a long one takes no core for it. */
static void a_dear_look_comes_later_and_later(void **state)
{
	const struct pace p = {.least_ns = 100 * MS, .most_ns = 5000 * MS, .share = 400};
	const uint64_t cost = 500 * MS;
	unsigned looks = 0;
	double t = 0;

	(void)state;
	assert_int_equal(pace_wait_ns(&p, 0, 20), 100 * MS);
	assert_int_equal(pace_wait_ns(&p, 2 * MS, 20), 800 * MS);
	assert_int_equal(pace_wait_ns(&p, 20 * MS, 20), 5000 * MS);
	/* A line through minutes needs no points as close as one through seconds. */
	assert_int_equal(pace_wait_ns(&p, 0, 50), 200 * MS);
	assert_int_equal(pace_wait_ns(&p, 0, 1000), 250 * MS);
	assert_int_equal(pace_wait_ns(&p, 2 * MS, 1000), 2000 * MS);
	assert_int_equal(pace_wait_ns(&p, 20 * MS, 64), 8000 * MS);
	assert_int_equal(pace_wait_ns(&p, 20 * MS, 1000), 12500 * MS);
	assert_int_equal(pace_wait_ns(&p, cost, 1000000), 50 * cost);
	for (; t < 60; t += (double)pace_wait_ns(&p, cost, t) / 1e9)
		looks++;
	assert_in_range(looks, 10, 12);
	for (looks = 0; t < 3660; t += (double)pace_wait_ns(&p, cost, t) / 1e9)
		looks++;
	assert_true(looks * (double)cost / 3600e9 < 0.021);
}

/* Looks move apart, and what they cover is told of now all the same. */
static void looks_move_apart_as_a_watch_lasts(void **state)
{
	const uint64_t wait = 10000 * MS;
	unsigned looks = 0;
	double t = 0;

	(void)state;
	assert_int_equal(pace_rarer_ns(wait, 0), wait);
	assert_int_equal(pace_rarer_ns(wait, 50), wait);
	assert_int_equal(pace_rarer_ns(wait, 1e6), (uint64_t)(PACE_RARER * (double)wait));
	for (; t < 3600; looks++) {
		double wait_s = (double)pace_rarer_ns(wait, t) / 1e9;

		assert_true(t < 50 || wait_s < CENSUS_STALE * t);
		t += wait_s;
	}
	assert_in_range(looks, 55, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_promise_on_busy_targets),
		cmocka_unit_test(an_idle_target_pays_per_birth),
		cmocka_unit_test(a_window_is_aimed_at_work),
		cmocka_unit_test(a_dear_window_is_followed_by_a_pause),
		cmocka_unit_test(a_birth_costs_by_its_depth),
		cmocka_unit_test(a_dear_event_is_charged_for),
		cmocka_unit_test(planting_costs_by_the_number_of_probes),
		cmocka_unit_test(windows_cost_no_more_than_their_share),
		cmocka_unit_test(little_is_carried_over),
		cmocka_unit_test(what_a_window_costs_is_learnt),
		cmocka_unit_test(what_stays_in_is_smoothed),
		cmocka_unit_test(what_was_never_counted_does_not_stay),
		cmocka_unit_test(births_have_what_others_leave),
		cmocka_unit_test(who_waits_for_a_service_hardly_notices),
		cmocka_unit_test(it_is_asked_more_rarely_whether_it_serves),
		cmocka_unit_test(an_aimed_window_leaves_births_out),
		cmocka_unit_test(the_promise_is_of_the_targets_own_time),
		cmocka_unit_test(windows_do_not_wait_until_growth_is_known),
		cmocka_unit_test(a_window_keeps_to_its_pause),
		cmocka_unit_test(a_window_sees_more_where_births_are_dear),
		cmocka_unit_test(a_dear_window_is_followed_by_another),
		cmocka_unit_test(probes_that_stay_in_keep_to_the_pause),
		cmocka_unit_test(the_cost_is_of_the_targets_own_time),
		cmocka_unit_test(a_window_in_which_it_hardly_ran_says_nothing),
		cmocka_unit_test(delays_are_those_of_late),
		cmocka_unit_test(probes_that_go_late_are_charged_for),
		cmocka_unit_test(the_report_has_one_sum),
		cmocka_unit_test(the_wait_for_others_costs_nothing_that_is_told),
		cmocka_unit_test(a_dear_look_comes_later_and_later),
		cmocka_unit_test(looks_move_apart_as_a_watch_lasts),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
