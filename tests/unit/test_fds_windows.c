/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Windows on descriptors: when they begin, and what calls cost that run into their probes while
 * those are put in, or taken out. Nothing is probed. */
#include "probe/mechanism_priv.h"
#include "track/fds_priv.h"

#include "unit/unit.h"

#define MS 1000000ull

static struct {
	struct fds f;
	struct pl_fd_ctl ctl;
	struct account account;
	struct probe_set set[3];
	uint64_t early; /* calls that meet a set while it is put in, the others too */
	uint64_t late;	/* of each kind, while it is taken out */
} k;

static int put_in(struct probe_set *s)
{
	(void)s;
	k.ctl.unrecorded += k.early;
	return 0;
}

static int take_out(struct probe_set *s)
{
	(void)s;
	k.ctl.unrecorded_many += k.late;
	k.ctl.unrecorded += k.late;
	return 0;
}

static const struct probe_ops ops = {.on = put_in, .off = take_out};

static void set_up(void)
{
	memset(&k, 0, sizeof(k));
	account_open(&k.account, LEDGER_FDS, 0.001, clock_ns());
	k.f.spec.account = &k.account;
	k.f.spec.means = FDS_LIBC;
	k.f.ctl = &k.ctl;
	for (; k.f.n_sets < ARRAY_SIZE(k.set); k.f.n_sets++) {
		struct probe_set *s = k.f.set[k.f.n_sets] = &k.set[k.f.n_sets];

		/* Not served by this process, so that no turn is taken. */
		*s = (struct probe_set){.ops = &ops, .channel = (struct probe_channel *)&k};
	}
	assert_int_equal(fds_on(&k.f, probe_set_on), 0);
}

/* Calls of fcntl until the next look, a quarter of a second later. */
static void look(uint64_t calls)
{
	k.ctl.calls += calls;
	fds_cost_poll(&k.f, k.account.counted_ns + 250 * MS);
}

static void far_too_many_calls_are_seen_in_windows_at_once(void **state)
{
	(void)state;
	set_up();
	look(400); /* 0.3 % of the time, three times what they may cost */
	assert_false(k.f.in_windows);
	for (int i = 0; i < 5; i++)
		look(400);
	assert_true(k.f.in_windows);
	set_up();
	look(6000); /* a saturated server */
	assert_true(k.f.in_windows);
}

static double cost_of_window(uint64_t late)
{
	double before;

	set_up();
	look(6000);
	assert_true(k.f.in_windows);
	k.late = late;
	k.account.saved_ns = k.account.expected_ns = 0;
	before = k.account.spent_ns;
	look(0);
	assert_int_equal(k.account.windows, 1);
	return k.account.spent_ns - before;
}

static void what_calls_meet_when_a_window_is_over_is_charged(void **state)
{
	double usual = cost_of_window(0), late = cost_of_window(1000);

	(void)state;
	/* three sets, calls of two kinds */
	assert_float_equal(late - usual, 3 * 1000 * (1800 + 1800), 1);
	assert_float_equal(k.account.window_ns, late, 1);
	k.late = 0;
	k.account.saved_ns = k.account.expected_ns = 0;
	look(0);
	assert_float_equal(k.account.window_ns, usual, 1);
}

/* Calm is a process that calls little while a window is open, however long its sets take. */
static void calls_before_a_window_are_no_part_of_it(void **state)
{
	(void)state;
	set_up();
	look(6000);
	k.early = 10;
	k.account.saved_ns = k.account.expected_ns = 0;
	look(0);
	assert_int_equal(k.f.calm, 1);
	assert_int_equal(k.account.windows, 1);
}

/* No window ends that cost, and it leaves less to windows. */
static void threads_and_children_are_charged(void **state)
{
	double spent;

	(void)state;
	set_up();
	k.ctl.started = 6000;
	look(0);
	assert_float_equal(k.account.spent_ns, 6000 * 1500, 1);
	look(0);
	assert_float_equal(k.account.spent_ns, 6000 * 1500, 1);
	assert_false(k.f.in_windows);
	look(6000);
	assert_true(k.f.in_windows);
	spent = k.account.spent_ns;
	k.account.saved_ns = k.account.expected_ns = 1e6;
	k.ctl.started += 1000;
	look(0);
	assert_int_equal(k.account.windows, 0);
	assert_float_equal(k.account.spent_ns - spent, 1000 * 1500, 1);
}

static void they_are_where_descriptors_have_no_lines(void **state)
{
	(void)state;
	set_up();
	k.f.n_sets = 0;
	k.ctl.started = 1000;
	look(0);
	assert_float_equal(k.account.spent_ns, 1000 * 1500, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(far_too_many_calls_are_seen_in_windows_at_once),
		cmocka_unit_test(what_calls_meet_when_a_window_is_over_is_charged),
		cmocka_unit_test(calls_before_a_window_are_no_part_of_it),
		cmocka_unit_test(threads_and_children_are_charged),
		cmocka_unit_test(they_are_where_descriptors_have_no_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
