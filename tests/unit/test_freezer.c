/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The guardian in a cgroup namespace of its own, as a container's: "/" is not the host's root. */
#include "probe/guard_priv.h"
#include "unit.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

static char told[4096];
static int times;

static void note_line(const char *line)
{
	snprintf(told, sizeof(told), "%s", line);
	times++;
}

/* All groups are "/" there, so that none is left. 0: it was told, once. */
static int leave_there(void)
{
	if (unshare(CLONE_NEWCGROUP) && unshare(CLONE_NEWUSER | CLONE_NEWCGROUP))
		return 77;
	log_set_level(LOG_INFO);
	log_divert(note_line);
	guard_leave_freezer();
	return times == 1 && strstr(told, "stays in the freezer of cgroup / (") ? 0 : 1;
}

static void a_containers_root_is_told(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (!child)
		_exit(leave_there());
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_containers_root_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
