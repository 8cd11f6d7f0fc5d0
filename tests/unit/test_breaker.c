/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When probes go in no more, because that takes long on this host; and which kernels have links. */
#include "probe/breaker.h"

#include "probe/mechanism_priv.h"

#include "unit/unit.h"

#define MS 1000000ull
#define S  1000000000ull

static void quick_changes_count_for_nothing(void **state)
{
	struct breaker b = {0};

	(void)state;
	for (uint64_t t = 1; t < 1000; t++)
		breaker_note(&b, t * S, 100 * MS);
	assert_int_equal(breaker_ask(&b, 1000 * S), 0);
}

static void a_slow_one_pauses_the_second_for_longer(void **state)
{
	struct breaker b = {0};

	(void)state;
	breaker_note(&b, 10 * S, 101 * MS);
	assert_int_equal(breaker_ask(&b, 10 * S), -EBUSY);
	assert_non_null(strstr(fail_text(), "took 101 ms"));
	assert_int_equal(breaker_ask(&b, 39 * S), -EBUSY);
	/* A report may be the last: no promise of a change that is still to come. */
	assert_non_null(
		strstr(fail_text(), "forks may have waited for it: for 30 s none are put in"));
	assert_int_equal(breaker_ask(&b, 40 * S), 0);
	breaker_note(&b, 50 * S, 101 * MS);
	assert_int_equal(breaker_ask(&b, 109 * S), -EBUSY);
	assert_int_equal(breaker_ask(&b, 110 * S), 0);
}

static void the_third_ends_it(void **state)
{
	struct breaker b = {0};

	(void)state;
	for (int i = 1; i <= 3; i++)
		breaker_note(&b, 100 * S * (uint64_t)i, 300 * MS);
	assert_int_equal(breaker_ask(&b, 1000000 * S), -ENOTSUP);
}

static void one_of_two_seconds_ends_it_at_once(void **state)
{
	struct breaker b = {0};

	(void)state;
	breaker_note(&b, 10 * S, 2001 * MS);
	assert_int_equal(breaker_ask(&b, 1000000 * S), -ENOTSUP);
	assert_non_null(strstr(fail_text(), "took 2.0 s"));
}

static void ten_calm_minutes_are_forgotten(void **state)
{
	struct breaker b = {0};

	(void)state;
	for (int i = 1; i <= 20; i++)
		breaker_note(&b, 601 * S * (uint64_t)i, 300 * MS);
	assert_int_equal(breaker_ask(&b, 601 * 20 * S + 30 * S), 0);
}

static void links_are_trusted_by_version(void **state)
{
	static const char *const good[] = {"6.6.54", "6.6.100-generic", "6.10.13",	"6.11.2",
					   "6.12.0", "6.18.44-fc-v669", "7.2.13-amd64", "10.0.0"};
	static const char *const bad[] = {
		"5.10.0", "6.1.0-50-amd64", "6.6.53", "6.7.12", "6.9.7", "6.10.12",
		"6.11.1", "6.11.0-rc1",	    "",	      "x",	"6"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(probe_multi_is_sound(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(probe_multi_is_sound(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quick_changes_count_for_nothing),
		cmocka_unit_test(a_slow_one_pauses_the_second_for_longer),
		cmocka_unit_test(the_third_ends_it),
		cmocka_unit_test(one_of_two_seconds_ends_it_at_once),
		cmocka_unit_test(ten_calm_minutes_are_forgotten),
		cmocka_unit_test(links_are_trusted_by_version),
	};

	return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
