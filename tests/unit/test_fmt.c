/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers as people read them. */
#include "base/base.h"

#include <math.h>

#include "unit.h"

static const struct {
	double n;
	const char *text;
} counts[] = {
	{0, "0"},
	{3, "3"},
	{2.5, "2.5"},
	{0.1, "0.1"},
	{-0.4, "-0.4"},
	{999, "999"},
	{1234, "1.2 k"},
	{5e6, "5.0 M"},
	/* two a minute, ten an hour, one an hour: slow is not none */
	{2 / 60.0, "0.033"},
	{10 / 3600.0, "0.0028"},
	{-1 / 3600.0, "-0.00028"},
	{0.094, "0.094"},
	{0.096, "0.1"},
	/* a slope that is no more than rounding */
	{1e-5, "0"},
};

static void a_slow_rate_is_not_zero(void **state)
{
	char buf[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		assert_string_equal(fmt_count(buf, sizeof(buf), counts[i].n), counts[i].text);
}

/* A range of days from hours is read in one unit. */
static void a_range_has_one_unit(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(fmt_duration(buf, sizeof(buf), 313200), "3 d 15 h");
	assert_string_equal(fmt_duration_like(buf, sizeof(buf), 313200, 254940), "87 h 00 m");
	assert_string_equal(fmt_duration_like(buf, sizeof(buf), 80, 120), "1 m 20 s");
}

static void an_unknown_number_is_a_question_mark(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(fmt_bytes(buf, sizeof(buf), NAN), "? B");
	assert_string_equal(fmt_count(buf, sizeof(buf), NAN), "?");
	assert_string_equal(fmt_duration(buf, sizeof(buf), NAN), "?");
	assert_string_equal(fmt_duration_like(buf, sizeof(buf), NAN, 7200), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slow_rate_is_not_zero),
		cmocka_unit_test(a_range_has_one_unit),
		cmocka_unit_test(an_unknown_number_is_a_question_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
