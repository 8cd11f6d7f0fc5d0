/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A window on births that is closed late, as the machine is busy: what of it counts as watched, and
 * what it is taken to cost. */
#include "heap/inside.h"
#include "probe/mechanism_priv.h"
#include "session/births_priv.h"
#include "session/pools.h"
#include "session/survivors.h"
#include "unit/self.h"

#include <math.h>
#include <pthread.h>
#include <sys/resource.h>

#define LATE_US	 300000
#define MANY	 16384	 /* births, twice as many as one look has room for */
#define LINGERED 1000000 /* events meanwhile */
#define SECOND	 1000000000ull
#define TYPE	 64

static struct {
	struct session s;
	struct births b;
	struct sites sites;
	struct py_runtime rt;
	struct heap heap;
	struct probe_set set;
	struct pl_stats stats;
	struct pl_birth births[PL_BIRTH_SLOTS];
	uint64_t overrun; /* births while the probes are taken out */
	bool is_late;
} k;

static int put_in(struct probe_set *s)
{
	(void)s;
	return 0;
}

static int take_out(struct probe_set *s)
{
	(void)s;
	if (k.is_late) {
		usleep(LATE_US);
		k.stats.unrecorded += LINGERED;
	}
	k.stats.births += k.overrun;
	return 0;
}

static const struct probe_ops ops = {.on = put_in, .off = take_out};

static void set_up(bool is_late)
{
	memset(&k, 0, sizeof(k));
	k.is_late = is_late;
	k.heap.rt = &k.rt;
	/* Not served by this process, so that no turn is taken. */
	k.set = (struct probe_set){.ops = &ops, .channel = (struct probe_channel *)&k, .pid = 1};
	k.sites.set[0] = &k.set;
	k.sites.n_sets = k.sites.n = 1;
	k.rt.proc = k.s.proc = self_open();
	k.s.rt = &k.rt;
	k.s.sites = &k.sites;
	k.s.kern.stats = &k.stats;
	k.s.kern.births = k.births;
	k.s.pools = calloc(1, pools_source.size);
	k.s.survivors = calloc(1, survivors_source.size);
	*(struct session **)k.s.survivors = *(struct session **)k.s.pools = &k.s;
	assert_int_equal(stacks_new(&k.rt, &k.s.stacks), 0);
	ledger_open(&k.s.ledger, 0.02, 5e6, clock_ns());
	k.b = (struct births){
		.s = &k.s, .mode = BIRTHS_BURSTS, .account = &k.s.ledger.of[LEDGER_BIRTHS]};
	k.b.view = (struct unseen_view){.stats = &k.stats};
	k.b.unseen.looks = UNSEEN_FIRST_LOOKS; /* no look at the heap is due */
	k.b.unseen.due_ns[0] = UINT64_MAX;
	assert_int_equal(ladder_new(&k.heap, k.s.stacks, &k.b.ladder), 0);
}

static void tear_down(void)
{
	ladder_free(k.b.ladder);
	stacks_free(k.s.stacks);
	free(k.s.pools);
	free(k.s.survivors);
	free(k.heap.group);
	proc_close(k.s.proc);
}

/* In a report: for how long births were watched. */
static double told_s(void)
{
	struct report_lost lost[LOST_MAX] = {0};
	struct evidence e = {.seen = {.lost = lost}};

	births_source.observe(&k.b, &(struct observation){.now_ns = clock_ns(), .e = &e});
	return e.seen.on_s;
}

/* Births come to nothing while it is looked at. */
static void a_window_that_closes_late_has_not_watched_longer(void **state)
{
	double on_s = 0, closed_s;

	(void)state;
	set_up(true);
	births_burst(&k.b);
	assert_int_equal(k.b.bursts, 1);
	assert_int_equal(k.b.watched.all.n, 1);
	on_s = k.b.watched.all.v[0].on_s;
	closed_s = (double)k.b.on_ns / 1e9; /* the probes were in */
	assert_true(closed_s > LATE_US / 1e6);
	assert_true(on_s > 0.1 && on_s < closed_s - 0.9 * LATE_US / 1e6);
	assert_true(fabs((double)(k.b.on_ns - k.b.unlooked_ns) / 1e9 - on_s) < 1e-6);
	assert_true(fabs(told_s() - on_s) < 1e-6);
	tear_down();
}

static void *bear_many(void *unused)
{
	(void)unused;
	usleep(100000); /* windows are of 150 ms */
	k.stats.births += MANY;
	return NULL;
}

