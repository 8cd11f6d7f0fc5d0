/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A tracer of one thread, as `gdb -p TID` is, for which the main thread shows none. */
#include "base/thread.h"
#include "proc/proc.h"
#include "unit/unit.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 100
#define LOOKS	5 /* that all of them take */

static void *rest(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static pid_t start_threads(void)
{
	pid_t pid = fork();
	pthread_t t;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < THREADS; i++)
		if (thread_start(&t, rest, NULL))
			_exit(1);
	rest(NULL);
	_exit(0);
}

static bool is_seen(const struct proc *p, unsigned *next)
{
	struct proc_memory m;

	assert_int_equal(proc_memory(p, &m), 0);
	assert_false(m.traced);
	return proc_is_traced(p, &m, next);
}

static void let_go(int tid)
{
	assert_int_equal(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL), 0);
	assert_int_equal(waitpid(tid, NULL, __WALL), tid);
	assert_int_equal(ptrace(PTRACE_DETACH, tid, NULL, NULL), 0);
}

static void see_tracer_of(const struct proc *p, int tid)
{
	unsigned next = 0, looks = 1;

	assert_int_equal(ptrace(PTRACE_SEIZE, tid, NULL, NULL), 0);
	while (looks < LOOKS && !is_seen(p, &next))
		looks++;
	print_message("seen at look %u\n", looks);
	assert_true(is_seen(p, &next)); /* at once, when it was seen once */
	let_go(tid);
	for (int i = 0; i < LOOKS; i++)
		assert_false(is_seen(p, &next));
}

static void a_tracer_of_any_thread_is_seen(void **state)
{
	struct proc p = {.pid = start_threads()};
	int tid[THREADS + 1];

	(void)state;
	for (int i = 0; i < 1000 && proc_tids(&p, tid, THREADS + 1) <= THREADS; i++)
		usleep(10000);
	assert_int_equal(proc_tids(&p, tid, THREADS + 1), THREADS + 1);
	see_tracer_of(&p, tid[1]);
	see_tracer_of(&p, tid[THREADS]);
	kill(p.pid, SIGKILL);
	assert_int_equal(waitpid(p.pid, NULL, 0), p.pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tracer_of_any_thread_is_seen),
	};

	return cmocka_run_group_tests_name("traced", tests, NULL, NULL);
}
