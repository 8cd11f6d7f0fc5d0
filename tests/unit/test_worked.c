/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A change that works in the kernel on a host of one CPU: nobody looks at it before it waits. */
#include "probe/turn.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread.h"
#include "unit/unit.h"

#define MS	   1000000ull
#define CANNOT_TRY 255

/* As the guardian there: whoever looks on comes first, but not before itself. */
static bool have_one_cpu(void)
{
	const struct sched_param first = {.sched_priority = 1};
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	return !sched_setaffinity(0, sizeof(one), &one) &&
	       !sched_setscheduler(0, SCHED_FIFO, &first);
}

/* Returns what the next turn is told. */
static int change(uint64_t works_ns, bool is_forgotten)
{
	static struct turn_news news;
	struct turn t = {.kind = TURN_IN, .code = 1, .is_planting = true};

	if (!have_one_cpu() || turn_watch(&news, true) || turn_take(&t))
		return CANNOT_TRY;
	for (uint64_t end = thread_cpu_ns() + works_ns; thread_cpu_ns() < end;)
		;
	if (is_forgotten)
		syscall(SYS_membarrier, 1 /* MEMBARRIER_CMD_GLOBAL */, 0, 0);
	turn_pass(&t);
	return -turn_take(&t);
}

static void comes_to(uint64_t works_ns, bool is_forgotten, int answer)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(change(works_ns, is_forgotten));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CANNOT_TRY)
		skip();
	assert_int_equal(WEXITSTATUS(status), answer);
}

static void it_is_slow_though_it_waits_for_nothing_but_the_kernel_then(void **state)
{
	(void)state;
	comes_to(300 * MS, true, EBUSY);
	comes_to(10 * MS, true, 0);
}

/* A span so long is one in which this process was stopped, but not when it has worked. */
static void it_is_slow_though_nobody_has_looked(void **state)
{
	(void)state;
	comes_to(600 * MS, false, EBUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_slow_though_it_waits_for_nothing_but_the_kernel_then),
		cmocka_unit_test(it_is_slow_though_nobody_has_looked),
	};

	return cmocka_run_group_tests_name("worked", tests, NULL, NULL);
}
