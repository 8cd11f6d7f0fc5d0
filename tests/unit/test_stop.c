/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A second signal: the end at once, or behind a guardian that would be killed with us. And signals
 * that ask. */
#include "base/helper.h"
#include "base/reading.h"
#include "cli/cli.h"
#include "cli/stop.h"
#include "unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Until it is told to end, and for a while after that, as within a change of probes; nothing goes
 * out while a read is under way. */
static void guards(int sock, void *done)
{
	struct pollfd p = {.fd = sock};

	poll(&p, 1, 10000);
	usleep(1500000);
	for (int i = 0; i < 300 && reading_oldest_ns(); i++)
		usleep(10000);
	if (reading_oldest_ns() || write(*(int *)done, "x", 1) != 1)
		_exit(1);
}

static void tool(int done, int second, bool ends_with_us, bool reads)
{
	struct helper h;
	int null = open("/dev/null", O_WRONLY);
	sigset_t all;

	if (null < 0 || dup2(null, STDERR_FILENO) < 0 || reading_share() ||
	    helper_start("guards", guards, &done, &h))
		_exit(1);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL); /* as a starter may leave it */
	stop_install();
	stop_alarm_to(h.sock, ends_with_us ? h.pid : 0);
	if (reads && reading_begin() < 0)
		_exit(1);
	raise(SIGINT);
	if (stop_asked())
		raise(second);
	_exit(2);
}

/* Had the guardian done all it had to when the tool was gone? */
static bool ends_behind_the_guardian(int second, bool ends_with_us, bool reads)
{
	int done[2], status;
	struct pollfd p;
	pid_t pid;

	assert_int_equal(pipe(done), 0);
	pid = fork();
	if (!pid)
		tool(done[1], second, ends_with_us, reads);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CLI_INTERRUPTED);
	p = (struct pollfd){.fd = done[0], .events = POLLIN};
	status = poll(&p, 1, 0);
	close(done[0]);
	close(done[1]);
	return status == 1;
}

static void the_second_signal_waits_for_who_would_be_killed(void **state)
{
	(void)state;
	assert_true(ends_behind_the_guardian(SIGTERM, true, false));
	assert_false(ends_behind_the_guardian(SIGTERM, false, false));
}

/* The guardian would wait for the read, and the handler for the guardian. */
static void a_read_that_the_signals_interrupted_is_over(void **state)
{
	(void)state;
	assert_true(ends_behind_the_guardian(SIGTERM, true, true));
}

static bool is_true_of_a_child(bool (*check)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(!check());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return !status;
}

static bool is_held_until_heard(void)
{
	stop_hold_hangup();
	raise(SIGHUP);
	stop_reload_on_hangup();
	stop_install();
	return stop_reload_asked() && !stop_asked();
}

static void a_hangup_waits_until_it_is_heard(void **state)
{
	(void)state;
	assert_true(is_true_of_a_child(is_held_until_heard));
}

static bool asks_each_second(void)
{
	stop_install();
	return !raise(SIGXCPU) && stop_asked() && !raise(SIGXCPU);
}

static void the_limit_of_cpu_time_asks_for_the_end(void **state)
{
	(void)state;
	assert_true(is_true_of_a_child(asks_each_second));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_signal_waits_for_who_would_be_killed),
		cmocka_unit_test(a_read_that_the_signals_interrupted_is_over),
		cmocka_unit_test(a_hangup_waits_until_it_is_heard),
		cmocka_unit_test(the_limit_of_cpu_time_asks_for_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