/* More are born than are looked at: what the first of them left is not known. */
static void a_window_has_watched_since_the_first_birth_that_is_looked_at(void **state)
{
	bool seen = false; /* and not born after the window */

	(void)state;
	while (!seen) {
		uint64_t began;
		pthread_t thread;

		set_up(false);
		for (uint64_t i = 0; i < MANY; i++)
			k.births[i] = (struct pl_birth){
				.object = 64 * (i + 1), .type = 64, .stack = 1, .lap = 1};
		began = clock_ns();
		assert_int_equal(pthread_create(&thread, NULL, bear_many, NULL), 0);
		births_burst(&k.b);
		assert_int_equal(k.b.watched.all.n, 1);
		seen = ladder_stats(k.b.ladder)->gone;
		if (seen) {
			double on_s = k.b.watched.all.v[0].on_s;

			assert_true(on_s < 0.51 * (double)(clock_ns() - began) / 1e9);
			assert_true(fabs(told_s() - on_s) < 1e-6);
			assert_int_equal(k.b.traffic.n_rows, 2);
			assert_int_equal(k.b.traffic.row[1].n[0], MANY - k.b.missed);
		}
		pthread_join(thread, NULL);
		tear_down();
	}
}

/* The record was written over before anybody could read it. */
static void a_window_that_was_overrun_has_not_watched(void **state)
{
	(void)state;
	set_up(false);
	k.overrun = PL_BIRTH_SLOTS + 1;
	births_burst(&k.b);
	assert_int_equal(k.b.bursts, 1);
	assert_true(k.b.overruns > 0);
	assert_int_equal(k.b.watched.all.n, 0);
	assert_int_equal(k.b.traffic.n_moments, 0);
	assert_int_equal(k.b.on_ns, 0);
	tear_down();
}

/* The only site of its file is lost by a test option. */
static void a_window_without_any_site_sees_nothing(void **state)
{
	(void)state;
	set_up(false);
	k.sites.set[0] = NULL;
	k.sites.n = 0;
	births_burst(&k.b);
	assert_int_equal(k.b.bursts, 1);
	assert_int_equal(k.stats.births, 0);
	tear_down();
}

static void nor_has_a_look_while_probes_stay_in(void **state)
{
	(void)state;
	set_up(false);
	k.b.mode = BIRTHS_ALWAYS;
	k.b.always_since = k.b.polled_ns = k.b.looked_ns = clock_ns();
	usleep(100000);
	k.stats.births = PL_BIRTH_SLOTS + 1;
	births_poll(&k.b);
	assert_true(k.b.overruns > 0);
	assert_true(!k.b.watched.all.n || k.b.watched.all.v[0].on_s < 0.05);
	assert_true(told_s() < 0.05);
	tear_down();
}

/* They were recorded, though nobody could read them. */
static void births_that_were_overrun_are_charged(void **state)
{
	double spent[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		set_up(true); /* no window costs more than the time that it was open */
		k.overrun = i * 3 * PL_BIRTH_SLOTS / 2;
		births_burst(&k.b);
		spent[i] = ledger_spent_ns(&k.s.ledger);
		tear_down();
	}
	assert_int_equal(k.b.overruns, PL_BIRTH_SLOTS / 2);
	assert_true(spent[1] - spent[0] > 0.99 * (double)k.stats.births * k.s.ledger.birth_ns);
}

static void what_it_met_until_it_was_closed_is_charged(void **state)
{
	double spent[2];

	(void)state;
	for (int is_late = 0; is_late < 2; is_late++) {
		set_up(is_late);
		k.b.nuitka_at = UINT32_MAX;
		births_burst(&k.b);
		k.b.due.burst = 0;
		births_source.step(&k.b, clock_ns());
		spent[is_late] = ledger_spent_ns(&k.s.ledger);
		tear_down();
	}
	assert_true(spent[1] - spent[0] > 0.99 * LINGERED * probe_price_event(&k.b.account->price));
}

/* The tool stood still, and births came until it could take the probes out. They are paid for once.
 */
static void probes_that_stayed_in_are_charged_to_the_end(void **state)
{
	double spent;

	(void)state;
	set_up(false);
	k.b.mode = BIRTHS_ALWAYS;
	k.b.always_since = clock_ns();
	k.stats.births = 1000;
	spent = ledger_spent_ns(&k.s.ledger);
	births_stop_always(&k.b);
	assert_true(fabs(ledger_spent_ns(&k.s.ledger) - spent - 1000 * k.s.ledger.birth_ns) < 1);
	spent = ledger_spent_ns(&k.s.ledger);
	births_burst(&k.b);
	assert_true(ledger_spent_ns(&k.s.ledger) - spent <
		    account_planting_ns(k.b.account, 1) + 100 * k.s.ledger.birth_ns);
	tear_down();
}

