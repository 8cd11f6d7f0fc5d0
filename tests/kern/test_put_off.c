/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* While a read hangs it cannot be tried how probes are placed. A session that is opened then
 * watches growth, and has its probes when the moment has passed. Needs root. */
#include "session/session.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kern/turn_fixture.h"
#include "probe/probe.h"

#define PYTHON "/usr/bin/python3"
#define GROWS  "import time\nkept = []\nwhile True: kept.append({}); time.sleep(0.001)"

static pid_t start(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(PYTHON, PYTHON, "-c", GROWS, (char *)NULL);
		_exit(127);
	}
	sleep(1);
	return pid;
}

struct seen {
	char mechanism[16];
	bool is_told;
};

static struct seen look(struct session *s)
{
	struct report_process p;
	struct seen seen = {0};
	struct report *r;

	assert_int_equal(report_new(&r), 0);
	assert_int_equal(session_fill(s, clock_ns(), r, &p), 0);
	snprintf(seen.mechanism, sizeof(seen.mechanism), "%s", p.mechanism ? p.mechanism : "");
	for (size_t i = 0; i < p.n_notes; i++)
		seen.is_told |= !!strstr(p.notes[i], "growth alone was watched at first: ");
	report_free(r);
	return seen;
}

static void step(struct session *s, double seconds)
{
	for (uint64_t end = clock_ns() + (uint64_t)(seconds * 1e9); clock_ns() < end;)
		assert_int_equal(session_step(s, 0.1), 0);
}

static void probes_come_when_the_moment_has_passed(void **state)
{
	const struct session_opts o = {
		.top = 10, .max_size = UINT64_MAX, .overhead = 0.03, .fds = true};
	pid_t pid = start();
	struct reader r;
	struct session *s;
	struct seen seen;

	(void)state;
	reader_start(&r, 0); /* of whatever has what file mapped */
	if (session_open(pid, &o, &s))
		fail_msg("%s", fail_text());
	session_start(s);
	seen = look(s);
	assert_string_equal(seen.mechanism, "");
	assert_true(seen.is_told);
	session_pause(s, true);
	step(s, 1.5);
	session_pause(s, false);
	reader_end(&r);
	step(s, 5);
	seen = look(s);
	assert_string_not_equal(seen.mechanism, "");
	assert_string_not_equal(seen.mechanism, "none");
	assert_true(seen.is_told);
	session_close(s);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void *try_tracefs(void *unused)
{
	const uint64_t offset = 0;
	auto_close int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct probe_set_spec spec = {
		.file_fd = self, .prog_fd = self, .offsets = &offset, .n = 1, .pid = getpid()};
	struct probe_set *s;
	static int err;

	(void)unused;
	err = probe_set_open(PROBE_TRACEFS, &spec, &s);
	return &err;
}

/* A trial that opened nothing needs no turn to close it, for which it would wait. */
static void a_trial_that_is_refused_is_over(void **state)
{
	struct timespec end;
	struct reader r;
	pthread_t t;
	void *err;
	int late;

	(void)state;
	reader_start(&r, 0);
	usleep(80000);
	assert_int_equal(thread_start(&t, try_tracefs, NULL), 0);
	end = clock_deadline(clock_ns() + 2000000000);
	late = pthread_clockjoin_np(t, &err, CLOCK_MONOTONIC, &end);
	reader_end(&r); /* before anything can fail */
	if (late)
		pthread_join(t, &err);
	assert_int_equal(late, 0);
	assert_int_equal(*(int *)err, -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trial_that_is_refused_is_over),
		cmocka_unit_test(probes_come_when_the_moment_has_passed),
	};

	return cmocka_run_group_tests(tests, open_lock, NULL);
}
