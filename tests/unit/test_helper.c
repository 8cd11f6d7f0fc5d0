/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Signals that a helper gets are meant for the tool, or for all processes of a service. */
#include "alert/hook.h"
#include "base/helper.h"
#include "unit/unit.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Until the other end closes. */
static void answers(int sock, void *unused)
{
	char c;

	(void)unused;
	while (recv(sock, &c, 1, 0) > 0)
		send(sock, &c, 1, 0);
}

static bool ends_by(int sig)
{
	struct helper h;
	int status = 0;
	char c = 'x';

	assert_int_equal(helper_start("answers", answers, NULL, &h), 0);
	assert_int_equal(send(h.sock, &c, 1, 0), 1); /* it is away from its signals */
	assert_int_equal(recv(h.sock, &c, 1, 0), 1);
	assert_int_equal(kill(h.pid, sig), 0);
	helper_release(&h);
	assert_int_equal(waitpid(h.pid, &status, 0), h.pid);
	return WIFSIGNALED(status);
}

/* An alarm, a profiler's clock, a power failure, a supervisor's own: each ends other programs. The
 * C library keeps those below SIGRTMIN to itself. */
static void only_its_own_faults_end_it(void **state)
{
	static const int faults[] = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS};
	const struct rlimit none = {0};
	bool is_fault[65] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		is_fault[faults[i]] = true;
		signal(faults[i], SIG_DFL); /* cmocka's own */
	}
	setrlimit(RLIMIT_CORE, &none);
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (sig != SIGKILL && sig != SIGSTOP && (sig <= SIGSYS || sig >= SIGRTMIN) &&
		    ends_by(sig) != is_fault[sig])
			fail_msg("signal %d (%s)", sig, strsignal(sig));
}

/* Signals that are ignored stay so over an exec. */
static void a_hook_starts_with_all_signals_as_usual(void **state)
{
	char *const env[] = {NULL};
	char text[64] = "", command[128];
	struct helper h;
	uint64_t ignored;
	int pair[2];

	(void)state;
	assert_int_equal(pipe(pair), 0);
	snprintf(command, sizeof(command), "grep SigIgn /proc/self/status >&%d", pair[1]);
	assert_int_equal(hook_open(&h, command), 0);
	hook_start(&h, env, "signals");
	assert_true(read(pair[0], text, sizeof(text) - 1) > 0);
	hook_close(&h);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(sscanf(text, "SigIgn: %" SCNx64, &ignored), 1);
	/* 32 and 33 are the C library's, which ignores them there itself. */
	assert_int_equal(ignored & ~(3ull << 31), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_its_own_faults_end_it),
		cmocka_unit_test(a_hook_starts_with_all_signals_as_usual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
