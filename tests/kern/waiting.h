/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes that wait in the kernel, and one whose second thread does so without a limit. */
#ifndef PYLEAK_TESTS_WAITING_H
#define PYLEAK_TESTS_WAITING_H

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/unit.h"

/* Called in a process of its own, which says @told when what it shall wait for begins. */
typedef void (*waiting_fn)(int told);

/* Ends with its children by waiting_end(). False: it cannot be made here. */
static bool waiting_start(pid_t *pid, const char *name, waiting_fn wait_in_kernel)
{
	char ready = 'n';
	int told[2];

	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	*pid = fork();
	if (!*pid) {
		setpgid(0, 0);
		prctl(PR_SET_NAME, name);
		wait_in_kernel(told[1]);
		_exit(1);
	}
	setpgid(*pid, *pid);
	close(told[1]);
	if (read(told[0], &ready, 1) != 1)
		ready = 'n';
	close(told[0]);
	return ready == 'y';
}

static void waiting_end(pid_t pid)
{
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A parent waits for the end of its child by vfork in state D. */
static void *have_a_child(void *told)
{
	if (!vfork()) {
		if (write(*(int *)told, "y", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	return NULL;
}

/* In its second thread alone. */
static void wait_for_a_child(int told)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, have_a_child, &told))
		pthread_join(thread, NULL);
}

#endif