/* No birth is met: nothing is missed by those who look more rarely. */
static void a_quiet_window_is_looked_at_rarely(void **state)
{
	struct rusage before, after;

	(void)state;
	set_up(false);
	k.s.ledger.pause_ns = 20e6;
	getrusage(RUSAGE_THREAD, &before);
	births_burst(&k.b);
	getrusage(RUSAGE_THREAD, &after);
	assert_true(k.b.watched.all.v[0].on_s > 0.1);
	assert_true(after.ru_nvcsw - before.ru_nvcsw < 100);
	tear_down();
}

/* A type of the set's class is met at a place that is not in the set, after a window of 0.1 s on
 * all places and one of 0.3 s on the set. */
static void learn_of_a_place(uint64_t classes, uint64_t age_ns)
{
	struct focus *f = &k.b.focus;

	set_up(false);
	k.sites.n = 30;
	birthplaces_learn(&f->places, TYPE, 1);
	birthplaces_learn_class(&f->places, TYPE, 1 << 3);
	watched_add(&k.b.watched, 10 * SECOND, 10 * SECOND + SECOND / 10, NULL);
	watched_begin_set(&k.b.watched);
	f->aim.classes = classes;
	f->want[1] = true;
	f->made_ns = clock_ns() - age_ns;
	watched_add(&k.b.watched, 20 * SECOND, 20 * SECOND + 3 * SECOND / 10, &f->aim);
	assert_int_equal(k.b.watched.all.n, 2);
	k.births[0] = (struct pl_birth){.object = 640, .type = TYPE, .site = 2, .lap = 1};
	focus_learn(&k.b, 0, 1);
	assert_false(ladder_has_aim(&f->aim));
}

static void forget_it(void)
{
	focus_free(&k.b.focus);
	tear_down();
}

/* Its samples are dropped, and so is the time of its windows. */
static void a_young_set_that_was_blind_has_not_watched(void **state)
{
	(void)state;
	learn_of_a_place(1 << 3, SECOND);
	assert_int_equal(k.b.watched.all.n, 1);
	assert_int_equal(k.b.watched.aimed.n, 1);
	assert_true(fabs(k.b.watched.all.v[0].on_s - 0.1) < 1e-6);
	assert_int_equal(k.b.unlooked_ns, 3 * SECOND / 10);
	forget_it();
}

/* Samples of an older set stay, and so do those of its other classes. */
static void windows_that_keep_samples_keep_their_time(void **state)
{
	(void)state;
	for (int is_old = 0; is_old < 2; is_old++) {
		learn_of_a_place(is_old ? 1 << 3 : 1 << 3 | 1 << 4, is_old ? 100 * SECOND : SECOND);
		assert_int_equal(k.b.watched.all.n, 2);
		assert_int_equal(k.b.unlooked_ns, 0);
		forget_it();
	}
}

/* Windows on types alone saw no others, and are taken back, too. */
static void a_set_on_types_gives_its_time_back(void **state)
{
	const struct ladder_aim aim = {.type = {TYPE}, .n_types = 1};
	struct watched w = {0};

	(void)state;
	watched_add(&w, SECOND, 2 * SECOND, NULL);
	watched_begin_set(&w);
	watched_add(&w, 3 * SECOND, 5 * SECOND, &aim);
	watched_add(&w, 6 * SECOND, 7 * SECOND, NULL);
	assert_int_equal(w.all.n, 2);
	assert_int_equal(w.aimed.n, 3);
	assert_int_equal(w.by_type_ns, 2 * SECOND);
	assert_int_equal(watched_take_back(&w), 2 * SECOND);
	assert_int_equal(w.aimed.n, 2);
	assert_int_equal(w.by_type_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_that_closes_late_has_not_watched_longer),
		cmocka_unit_test(a_window_has_watched_since_the_first_birth_that_is_looked_at),
		cmocka_unit_test(a_window_that_was_overrun_has_not_watched),
		cmocka_unit_test(a_window_without_any_site_sees_nothing),
		cmocka_unit_test(nor_has_a_look_while_probes_stay_in),
		cmocka_unit_test(births_that_were_overrun_are_charged),
		cmocka_unit_test(what_it_met_until_it_was_closed_is_charged),
		cmocka_unit_test(probes_that_stayed_in_are_charged_to_the_end),
		cmocka_unit_test(a_quiet_window_is_looked_at_rarely),
		cmocka_unit_test(a_young_set_that_was_blind_has_not_watched),
		cmocka_unit_test(windows_that_keep_samples_keep_their_time),
		cmocka_unit_test(a_set_on_types_gives_its_time_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
