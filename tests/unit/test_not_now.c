/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Probes of malloc, mmap and descriptors that are refused for a moment: no watch ends by that.
 * Nothing is probed. */
#include "probe/mechanism_priv.h"
#include "track/fds_priv.h"
#include "track/native_priv.h"

#include "unit/unit.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static struct {
	int err; /* of the probes that are not on returns */
	unsigned asked;
	struct pl_native_ctl native_ctl;
	struct pl_fd_ctl fd_ctl;
	struct account account;
	struct probe_set set[2]; /* on returns, on entries */
	struct native native;
	struct fds fds;
} k;

static int put_in(struct probe_set *s)
{
	if (s->on_return)
		return 0;
	k.asked++;
	return k.err ? fail(k.err, "another copy switches probes") : 0;
}

static int take_out(struct probe_set *s)
{
	(void)s;
	return 0;
}

static const struct probe_ops ops = {.on = put_in, .off = take_out};

/* In place of libbpf's. */
struct ring_buffer *ring_buffer__new(int fd, ring_buffer_sample_fn tell, void *ctx,
				     const struct ring_buffer_opts *opts)
{
	(void)fd;
	(void)tell;
	(void)ctx;
	(void)opts;
	return NULL;
}

int bpf_enable_stats(enum bpf_stats_type type)
{
	(void)type;
	return -1;
}

static int set_up(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	/* Not served by this process, so that no turn is taken. */
	for (size_t i = 0; i < ARRAY_SIZE(k.set); i++)
		k.set[i] = (struct probe_set){
			.ops = &ops, .channel = (struct probe_channel *)&k, .on_return = i == 0};
	k.native.spec.account = k.fds.spec.account = &k.account;
	k.native.ctl = &k.native_ctl;
	k.native.blocks_fd = k.native.stats_fd = -1;
	k.fds.spec.means = FDS_LIBC;
	k.fds.ctl = &k.fd_ctl;
	k.fds.n_sets = ARRAY_SIZE(k.set);
	k.fds.set[0] = &k.set[0];
	k.fds.set[1] = &k.set[1];
	account_open(&k.account, LEDGER_FDS, 0.001, clock_ns());
	return 0;
}

/* The first look at how much it allocates. */
static void begin_native(int err)
{
	k.native.set[SET_METER] = &k.set[1];
	k.native.again_ns = 1;
	k.err = err;
	native_poll(&k.native);
}

static void a_rate_that_cannot_be_metered_now_is_met_in_windows(void **state)
{
	(void)state;
	begin_native(-EBUSY);
	assert_int_equal(k.asked, 1);
	if (probe_host_is_crowded()) {
		assert_int_equal(k.native.state, NATIVE_OFF);
		assert_true(k.native.again_ns > clock_ns());
		assert_string_equal(k.native.note, "native blocks could not be watched at times: "
						   "another copy switches probes");
		return;
	}
	assert_int_equal(k.native.state, NATIVE_BURST);
	assert_string_equal(k.native.note, "");
}

static void what_is_refused_for_good_is_not_asked_for_again(void **state)
{
	(void)state;
	begin_native(-ENOTSUP);
	native_poll(&k.native);
	assert_int_equal(k.asked, 1);
	assert_int_equal(k.native.state, NATIVE_OFF);
	assert_string_equal(k.native.note,
			    "native blocks are not traced: another copy switches probes");
}

/* An entry that is not probed makes nothing of its return. */
static void returns_of_mmap_are_not_probed_without_its_entries(void **state)
{
	(void)state;
	k.native.set[SET_MAP_RETURN] = &k.set[0];
	k.native.set[SET_MAP_ENTRY] = &k.set[1];
	k.native.state = NATIVE_EXACT;
	k.native.paused = true;
	k.err = -EBUSY;
	assert_int_equal(native_resume(&k.native), 0);
	assert_int_equal(k.asked, 1);
	assert_int_equal(k.native.state, NATIVE_EXACT);
	assert_false(k.native_ctl.mmap_on || k.set[0].on);
	assert_string_equal(k.native.note, "mmap could not be watched at times: another copy "
					   "switches probes");
	k.native.table.last_ns = clock_ns(); /* no walk over the blocks */
	native_poll(&k.native);
	assert_int_equal(k.asked, 1);
	k.err = 0;
	k.native.maps_ns = 1;
	native_poll(&k.native);
	assert_true(k.native_ctl.mmap_on && k.set[0].on && k.set[1].on);
}

/* The note on mmap came first. */
static void blocks_that_no_window_sees_are_told_of(void **state)
{
	(void)state;
	k.native.set[SET_MAP_ENTRY] = &k.set[1];
	begin_native(-EBUSY);
	fail(-EBUSY, "the host is short of memory");
	native_note_refused(&k.native);
	fail(-EBUSY, "a later one");
	native_note_refused(&k.native);
	assert_string_equal(k.native.note, "native blocks could not be watched at times: the host "
					   "is short of memory");
}

static void descriptors_have_lines_from_the_next_window_on(void **state)
{
	(void)state;
	k.fds.is_paused = true;
	k.err = -EBUSY;
	assert_int_equal(fds_resume(&k.fds), 0);
	assert_false(k.fds.is_on || k.set[0].on);
	assert_true(k.fds.in_windows);
	k.err = 0;
	fds_cost_poll(&k.fds, clock_ns() + 250000000);
	assert_true(k.fds.is_on && k.set[0].on && k.set[1].on);
	assert_false(k.fds.in_windows);
	/* Windows do not leave out those that were opened meanwhile. */
	assert_false(k.fds.was_in_windows);
	assert_string_equal(k.fds.note, "descriptors could not be watched at times: another copy "
					"switches probes");
}

static void the_turn_of_another_copy_is_not_told_of(void **state)
{
	(void)state;
	k.fds.is_paused = true;
	k.err = -EAGAIN;
	assert_int_equal(fds_resume(&k.fds), 0);
	assert_true(k.fds.in_windows);
	assert_string_equal(k.fds.note, "");
}

static void descriptors_that_are_refused_for_good_are_an_error(void **state)
{
	(void)state;
	k.fds.is_paused = true;
	k.err = -ENOTSUP;
	assert_int_equal(fds_resume(&k.fds), -ENOTSUP);
	assert_false(k.fds.in_windows || k.set[0].on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_rate_that_cannot_be_metered_now_is_met_in_windows, set_up),
		cmocka_unit_test_setup(what_is_refused_for_good_is_not_asked_for_again, set_up),
		cmocka_unit_test_setup(returns_of_mmap_are_not_probed_without_its_entries, set_up),
		cmocka_unit_test_setup(blocks_that_no_window_sees_are_told_of, set_up),
		cmocka_unit_test_setup(the_turn_of_another_copy_is_not_told_of, set_up),
		cmocka_unit_test_setup(descriptors_have_lines_from_the_next_window_on, set_up),
		cmocka_unit_test_setup(descriptors_that_are_refused_for_good_are_an_error, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
