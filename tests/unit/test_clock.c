/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Time: what a copy of the tool in a time namespace of its own takes it for. */
#include "base/base.h"
#include "unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS	 1000000ull
#define NEW_TIME 0x80 /* CLONE_NEWTIME */

struct told {
	uint64_t now_ns, coarse_ns, waited_ns;
};

/* A wait of 50 ms for what nobody does, by the clock of the kernel. */
static uint64_t wait_once(void)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t never = PTHREAD_COND_INITIALIZER;
	uint64_t began = clock_ns();
	const struct timespec until = clock_deadline(began + 50 * MS);

	pthread_mutex_lock(&lock);
	while (pthread_cond_clockwait(&never, &lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&lock);
	return clock_ns() - began;
}

static int tell(int to)
{
	struct told t = {.now_ns = clock_ns(), .coarse_ns = clock_coarse_ns()};

	t.waited_ns = wait_once();
	return write(to, &t, sizeof(t)) != sizeof(t);
}

static bool move_clock(long by_s)
{
	int fd = open("/proc/self/timens_offsets", O_WRONLY);
	bool is_moved = fd >= 0 && dprintf(fd, "monotonic %ld 0\n", by_s) > 0;

	close(fd);
	return is_moved;
}

/* As the tool is started there: this program, anew. 1: no such namespace can be made. */
static int start_there(long by_s, int to)
{
	char fd[16];
	int status;
	pid_t pid;

	snprintf(fd, sizeof(fd), "%d", to);
	/* Whoever is not root makes it in a user namespace. */
	if ((unshare(NEW_TIME) && unshare(CLONE_NEWUSER | NEW_TIME)) || !move_clock(by_s))
		return 1;
	pid = fork();
	if (!pid) {
		alarm(10); /* a wait that does not end */
		execl("/proc/self/exe", "test_clock", fd, NULL);
		_exit(2);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

static void agrees_when_moved(long by_s)
{
	struct told t = {0};
	int ends[2], status;
	uint64_t began = clock_ns();
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid)
		_exit(start_there(by_s, ends[1]));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 1) {
		print_message("no time namespace can be made here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(read(ends[0], &t, sizeof(t)) == sizeof(t));
	close(ends[0]);
	close(ends[1]);
	assert_in_range(t.now_ns, began, clock_ns());
	assert_in_range(t.coarse_ns, began - 20 * MS, clock_ns());
	assert_in_range(t.waited_ns, 50 * MS, 5000 * MS);
}

static void a_time_namespace_changes_nothing(void **state)
{
	(void)state;
	agrees_when_moved(100000);
	agrees_when_moved(-(long)(clock_ns() / 2000000000));
}

static uint64_t ns_of(struct timespec t)
{
	return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

static void deadlines_are_the_systems(void **state)
{
	uint64_t before = ns_of(clock_deadline(clock_ns()));
	struct timespec t;

	(void)state;
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	assert_in_range(ns_of(t), before, ns_of(clock_deadline(clock_ns())));
	assert_in_range(wait_once(), 50 * MS, 5000 * MS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadlines_are_the_systems),
		cmocka_unit_test(a_time_namespace_changes_nothing),
	};

	return argc == 2 ? tell(atoi(argv[1]))
			 : cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
