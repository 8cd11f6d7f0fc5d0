/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The filter in processes of their own: what is allowed works, what is not ends them with a line.
 */
#include "unit/unit.h"

#include <linux/perf_event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread.h"
#include "cli/confine.h"

/* Run @body behind the filter: its exit code, or minus the signal. What it says goes to @text. */
static int behind(bool reads_only, int (*body)(void), char *text, size_t size)
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
		_exit(filter_install(reads_only, false) ? 99 : body());
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
	return behind(false, body, text, size);
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
	if (socket(AF_UNIX, SOCK_DGRAM, 0) < 0)
		return 3;
	return socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT ? 0 : 4;
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
	return syscall(SYS_bpf, -1, NULL, 0) == 0;
}

/* What the kernel makes of a request on no file, -1: the filter did not let it through. */
static int answer_to(unsigned long request)
{
	if (syscall(SYS_ioctl, -1, request, "x") == 0)
		return 0;
	return errno == EPERM ? -1 : errno;
}

/* The kernel looks at the lower half of a request only. */
static int types_into_no_terminal(void)
{
	static const unsigned long never[] = {TIOCSTI, TIOCLINUX, TIOCSTI | 1ul << 32,
					      TIOCLINUX | 3ul << 40};
	static const unsigned long often[] = {
		TCGETS,	 TIOCGWINSZ, TIOCGPGRP, FIONREAD, FIONBIO, FIOCLEX, PERF_EVENT_IOC_ENABLE,
		TIOCGPTN};

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (answer_to(never[i]) != -1)
			return 1 + (int)i;
	for (size_t i = 0; i < ARRAY_SIZE(often); i++)
		if (answer_to(often[i]) != EBADF)
			return 10 + (int)i;
	/* of terminals' all but these two and the six beside them, of other devices' all */
	for (unsigned long n = 0; n < 0x10000; n++)
		if (answer_to(n) != ((n & 0xfff1) == 0x5410 ? -1 : EBADF) ||
		    answer_to(0xc0600000 | n) != EBADF)
			return 20;
	return 0;
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
	char text[512];

	(void)state;
	assert_int_equal(behind_filter(types_into_no_terminal, text, sizeof(text)), 0);
	assert_int_equal(behind(true, types_into_no_terminal, text, sizeof(text)), 0);
	assert_string_equal(text, "");
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
	assert_int_equal(behind(false, asks_for_bpf, text, sizeof(text)), 0);
	assert_int_equal(behind(true, asks_for_bpf, text, sizeof(text)), -SIGSYS);
	assert_int_equal(behind(true, does_its_work, text, sizeof(text)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_needed_works),
		cmocka_unit_test(test_nothing_is_typed_into_a_terminal),
		cmocka_unit_test(test_the_rest_ends_the_process),
		cmocka_unit_test(test_who_only_reads_has_no_bpf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
