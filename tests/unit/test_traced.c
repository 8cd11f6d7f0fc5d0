/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A tracer of one thread, as `gdb -p TID` is, for which the main thread shows none. */
#include "base/thread.h"
#include "probe/probe.h"
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

/* Ends at a byte from @go, if that is a pipe. */
static void *rest_until_told(void *go)
{
	char byte;

	while (read(*(int *)go, &byte, 1) != 1)
		pause();
	return NULL;
}

static pid_t start_threads(int n, int go)
{
	pid_t pid = fork();
	pthread_t t;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < n; i++)
		if (thread_start(&t, i ? rest : rest_until_told, &go))
			_exit(1);
	rest(NULL);
	_exit(0);
}

static void wait_for_threads(const struct proc *p, int *tid, size_t n)
{
	for (int i = 0; i < 1000 && proc_tids(p, tid, THREADS + 1) != n; i++)
		usleep(10000);
	assert_int_equal(proc_tids(p, tid, THREADS + 1), n);
}

static void end_threads(const struct proc *p)
{
	kill(p->pid, SIGKILL);
	assert_int_equal(waitpid(p->pid, NULL, 0), p->pid);
}

static bool is_seen(const struct proc *p, struct proc_traced *t)
{
	struct proc_memory m;

	assert_int_equal(proc_memory(p, &m), 0);
	assert_false(m.traced);
	return proc_is_traced(p, &m, t);
}

static void let_go(int tid)
{
	assert_int_equal(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL), 0);
	assert_int_equal(waitpid(tid, NULL, __WALL), tid);
	assert_int_equal(ptrace(PTRACE_DETACH, tid, NULL, NULL), 0);
}

static void see_tracer_of(const struct proc *p, int tid)
{
	struct proc_traced t = {0};
	unsigned looks = 1;

	assert_int_equal(ptrace(PTRACE_SEIZE, tid, NULL, NULL), 0);
	while (looks < LOOKS && !is_seen(p, &t))
		looks++;
	print_message("seen at look %u\n", looks);
	assert_true(is_seen(p, &t)); /* at once, when it was seen once */
	let_go(tid);
	for (int i = 0; i < LOOKS; i++)
		assert_false(is_seen(p, &t));
}

static void a_tracer_of_any_thread_is_seen(void **state)
{
	struct proc p = {.pid = start_threads(THREADS, -1)};
	int tid[THREADS + 1];

	(void)state;
	wait_for_threads(&p, tid, THREADS + 1);
	see_tracer_of(&p, tid[1]);
	see_tracer_of(&p, tid[THREADS]);
	end_threads(&p);
}

/* Those that were before it in the kernel's list end meanwhile. */
static void one_that_was_seen_is_not_lost(void **state)
{
	struct proc_traced t = {0};
	int tid[THREADS + 1], go[2];
	struct proc p = {0};

	(void)state;
	assert_int_equal(pipe(go), 0);
	p.pid = start_threads(THREADS, go[0]);
	wait_for_threads(&p, tid, THREADS + 1);
	assert_int_equal(ptrace(PTRACE_SEIZE, tid[THREADS / 2], NULL, NULL), 0);
	for (int i = 0; i < LOOKS && !is_seen(&p, &t); i++)
		;
	assert_true(is_seen(&p, &t));
	assert_int_equal(write(go[1], "x", 1), 1);
	wait_for_threads(&p, tid, THREADS);
	assert_true(is_seen(&p, &t));
	let_go(t.held);
	end_threads(&p);
	close(go[0]);
	close(go[1]);
}

static void no_look_is_an_empty_one(void **state)
{
	struct proc p = {.pid = start_threads(31, -1)};
	struct proc_traced t = {0};
	int tid[THREADS + 1];

	(void)state;
	wait_for_threads(&p, tid, 32);
	for (int i = 0; i < 3; i++) {
		assert_false(is_seen(&p, &t));
		assert_int_equal(t.next, 0);
	}
	end_threads(&p);
}

/* Before the first probe goes in; a set that is switched asks for the main thread alone. */
static void all_are_asked_at_the_start(void **state)
{
	struct proc p = {.pid = start_threads(THREADS, -1)};
	int tid[THREADS + 1];

	(void)state;
	wait_for_threads(&p, tid, THREADS + 1);
	assert_int_equal(probe_check_tracer(p.pid, true), 0);
	assert_int_equal(ptrace(PTRACE_SEIZE, tid[THREADS], NULL, NULL), 0);
	assert_int_equal(probe_check_tracer(p.pid, false), 0);
	assert_int_equal(probe_check_tracer(p.pid, true), -EAGAIN);
	let_go(tid[THREADS]);
	end_threads(&p);
}

struct watched {
	struct proc p;
	struct proc_memory m;
	uint64_t least_ns; /* CPU time, the least of many looks */
};

static struct watched start_watched(int threads)
{
	struct watched w = {.p = {.pid = start_threads(threads, -1)}, .least_ns = UINT64_MAX};

	for (int i = 0; i < 1000 && w.m.threads != (uint32_t)threads + 1; i++) {
		usleep(10000);
		assert_int_equal(proc_memory(&w.p, &w.m), 0);
	}
	return w;
}

static void look(struct watched *w)
{
	struct proc_traced t = {0};
	uint64_t began = thread_cpu_ns(), took;

	assert_false(proc_is_traced(&w->p, &w->m, &t));
	took = thread_cpu_ns() - began;
	w->least_ns = took < w->least_ns ? took : w->least_ns;
}

/* In turn, as the machine may get slower meanwhile. */
static void of_many_threads_it_costs_no_more(void **state)
{
	struct watched few = start_watched(40), many = start_watched(800);

	(void)state;
	for (int i = 0; i < 100; i++) {
		look(&few);
		look(&many);
	}
	end_threads(&few.p);
	end_threads(&many.p);
	print_message("%.0f us of 40 threads, %.0f of 800\n", (double)few.least_ns / 1e3,
		      (double)many.least_ns / 1e3);
	assert_in_range(many.least_ns, 0, few.least_ns * 3 / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tracer_of_any_thread_is_seen),
		cmocka_unit_test(one_that_was_seen_is_not_lost),
		cmocka_unit_test(no_look_is_an_empty_one),
		cmocka_unit_test(all_are_asked_at_the_start),
		cmocka_unit_test(of_many_threads_it_costs_no_more),
	};

	return cmocka_run_group_tests_name("traced", tests, NULL, NULL);
}
