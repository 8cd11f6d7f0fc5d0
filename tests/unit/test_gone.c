/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes that end, as a whole or but for some threads, or become another program. */
#include "proc/proc.h"

#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define DYING_BYTES (300u << 20) /* some 15 ms to free */
#define DYING_TIMES 4

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

/* On one CPU: its main thread goes all the way before the other hears of it, which then frees what
 * there is. */
static void die(int ready, int go)
{
	char *m =
		mmap(NULL, DYING_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;
	cpu_set_t one;
	char byte;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (m == MAP_FAILED || sched_setaffinity(0, sizeof(one), &one))
		_exit(1);
	madvise(m, DYING_BYTES, MADV_NOHUGEPAGE); /* a kernel without them refuses */
	/* At once, and one by one where the kernel (before 5.14) does not know how. */
	if (madvise(m, DYING_BYTES, MADV_POPULATE_WRITE))
		for (size_t i = 0; i < DYING_BYTES; i += 4096)
			m[i] = 1;
	if (pthread_create(&thread, NULL, go_on, NULL) || write(ready, "x", 1) != 1 ||
	    read(go, &byte, 1) != 1)
		_exit(1);
	_exit(0);
}

/* Its main thread is gone before the others are. */
static void one_that_dies_has_not_lost_its_main_thread(void **state)
{
	(void)state;
	for (int i = 0; i < DYING_TIMES; i++) {
		struct pollfd ended = {.events = POLLIN};
		struct proc *p, *again;
		int ready[2], go[2];
		char byte;
		pid_t child;

		assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
		assert_int_equal(pipe2(go, O_CLOEXEC), 0);
		child = fork();
		if (!child) {
			close(go[1]);
			die(ready[1], go[0]);
		}
		close(ready[1]);
		close(go[0]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		assert_int_equal(proc_open(child, &p), 0);
		ended.fd = p->pidfd;
		assert_int_equal(write(go[1], "x", 1), 1);
		while (poll(&ended, 1, 0) == 0) {
			assert_false(proc_lost_main(p));
			if (proc_alive(p))
				continue;
			if (proc_open(child, &again))
				assert_null(strstr(fail_text(), "main thread"));
			else
				proc_close(again);
		}
		proc_close(p);
		waitpid(child, NULL, 0);
		close(ready[0]);
		close(go[1]);
	}
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
		cmocka_unit_test(one_that_dies_has_not_lost_its_main_thread),
		cmocka_unit_test(notices_exec_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
