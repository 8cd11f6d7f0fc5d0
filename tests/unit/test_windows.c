/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Windows on malloc whose probes are refused: what is said of it, and what it is taken to cost. */
#include "probe/mechanism_priv.h"
#include "track/native_priv.h"

#include "unit.h"

#define SECOND 1000000000ull

static struct {
	int err; /* of the probes on entries */
	unsigned asked;
} host;

static int put_in(struct probe_set *s)
{
	if (s->on_return)
		return 0;
	host.asked++;
	return host.err ? fail(host.err, "a change of probes took long") : 0;
}

static int take_out(struct probe_set *s)
{
	(void)s;
	return 0;
}

static const struct probe_ops ops = {.on = put_in, .off = take_out};

struct scene {
	struct pl_native_ctl ctl;
	struct account account;
	struct probe_set entry, back;
	struct native n;
};

static void set_up(struct scene *k)
{
	/* Not served by this process, so that no turn is taken. */
	struct probe_channel *elsewhere = (struct probe_channel *)k;

	*k = (struct scene){0};
	k->entry = (struct probe_set){.ops = &ops, .channel = elsewhere};
	k->back = (struct probe_set){.ops = &ops, .channel = elsewhere, .on_return = true};
	account_open(&k->account, LEDGER_NATIVE, 0.02, SECOND);
	k->n = (struct native){.spec = {.account = &k->account}, .ctl = &k->ctl};
	k->n.set[SET_HEAP_ENTRY] = &k->entry;
	k->n.set[SET_HEAP_RETURN] = &k->back;
	k->n.set_sites[SET_HEAP_ENTRY] = 10;
	k->n.set_sites[SET_HEAP_RETURN] = 6;
	host.asked = 0;
}

static void after_the_last_change_none_is_asked_for(void **state)
{
	struct scene k;

	(void)state;
	set_up(&k);
	host.err = -ENOTSUP;
	for (uint64_t i = 1; i <= 20; i++)
		assert_int_equal(native_burst_poll(&k.n, (100 + 10 * i) * SECOND), 0);
	assert_int_equal(host.asked, 1);
	assert_string_equal(k.n.note, "native blocks are not watched any more: a change of probes "
				      "took long");
	assert_false(k.entry.on || k.back.on);
}

static void in_a_pause_it_is_asked_again(void **state)
{
	struct scene k;

	(void)state;
	set_up(&k);
	host.err = -EBUSY;
	for (uint64_t i = 1; i <= 20; i++)
		assert_int_equal(native_burst_poll(&k.n, (100 + 10 * i) * SECOND), -EBUSY);
	assert_int_equal(host.asked, 20);
	assert_string_equal(k.n.note, "native blocks could not be watched at times: a change of "
				      "probes took long");
}

static void what_had_gone_in_is_paid_for(void **state)
{
	double spent = 0;
	struct scene k;

	(void)state;
	set_up(&k);
	host.err = -EBUSY;
	k.back.n = 6;
	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(native_burst_poll(&k.n, (100 + 10 * i) * SECOND), -EBUSY);
		assert_true(k.account.spent_ns ==
			    spent + account_planting_ns(&k.account, k.back.n));
		spent = k.account.spent_ns;
		assert_false(k.back.on);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_the_last_change_none_is_asked_for),
		cmocka_unit_test(in_a_pause_it_is_asked_again),
		cmocka_unit_test(what_had_gone_in_is_paid_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
