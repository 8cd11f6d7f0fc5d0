/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The filter in processes of their own: what is allowed works, what is not ends them with a line.
 */
#include "unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread.h"
#include "confine/confine.h"
#include "probe/mechanism_priv.h"

/* Run @body behind the filter: its exit code, or minus the signal. What it says goes to @text. */
static int behind(enum filter_kind kind, int (*body)(void), char *text, size_t size)
{
	int pipe_fd[2], status;
	ssize_t n, used = 0;
	pid_t pid;

	assert_int_equal(pipe(pipe_fd), 0);
	pid = fork();
	if (pid == 0) {
		dup2(pipe_fd[1], STDERR_FILENO);
		close(pipe_fd[0]);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core of the killed ones */
		_exit(filter_install(kind) ? 99 : body());
	}
	assert_true(pid > 0);
	close(pipe_fd[1]);
	while ((n = read(pipe_fd[0], text + used, size - 1 - (size_t)used)) > 0)
		used += n;
	text[used] = '\0';
	close(pipe_fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int behind_filter(int (*body)(void), char *text, size_t size)
{
	return behind(FILTER_WATCHES, body, text, size);
}

static void *in_thread(void *arg)
{
	*(bool *)arg = getpid() > 0;
	return NULL;
}

static int does_its_work(void)
{
	pthread_t thread;
	bool ran = false;
	FILE *f;

	if (pthread_create(&thread, NULL, in_thread, &ran) || pthread_join(thread, NULL) || !ran)
		return 1;
	f = fopen("/proc/self/status", "re");
	if (!f || fclose(f) != 0 || !malloc(10 << 20))
		return 2;
	return 0;
}

static int asks_for_group(void)
{
	return getpgid(0) > 0;
}

static int forks(void)
{
	return fork() >= 0;
}

static int runs_a_shell(void)
{
	return execl("/bin/sh", "sh", "-c", "exit 0", NULL);
}

static int makes_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) != MAP_FAILED;
}

static int signals_its_parent(void)
{
	return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static int asks_for_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0) == 0;
}

/* The kernel looks at the lower half of a request only. */
static int asks_terminals(void)
{
	static const unsigned long often[] = {TCGETS, TIOCGWINSZ, FIONREAD, TIOCGPGRP | 1ul << 40};

	for (size_t i = 0; i < ARRAY_SIZE(often); i++)
		if (syscall(SYS_ioctl, -1, often[i], "x") == 0 || errno != EBADF)
			return 1 + (int)i;
	return 0;
}

static int types(void)
{
	return (int)syscall(SYS_ioctl, -1, TIOCSTI, "x");
}

static int types_with_a_high_half(void)
{
	return (int)syscall(SYS_ioctl, -1, TIOCSTI | 1ul << 32, "x");
}

static int pastes(void)
{
	return (int)syscall(SYS_ioctl, -1, TIOCLINUX, "x");
}

static void *forbidden_in_thread(void *arg)
{
	(void)arg;
	getpgid(0);
	return NULL;
}

static int ends_all_threads(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, forbidden_in_thread, NULL))
		return 1;
	pthread_join(thread, NULL);
	return 0;
}

/* Started as the tool starts its own: they leave signals to the main one. */
static int ends_workers_too(void)
{
	pthread_t thread;

	if (thread_start(&thread, forbidden_in_thread, NULL))
		return 1;
	pthread_join(thread, NULL);
	return 0;
}

static void test_what_is_needed_works(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(behind_filter(does_its_work, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

static void test_nothing_is_typed_into_a_terminal(void **state)
{
	static int (*const body[])(void) = {types, types_with_a_high_half, pastes};
	char text[512];

	(void)state;
	assert_int_equal(behind_filter(asks_terminals, text, sizeof(text)), 0);
	assert_int_equal(behind(FILTER_READS, asks_terminals, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	for (size_t i = 0; i < ARRAY_SIZE(body); i++) {
		assert_int_equal(behind_filter(body[i], text, sizeof(text)), -SIGSYS);
		assert_int_equal(behind(FILTER_READS, body[i], text, sizeof(text)), -SIGSYS);
	}
}

static void test_the_rest_ends_the_process(void **state)
{
	static int (*const body[])(void) = {
		asks_for_group,	    forks,
		runs_a_shell,	    makes_code,
		signals_its_parent, ends_all_threads,
		ends_workers_too,
	};
	char text[512], number[48];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(body); i++) {
		assert_int_equal(behind_filter(body[i], text, sizeof(text)), -SIGSYS);
		assert_non_null(strstr(text, "ended by its own filter (--no-sandbox"));
	}
	assert_int_equal(behind_filter(asks_for_group, text, sizeof(text)), -SIGSYS);
	snprintf(number, sizeof(number), "pyleak-bpf: system call %d is", (int)SYS_getpgid);
	assert_non_null(strstr(text, number));
}

static void test_who_only_reads_has_no_bpf(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(behind(FILTER_WATCHES, asks_for_bpf, text, sizeof(text)), 0);
	assert_int_equal(behind(FILTER_READS, asks_for_bpf, text, sizeof(text)), -SIGSYS);
	assert_int_equal(behind(FILTER_READS, does_its_work, text, sizeof(text)), 0);
}

static int reads_files_only(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !landlock_files_only())
		return 77;
	if (open("/tmp/pyleak-landlock", O_WRONLY | O_CREAT, 0600) >= 0 || errno != EACCES)
		return 1;
	if (!mkdir("/tmp/pyleak-landlock", 0700) || errno != EACCES)
		return 2;
	if (!access("/proc/1/environ", F_OK) && open("/proc/1/environ", O_RDONLY) >= 0)
		return 3;
	return open("/etc/passwd", O_RDONLY) >= 0 ? 0 : 4;
}

static void test_who_reads_files_alone_writes_none(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(reads_files_only());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define TRACING "/sys/kernel/tracing"

/* As in a container that has tracefs for the lock alone. */
static int defines_where_nothing_can_be_written(void)
{
	struct probe_event ev = {0};
	const uint64_t offset = 0;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(TRACING, TRACING, NULL, MS_BIND, NULL) ||
	    mount(NULL, TRACING, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) ||
	    access(TRACING "/uprobe_events", F_OK) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 77;
	if (probe_prepare() != -ENOTSUP || filter_install(FILTER_PLACES))
		return 1;
	if (probe_event_define(&ev, "refused", "/proc/self/exe", &offset, 1, false) != -ENOTSUP)
		return 2;
	return strstr(fail_text(), TRACING " is mounted read-only") ? 0 : 3;
}

static void test_what_could_not_be_opened_is_not_tried_again(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(defines_where_nothing_can_be_written());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_needed_works),
		cmocka_unit_test(test_nothing_is_typed_into_a_terminal),
		cmocka_unit_test(test_the_rest_ends_the_process),
		cmocka_unit_test(test_who_only_reads_has_no_bpf),
		cmocka_unit_test(test_who_reads_files_alone_writes_none),
		cmocka_unit_test(test_what_could_not_be_opened_is_not_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
