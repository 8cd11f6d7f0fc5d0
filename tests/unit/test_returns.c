/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Kernels on which a return probe ends the target. */
#include "probe/mechanism_priv.h"
#include "unit.h"

#include <unistd.h>

/* Whatever filter the process has: another may come later, and then it would be ended. */
static void filters_may_come_later(void **state)
{
	static const struct {
		const char *release;
		bool hurts;
	} rows[] = {
		{"5.10.0-30-amd64", false}, {"6.10.14", false}, {"6.11.0", true},
		{"6.11.11-amd64", true},    {"6.12", true},	{"6.12.13+deb13", true},
		{"6.12.14", false},	    {"6.12.57", false}, {"6.13.0-rc1", true},
		{"6.13.2", true},	    {"6.13.3", false},	{"6.14.0", false},
		{"6.18.44", false},	    {"7.0.1", false},	{"strange", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (probe_return_hurts(rows[i].release, false) != rows[i].hurts)
			fail_msg("%s: not %d", rows[i].release, rows[i].hurts);
}

static void test_shadow_stacks(void **state)
{
	(void)state;
	assert_true(probe_return_hurts("6.6.30", true));
	assert_true(probe_return_hurts("6.10.0", true));
	assert_true(probe_return_hurts("6.12.13", true));
	assert_false(probe_return_hurts("6.12.14", true));
	assert_false(probe_return_hurts("6.18.0", true));
}

static void test_this_kernel(void **state)
{
	(void)state;
	assert_int_equal(probe_check_return(getpid()), 0);
	assert_int_equal(probe_check_return(1 << 22), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_may_come_later),
		cmocka_unit_test(test_shadow_stacks),
		cmocka_unit_test(test_this_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
