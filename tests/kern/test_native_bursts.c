/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Native blocks of a process that calls its allocator too often to be watched all the time: leaks
 * are found in windows. Needs root. */
#include "native_fixture.h"

/* A busy target and 2 %: bursts; the leak's site leads, and the churn does not survive. */
static void bursts_find_a_leak(void **state)
{
	struct fixture *f = make(PROBE_TRACEFS);
	struct native_sites s;
	struct timespec ms = {0, 20000000};
	uint64_t leaked = 0;

	(void)state;
	load(f, 0, UINT64_MAX);
	tell(f, 'l');
	nanosleep(&ms, NULL);
	open_native(f, 0.02, false);
	assert_int_equal(native_state(f->native), NATIVE_BURST);
	for (int k = 0; k < 4; k++) {
		if (k) /* the first three seconds have begun already */
			tell(f, 'l');
		for (uint64_t end = clock_ns() + 3000000000u; clock_ns() < end;
		     nanosleep(&ms, NULL))
			assert_int_equal(native_poll(f->native), 0);
		hear(f);
		leaked += f->answer->calls;
	}
	assert_int_equal(native_sites(f->native, &s), 0);
	print_message("  leaked %lu blocks, %lu bytes; spent %.0f ms\n", leaked, 700 * leaked,
		      f->account.spent_ns / 1e6);
	for (size_t i = 0; i < s.n; i++)
		print_message("  site %#llx kind %u: %.0f blocks, %.0f bytes from %lu samples\n",
			      s.v[i].key.caller, s.v[i].key.kind, s.v[i].live_count,
			      s.v[i].live_bytes, s.v[i].samples);
	assert_true(s.n >= 1);
	native_sites_free(&s);
	unmake(f);
}

#define DEAR_NS 2000 /* an event takes 600 on most hosts */

/* More survivors in a window than are kept: those stand for the others. Under probes the target is
 * half as fast, where events are dear a tenth as fast, and the youngest do not count yet. */
static void samples_have_weights(void **state)
{
	struct fixture *f = make(PROBE_TRACEFS);
	const struct timespec ms = {.tv_nsec = 10000000};
	struct native_sites s;
	double share = 0, event_ns;

	(void)state;
	assert_int_equal(probe_try(PROBE_TRACEFS, &event_ns), 0);
	load(f, 0, UINT64_MAX);
	tell(f, 'f');
	nanosleep(&ms, NULL);
	open_native(f, 0.05, false);
	assert_int_equal(native_state(f->native), NATIVE_BURST);
	for (uint64_t end = clock_ns() + 5800000000u; clock_ns() < end; nanosleep(&ms, NULL))
		assert_int_equal(native_poll(f->native), 0);
	hear(f);
	assert_int_equal(native_sites(f->native, &s), 0);
	for (size_t i = 0; i < s.n; i++)
		share += s.v[i].live_count / (double)f->answer->calls;
	print_message("  %.2f of %lu blocks\n", share, f->answer->calls);
	assert_true(share > (event_ns < DEAR_NS ? 0.3 : 0.1) && share < 1.2);
	native_sites_free(&s);
	unmake(f);
}

/* A full table would make a leak look as if it had ended: samples from there on, for good. */
static void too_many_blocks_are_sampled(void **state)
{
	struct fixture *f = make(PROBE_TRACEFS);
	const struct timespec ms = {.tv_nsec = 20000000};

	(void)state;
	load(f, 0, UINT64_MAX);
	open_native(f, 1, false);
	assert_int_equal(native_state(f->native), NATIVE_EXACT);
	tell(f, 'n');
	hear(f);
	for (uint64_t end = clock_ns() + 4000000000u; clock_ns() < end; nanosleep(&ms, NULL))
		assert_int_equal(native_poll(f->native), 0);
	assert_int_equal(native_state(f->native), NATIVE_BURST);
	unmake(f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bursts_find_a_leak),
		cmocka_unit_test(samples_have_weights),
		cmocka_unit_test(too_many_blocks_are_sampled),
	};

	if (is_child(argc, argv))
		return native_child_main(atoi(argv[2]), atoi(argv[3]));
	return may_run(argc, argv) ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
