/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* States of threads, and a turn that takes long beside a process at which no look comes back. */
#include "probe/turn.h"
#include "probe/waited_for.h"
#include "probe/waits_at.h"
#include "unit.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS	    1000000ull
#define PATIENCE_MS 10000

static struct turn_news news;
static atomic_int is_looking, may_go_on;

/* ---- In place of what looks at this machine. ---- */

void waited_for_look(void)
{
	atomic_store(&is_looking, 1);
	while (!atomic_load(&may_go_on))
		usleep(1000);
}

void waited_for_tell(char *buf, size_t size)
{
	snprintf(buf, size, "%s", atomic_load(&is_looking) ? "reader (77)" : "");
}

/* ---- */

static bool comes_to_one(atomic_int *what)
{
	for (int i = 0; i < PATIENCE_MS && !atomic_load(what); i++)
		usleep(1000);
	return atomic_load(what);
}

static void a_state_is_told_whatever_the_name_is(void **state)
{
	char name[64];

	(void)state;
	prctl(PR_SET_NAME, "a) Z\nState:\tZ");
	assert_int_equal(waits_state(0, gettid(), name, sizeof(name)), 'R');
	assert_non_null(strstr(name, "a) Z"));
	assert_null(strchr(name, '\n'));
	assert_int_equal(waits_state(getpid(), getpid(), NULL, 0), 'R');
}

static void one_that_has_ended_is_told(void **state)
{
	siginfo_t info;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(waits_state(pid, pid, NULL, 0), 'Z');
	waitpid(pid, NULL, 0);
	assert_int_equal(waits_state(pid, pid, NULL, 0), 0);
}

/* Other probes go out meanwhile, and whoever waits is told what was found so far. */
static void a_look_that_hangs_keeps_no_turn(void **state)
{
	struct turn slow = {.kind = TURN_OUT, .code = 1, .is_planting = true}, next = slow;
	uint64_t began;

	(void)state;
	assert_int_equal(turn_watch(&news, false), 0);
	assert_int_equal(turn_take(&slow), 0);
	assert_true(comes_to_one(&is_looking));
	began = clock_ns();
	turn_pass(&slow);
	assert_int_equal(turn_take(&next), 0);
	assert_true(next.serial);
	turn_pass(&next);
	assert_true(clock_ns() - began < 300 * MS);
	for (int i = 0; i < PATIENCE_MS && !atomic_load(&news.is_ended); i++)
		usleep(1000);
	assert_true(atomic_load(&news.is_ended));
	assert_false(atomic_load(&may_go_on));
	assert_non_null(strstr(news.why, "forks may have waited"));
	assert_non_null(strstr(news.why, "; it waits for reader (77)"));
	atomic_store(&may_go_on, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_state_is_told_whatever_the_name_is),
		cmocka_unit_test(one_that_has_ended_is_told),
		cmocka_unit_test(a_look_that_hangs_keeps_no_turn),
	};

	setenv("PYLEAK_TEST_SLOW_CHANGE_MS", "20", 1);
	return cmocka_run_group_tests_name("waits", tests, NULL, NULL);
}
