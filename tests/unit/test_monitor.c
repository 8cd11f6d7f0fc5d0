/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The name of a container is asked of the monitor above it, unless that is in an uninterruptible
 * wait: its arguments would be waited for with it. */
#include "container/container.h"
#include "proc/inside.h"
#include "unit.h"

#define ID     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define INSIDE 20 /* in the container; its parent is ... */
#define ABOVE  10 /* ... the monitor */

static char state_of_monitor;

static int read_made_up(int pid, const char *name, char **text, size_t *len)
{
	if (!strcmp(name, "cgroup"))
		*text = strdup("0::/system.slice/podman.service\n");
	else if (asprintf(text, "State:\t%c\nTgid:\t%d\nPPid:\t%d\n",
			  pid == ABOVE ? state_of_monitor : 'S', pid, ABOVE) < 0)
		*text = NULL;
	assert_non_null(*text);
	*len = strlen(*text);
	return 0;
}

static int open_monitor(int pid, struct proc **out)
{
	static char *words[] = {(char *)"/usr/bin/conmon",
				(char *)"-c",
				(char *)ID,
				(char *)"-n",
				(char *)"web",
				NULL};
	static struct proc monitor = {.cmdline = words};

	assert_int_equal(pid, ABOVE);
	assert_int_not_equal(state_of_monitor, 'D');
	*out = &monitor;
	return 0;
}

#define proc_slurp(pid, name, text, len) read_made_up(pid, name, text, len)
#define proc_open(pid, out)		 open_monitor(pid, out)
#define proc_close(p)			 (void)(p)

#include "container/name.c"

static void a_monitor_that_waits_is_not_asked(void **state)
{
	struct proc_container c = {.id = ID, .runtime = "podman"};

	(void)state;
	state_of_monitor = 'D';
	proc_container_name(INSIDE, "", &c);
	assert_string_equal(c.name, "");
	state_of_monitor = 'S';
	proc_container_name(INSIDE, "", &c);
	assert_string_equal(c.name, "web");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_monitor_that_waits_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
