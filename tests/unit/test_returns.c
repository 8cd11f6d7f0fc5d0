/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Kernels on which a return probe ends the target, or a profiler beside a probe the kernel; and
 * what doctor says of them. */
#include "command/doctor_priv.h"
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

/* Profilers that sample stacks while a thread ends. */
static void test_profilers(void **state)
{
	static const char *const bad[] = {"6.1.113", "6.1.130", "6.6.55",	"6.6.58-talos",
					  "6.6.82",  "6.10.14", "6.11.11-1",	"6.12.0",
					  "6.12",    "6.12.9",	"6.12.18-arch1"};
	static const char *const good[] = {
		"5.15.170", "6.1.0-30-amd64", "6.1.112", "6.1.131", "6.6.54",  "6.6.83", "6.8.0-45",
		"6.10.13",  "6.11.2",	      "6.12.19", "6.13.0",  "7.1.131", "strange"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!probe_profiler_hurts(bad[i]))
			fail_msg("%s is taken for sound", bad[i]);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (probe_profiler_hurts(good[i]))
			fail_msg("%s is not taken for sound", good[i]);
}

/* The rows of the table of docs/KERNEL-HAZARDS.md. */
static void doctor_names_what_holds(void **state)
{
	static const struct {
		const char *release;
		enum probe_mechanism m;
		const char *text;
	} rows[] = {
		{"5.15.0-91-generic", PROBE_TRACEFS, "W1, W9, and"},
		{"6.1.0-50-amd64", PROBE_TRACEFS, "W1, W9, and"},
		{"6.1.129", PROBE_TRACEFS, "W1, W9, W16, and"},
		{"6.6.54", PROBE_MULTI, "none but"},
		{"6.6.58-talos", PROBE_MULTI, "W16, and"},
		{"6.8.0-45-generic", PROBE_TRACEFS, "W1, W9, and"},
		{"6.10.13", PROBE_MULTI, "none but"},
		{"6.11.0-29-generic", PROBE_TRACEFS, "W1, W9, W18 (kept clear), and"},
		{"6.11.2", PROBE_MULTI, "W18 (kept clear), and"},
		{"6.11.3", PROBE_MULTI, "W16, W18 (kept clear), and"},
		{"6.12.18", PROBE_MULTI, "W16, and"},
		{"6.12.57+deb13", PROBE_MULTI, "none but"},
		{"6.12.57+deb13", PROBE_PERF, "W9, and"},
		{"6.13.2", PROBE_MULTI, "W15 (kept clear), W18 (kept clear), and"},
		{"6.18.44", PROBE_MULTI, "W15 (kept clear), and"},
		{"6.18.44", PROBE_TRACEFS, "W1, W9, W15 (kept clear), and"},
		{"strange", PROBE_MULTI, "none but"},
	};
	char text[DOCTOR_DANGERS];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool is_exposed = doctor_dangers(rows[i].release, rows[i].m, text, sizeof(text));

		assert_string_equal(text, rows[i].text);
		assert_int_equal(is_exposed,
				 strstr(text, "W1,") || strstr(text, "W9") || strstr(text, "W16"));
		assert_int_equal(strstr(text, "W16") != NULL,
				 probe_profiler_hurts(rows[i].release));
		if (strcmp(rows[i].release, "strange") != 0)
			assert_int_equal(strstr(text, "W18") != NULL,
					 probe_return_hurts(rows[i].release, false));
	}
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
		cmocka_unit_test(filters_may_come_later), cmocka_unit_test(test_shadow_stacks),
		cmocka_unit_test(test_profilers),	  cmocka_unit_test(doctor_names_what_holds),
		cmocka_unit_test(test_this_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
