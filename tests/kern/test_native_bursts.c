/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Native blocks of a process that calls its allocator too often to be watched all the time: leaks
 * are found in windows. Needs root. */
#include "native_fixture.h"

static bool has_heap(const struct native_sites *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].key.kind == PL_KIND_HEAP && s->v[i].live_count > 0)
			return true;
	return false;
}

/* A busy target and 2 %: bursts, at once or, where the target did not run while its calls were
 * counted, soon after; the leak's site is there, and the churn does not survive. */
static void bursts_find_a_leak(void **state)
{
	struct fixture *f = make(PROBE_TRACEFS);
	struct native_sites s = {0};
	struct timespec ms = {0, 20000000};
	uint64_t begin = clock_ns();

	(void)state;
	load(f, 0, UINT64_MAX);
	tell(f, 'l');
	nanosleep(&ms, NULL);
	open_native(f, 0.02, false);
	while ((native_state(f->native) != NATIVE_BURST || !has_heap(&s)) &&
	       clock_ns() - begin < 12000000000u) {
		nanosleep(&ms, NULL);
		native_sites_free(&s);
		assert_int_equal(native_poll(f->native), 0);
		assert_int_equal(native_sites(f->native, &s), 0);
	}
	print_message("  after %.1f s; spent %.0f ms\n", (double)(clock_ns() - begin) / 1e9,
		      f->account.spent_ns / 1e6);
	for (size_t i = 0; i < s.n; i++)
		print_message("  site %#llx kind %u: %.0f blocks, %.0f bytes from %lu samples\n",
			      s.v[i].key.caller, s.v[i].key.kind, s.v[i].live_count,
			      s.v[i].live_bytes, s.v[i].samples);
	assert_int_equal(native_state(f->native), NATIVE_BURST);
	assert_true(has_heap(&s));
	native_sites_free(&s);
	unmake(f);
}

#define DEAR_NS 2000 /* an event takes 600 on most hosts */

/* More survivors in a window than are kept: those stand for the others, of all that were made since
 * there are windows. At the end all are old enough to count; under probes the target is half as
 * fast, where events are dear a tenth as fast. */
static void samples_have_weights(void **state)
{
	struct fixture *f = make(PROBE_TRACEFS);
	const struct timespec ms = {.tv_nsec = 10000000};
	struct native_sites s;
	double share = 0, made, event_ns;
	uint64_t begin, opened;

	(void)state;
	assert_int_equal(probe_try(PROBE_TRACEFS, &event_ns), 0);
	load(f, 0, UINT64_MAX);
	begin = clock_ns();
	tell(f, 'f');
	nanosleep(&ms, NULL);
	open_native(f, 0.05, false);
	opened = clock_ns();
	assert_int_equal(native_state(f->native), NATIVE_BURST);
	while (clock_ns() - begin < CHILD_FLOOD_NS + CHILD_AFTER_NS) {
		assert_int_equal(native_poll(f->native), 0);
		nanosleep(&ms, NULL);
	}
	hear(f);
	made = (double)f->answer->calls * (1 - (double)(opened - begin) / CHILD_FLOOD_NS);
	assert_int_equal(native_sites(f->native, &s), 0);
	for (size_t i = 0; i < s.n; i++)
		share += s.v[i].live_count / made;
	print_message("  %.2f of %.0f blocks\n", share, made);
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
	for (uint64_t end = clock_ns() + 4000000000u;
	     native_state(f->native) == NATIVE_EXACT && clock_ns() < end; nanosleep(&ms, NULL))
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
