/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* States of threads, and names, as /proc tells them. */
#include "probe/waits_at.h"
#include "unit.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_state_is_told_whatever_the_name_is(void **state)
{
	char name[64];

	(void)state;
	prctl(PR_SET_NAME, "a) Z\nState:\tZ");
	assert_int_equal(waits_state(0, gettid(), name, sizeof(name)), 'R');
	assert_non_null(strstr(name, "a) Z"));
	assert_null(strchr(name, '\n'));
	assert_int_equal(waits_state(getpid(), getpid(), NULL, 0), 'R');
}

static void one_that_has_ended_is_told(void **state)
{
	siginfo_t info;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(waits_state(pid, pid, NULL, 0), 'Z');
	waitpid(pid, NULL, 0);
	assert_int_equal(waits_state(pid, pid, NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_state_is_told_whatever_the_name_is),
		cmocka_unit_test(one_that_has_ended_is_told),
	};

	return cmocka_run_group_tests_name("waits", tests, NULL, NULL);
}
