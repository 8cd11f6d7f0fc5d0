/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which rows of uprobe_events may be taken for those of a dead copy of the tool: nothing is removed
 * that this rule does not name. */
#include "probe/leftovers.h"

#include "unit/unit.h"

#define NS 0xeffffffcull

static void a_whole_name_of_ours_is_known(void **state)
{
	char name[96];

	(void)state;
	assert_int_equal(leftover_maker("p:pyleak_4711_effffffc_0123456789abcdef/birth_0 "
					"/proc/self/fd/7:0x1234\n",
					NS, name, sizeof(name)),
			 4711);
	assert_string_equal(name, "pyleak_4711_effffffc_0123456789abcdef/birth_0");
	assert_int_equal(leftover_maker("r:pyleak_1_effffffc_1/x_0 /f:0x1", NS, name, sizeof(name)),
			 1);
}

static void nothing_else_is(void **state)
{
	static const char *const lines[] = {
		"",
		"p",
		"p:",
		"\n",
		"-:pyleak_4711_effffffc_1/birth_0 /f:0x1",
		"p:birth_0 /f:0x1",
		"p:probe_python/_PyObject_New /usr/bin/python3:0x1",
		"p:probes/pyleak_4711_effffffc_1 /f:0x1",
		"p:pyleak_4711_4026531836/birth_0 /f:0x1", /* of an older version */
		"p:pyleak_4711_effffffc/birth_0 /f:0x1",   /* no random part */
		"p:pyleak_4711_effffffc_1",		   /* cut off */
		"p:pyleak_4711_effffffc_1/",
		"p:pyleak_4711_effffffc_1/birth_0",
		"p:pyleak_4711_effffffc_1/ /f:0x1",	   /* no label */
		"p:pyleak_4711_effffffc_1 /f/g:0x1",	   /* the slash is in the file */
		"p:pyleak_4711_effffffd_1/birth_0 /f:0x1", /* another namespace */
		"p:pyleak_4711_0_1/birth_0 /f:0x1",
		"p:pyleak_0_effffffc_1/birth_0 /f:0x1",
		"p:pyleak_-7_effffffc_1/birth_0 /f:0x1",
		"p:pyleak__effffffc_1/birth_0 /f:0x1",
		"p:pyleak_x_effffffc_1/birth_0 /f:0x1",
		"p16:pyleak_4711_effffffc_1/birth_0 /f:0x1",
		"pp:pyleak_4711_effffffc_1/birth_0 /f:0x1",
		"k:pyleak_4711_effffffc_1/birth_0 do_exit",
		"p:pyleaktest_4711_effffffc_1/birth_0 /f:0x1",
	};
	char name[96];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (leftover_maker(lines[i], NS, name, sizeof(name)))
			fail_msg("taken for ours: %s", lines[i]);
}

/* One that is cut where the kernel's list is read in pieces. */
static void no_beginning_of_a_line_is(void **state)
{
	static const char line[] = "p:pyleak_4711_effffffc_0123456789abcdef/birth_0 /f:0x1";
	size_t name_end = strcspn(line, " ");
	char part[sizeof(line)], name[96];

	(void)state;
	for (size_t n = 0; n <= name_end; n++) {
		memcpy(part, line, n);
		part[n] = '\0';
		assert_int_equal(leftover_maker(part, NS, name, sizeof(name)), 0);
	}
}

static void a_name_that_does_not_fit_is_not(void **state)
{
	char name[20];

	(void)state;
	assert_int_equal(
		leftover_maker("p:pyleak_4711_effffffc_1/birth_0 /f:0x1", NS, name, sizeof(name)),
		0);
}

static void only_a_clear_no_is_death(void **state)
{
	(void)state;
	for (int err = 0; err < 4096; err++) {
		assert_int_equal(leftover_is_alive(-1, err), err != ESRCH);
		assert_true(leftover_is_alive(3, err));
		assert_true(leftover_is_alive(0, err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_name_of_ours_is_known),
		cmocka_unit_test(nothing_else_is),
		cmocka_unit_test(no_beginning_of_a_line_is),
		cmocka_unit_test(a_name_that_does_not_fit_is_not),
		cmocka_unit_test(only_a_clear_no_is_death),
	};

	return cmocka_run_group_tests_name("leftovers", tests, NULL, NULL);
}
