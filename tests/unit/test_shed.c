/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The places of a target are opened a second time for its children, under a number: is it still the
 * target's, and may anything go in there now? The kernel is one that only counts. */
#include "probe/mechanism_priv.h"
#include "unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static struct {
	int begun, fd;
	bool target_ends; /* meanwhile */
} shed;

static void end_target(const struct probe_set *s)
{
	struct pollfd p = {.fd = s->pidfd, .events = POLLIN};

	assert_int_equal(kill(s->pid, SIGKILL), 0);
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

static int fake_shed(struct probe_set *s)
{
	shed.begun++;
	if (shed.target_ends)
		end_target(s);
	shed.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return shed.fd;
}

/* ---- In place of what looks at this machine. ---- */

static int room;

int probe_check_room(int pid, size_t pages)
{
	(void)pid, (void)pages;
	return room;
}

int probe_check_room_theirs(const struct probe_set *s)
{
	(void)s;
	return room;
}

bool probe_host_is_crowded(void)
{
	return false;
}

/* ---- */

static uint64_t offset;
static const struct probe_ops ops = {.shed = fake_shed};

static int start(void **state)
{
	static struct probe_set s;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (true)
			pause();
	}
	s = (struct probe_set){
		.ops = &ops,
		.mechanism = PROBE_MULTI,
		.offsets = &offset,
		.n = 1,
		.pid = pid,
		.pidfd = (int)syscall(SYS_pidfd_open, pid, 0),
		.on = true,
	};
	memset(&shed, 0, sizeof(shed));
	room = 0;
	*state = &s;
	return s.pidfd < 0;
}

static int end(void **state)
{
	struct probe_set *s = *state;

	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	close(s->pidfd);
	return 0;
}

static void a_target_that_lives_is_told(void **state)
{
	struct probe_shed it;

	assert_int_equal(probe_shed_begin(*state, &it), 0);
	assert_int_equal(it.fd, shed.fd);
	probe_shed_end(&it);
	assert_int_equal(fcntl(shed.fd, F_GETFD), -1);
	room = -EBUSY;
	assert_int_equal(probe_shed_begin(*state, &it), -EBUSY);
	assert_int_equal(shed.begun, 1);
}

static void one_that_has_ended_is_not(void **state)
{
	struct probe_shed it;

	end_target(*state);
	assert_int_equal(probe_shed_begin(*state, &it), -ESRCH);
	assert_int_equal(shed.begun, 0);
}

/* The probes may be in a stranger: they come out within the same turn. */
static void nor_one_that_ends_meanwhile(void **state)
{
	struct probe_shed it;

	shed.target_ends = true;
	assert_int_equal(probe_shed_begin(*state, &it), -ESRCH);
	assert_int_equal(shed.begun, 1);
	assert_int_equal(fcntl(shed.fd, F_GETFD), -1);
}

static void nor_one_that_a_debugger_holds(void **state)
{
	struct probe_set *s = *state;
	struct probe_shed it;

	assert_int_equal(ptrace(PTRACE_SEIZE, s->pid, NULL, NULL), 0);
	assert_int_equal(probe_shed_begin(s, &it), -EAGAIN);
	assert_int_equal(shed.begun, 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, s->pid, NULL, NULL), 0);
	assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
	assert_int_equal(ptrace(PTRACE_DETACH, s->pid, NULL, NULL), 0);
	assert_int_equal(probe_shed_begin(s, &it), 0);
	probe_shed_end(&it);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_target_that_lives_is_told),
		TEST(one_that_has_ended_is_not),
		TEST(nor_one_that_ends_meanwhile),
		TEST(nor_one_that_a_debugger_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
