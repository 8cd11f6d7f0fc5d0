/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Is a file what a process runs, or has it changed since? */
#include "lines/lines.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/self.h"

#define WAIT_US 2500000 /* more than lines_are_of() allows for */

static enum lines_of of_self(int fd)
{
	struct proc *self = self_open();
	enum lines_of of = lines_are_of(lines_started_at(self), fd);

	proc_close(self);
	return of;
}

/* The file system of the tests may know no births: then there is nothing to see. */
static bool has_birth(int fd)
{
	struct statx st;

	return !statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) && st.stx_mask & STATX_BTIME;
}

static int make(void)
{
	char path[] = "/var/tmp/pyleak-test-changed-XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	return fd;
}

static const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};

static void a_file_of_before_is(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(of_self(fd), LINES_OF_IT);
	close(fd);
}

/* As a package or an archive brings it. */
static void a_new_one_with_an_old_time_is_not(void **state)
{
	int fd = *(int *)*state;

	assert_int_equal(of_self(fd), LINES_OF_ANOTHER);
	assert_int_equal(futimens(fd, old), 0);
	if (!has_birth(fd))
		skip();
	assert_int_equal(of_self(fd), LINES_OF_ANOTHER);
}

/* As `cp -p` writes into the file that is there. The inode tells; so it does of a chmod. */
static void an_old_one_with_a_copy_in_it_may_be(void **state)
{
	int fd = *(int *)*state;

	assert_int_equal(of_self(fd), LINES_OF_IT);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(futimens(fd, old), 0);
	assert_int_equal(of_self(fd), LINES_MAYBE_OF_IT);
}

/* A worker that is forked later has the code of its parent. */
static void a_worker_runs_what_its_parent_read(void **state)
{
	int fd = *(int *)*state, status;
	pid_t pid;

	usleep(WAIT_US);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(of_self(fd) == LINES_OF_IT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	int before = make(), fd = (usleep(WAIT_US), make());
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_of_before_is),
		cmocka_unit_test_prestate(an_old_one_with_a_copy_in_it_may_be, &before),
		cmocka_unit_test_prestate(a_worker_runs_what_its_parent_read, &fd),
		cmocka_unit_test_prestate(a_new_one_with_an_old_time_is_not, &fd),
	};

	return before < 0 || fd < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
