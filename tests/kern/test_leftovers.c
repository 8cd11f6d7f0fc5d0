/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Definitions of a process that is gone are removed, if nobody uses them, and no others. One probe
 * each: then the kernel itself refuses to remove one that is in use. */
#include "probe/host.h"
#include "probe/leftovers.h"

#include "kern/mechanism_fixture.h"

#define ROOT "/sys/kernel/tracing/"

static int define_one(struct probe_event *ev)
{
	uint64_t offset = offset_of((const void *)plain_one);

	return probe_event_define(ev, "left", "/proc/self/exe", &offset, 1, false);
}

/* A process that ends without a word; its number. */
static pid_t leave_one(struct probe_event *ev)
{
	int told[2];
	pid_t pid;

	assert_int_equal(pipe(told), 0);
	pid = fork();
	if (!pid) {
		bool bad = define_one(ev) || write(told[1], ev, sizeof(*ev)) != sizeof(*ev);

		_exit(bad);
	}
	assert_int_equal(read(told[0], ev, sizeof(*ev)), sizeof(*ev));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(told[0]);
	close(told[1]);
	return pid;
}

static void look_twice(void)
{
	struct leftovers l = {0};

	for (int i = 0; i < 5 && !l.is_done; i++) {
		leftovers_step(&l);
		usleep(600000);
	}
	assert_true(l.is_done);
	leftovers_free(&l);
}

/* A run leaves them to a later one where others, who change definitions meanwhile, hide some from
 * the list, or share the turn. */
static void look_until_it_is_gone(pid_t pid)
{
	for (int i = 0; i < 5 && definitions(pid); i++)
		look_twice();
	assert_int_equal(definitions(pid), 0);
}

static void enable(const struct probe_event *ev, const char *how)
{
	char path[192];
	int fd;

	snprintf(path, sizeof(path), ROOT "events/%s/enable", ev->name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0 && write(fd, how, 1) == 1);
	close(fd);
}

static void goes_with_nobody_to_use_it(void **state)
{
	struct probe_event left = {0}, ours = {0};
	pid_t pid = leave_one(&left);

	(void)state;
	ok(define_one(&ours));
	assert_int_equal(definitions(pid), 1);
	look_until_it_is_gone(pid);
	assert_int_equal(definitions(getpid()), 1);
	probe_event_remove(&ours);
	assert_int_equal(definitions(getpid()), 0);
}

static void stays_while_somebody_has_enabled_it(void **state)
{
	struct probe_event left = {0}, ours = {0}, copy;
	pid_t pid = leave_one(&left);

	(void)state;
	ok(define_one(&ours));
	enable(&left, "1");
	enable(&ours, "1");
	look_twice();
	assert_int_equal(definitions(pid), 1);
	copy = ours;
	probe_event_remove(&copy);
	assert_int_equal(definitions(getpid()), 1);
	enable(&left, "0");
	enable(&ours, "0");
	look_until_it_is_gone(pid);
	probe_event_remove(&ours);
	assert_int_equal(definitions(getpid()), 0);
}

static int need_tracefs(void **state)
{
	(void)state;
	host_lock_open();
	return geteuid() || probe_prepare() || access(ROOT "uprobe_events", F_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_with_nobody_to_use_it),
		cmocka_unit_test(stays_while_somebody_has_enabled_it),
	};

	return cmocka_run_group_tests_name("leftovers", tests, need_tracefs, NULL);
}
