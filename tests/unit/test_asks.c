/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How long a search for holders makes the next one wait. */
#include "unit.h"

#include "inquiry/inquiry.h"

static void join_nothing(struct inquiry *in)
{
	(void)in;
}

#define inquiry_join join_nothing
#include "session/holders.c"

#define S 1000000000ull

/* Seconds, after one that took a second of CPU time. */
static uint64_t pause_s(bool is_told, bool is_open)
{
	static struct holders h;

	h = (struct holders){.is_open = is_open};
	h.inquiry.cost_ns = S;
	h.inquiry.ended_ns = 1000 * S;
	settle(&h);
	assert_int_equal(h.soon_ns, 1050 * S); /* for what is new */
	return (is_told ? h.told_next_ns : h.next_ns) / S - 1000;
}

static void a_told_leak_is_searched_for_more_rarely(void **state)
{
	(void)state;
	assert_int_equal(pause_s(false, false), 200);
	assert_int_equal(pause_s(true, false), 400);
	/* Objects without an answer are not told yet. */
	assert_int_equal(pause_s(false, true), 50);
	assert_int_equal(pause_s(true, true), 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_told_leak_is_searched_for_more_rarely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
