/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes that end, as a whole or but for some threads, or become another program. */
#include "proc/proc.h"

#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void *go_on(void *unused)
{
	pause();
	return unused;
}

static void notices_that_the_main_thread_ends(void **state)
{
	pthread_t thread;
	struct proc *p, *again;
	int go[2];
	char byte;
	pid_t child;

	(void)state;
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	child = fork();
	if (!child) {
		close(go[1]);
		if (read(go[0], &byte, 1) == 1 && !pthread_create(&thread, NULL, go_on, NULL))
			pthread_exit(NULL);
		_exit(1);
	}
	assert_int_equal(proc_open(child, &p), 0);
	assert_false(proc_lost_main(p));
	assert_int_equal(write(go[1], "x", 1), 1);
	for (int i = 0; i < 2000 && !proc_lost_main(p); i++)
		usleep(1000);
	assert_true(proc_lost_main(p));
	assert_false(proc_alive(p));
	assert_int_equal(proc_open(child, &again), -ESRCH);
	assert_non_null(strstr(fail_text(), "the main thread of process"));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_false(proc_lost_main(p));
	proc_close(p);
	close(go[0]);
	close(go[1]);
}

static void notices_exec_and_end(void **state)
{
	char *argv[] = {"sleep", "100", NULL};
	struct proc *p;
	int go[2];
	char byte;
	pid_t child;

	(void)state;
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	child = fork();
	if (!child) {
		close(go[1]);
		if (read(go[0], &byte, 1) == 1)
			execv("/bin/sleep", argv);
		_exit(1);
	}
	assert_int_equal(proc_open(child, &p), 0);
	assert_false(proc_execed(p));
	assert_int_equal(write(go[1], "x", 1), 1);
	for (int i = 0; i < 2000 && !proc_execed(p); i++)
		usleep(1000);
	assert_true(proc_execed(p));
	/* The kernel gives the process its memory first, and its words a moment later. */
	assert_int_equal(proc_refresh(p), 0);
	for (int i = 0; i < 2000 && (!p->cmdline[0] || !p->cmdline[1]); i++) {
		usleep(1000);
		assert_int_equal(proc_refresh(p), 0);
	}
	assert_false(proc_execed(p));
	assert_non_null(p->cmdline[0]);
	assert_string_equal(p->cmdline[1], "100");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_false(proc_alive(p));
	assert_int_equal(proc_read_maps(p), -ESRCH);
	proc_close(p);
	close(go[0]);
	close(go[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notices_that_the_main_thread_ends),
		cmocka_unit_test(notices_exec_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
