/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The line of a descriptor, where its number had another one before: records of who opened it are
 * made up here, the descriptors are this process's own. */
#include "track/fds_priv.h"

#include "unit/self.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define STACK 7
#define FILE_ "/proc/self/exe"

static struct {
	struct pl_fd slot[PL_FD_SLOTS];
	struct fds f;
	uint64_t now_ns;
} k;

static void look(void)
{
	assert_int_equal(fds_table_look(&k.f, k.now_ns += 1000, false), 0);
}

static void set_up(void)
{
	memset(&k, 0, sizeof(k));
	k.f.spec.proc = self_open();
	k.f.slots = k.slot;
	assert_int_equal(trend_set_new(1, 1.0, &k.f.table.all), 0);
	assert_int_equal(trend_set_new(FDS_KINDS, 1.0, &k.f.table.kinds), 0);
	look();
}

static void tear_down(void)
{
	proc_close((struct proc *)(uintptr_t)k.f.spec.proc);
	fds_table_free(&k.f.table);
}

/* Opened, as a window sees it when @seen. */
static int open_one(bool seen)
{
	int fd = open(FILE_, O_RDONLY | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	if (seen)
		k.slot[fd] = (struct pl_fd){k.now_ns += 10, STACK, st.st_ino, 0, (uint32_t)fd, 0};
	return fd;
}

static uint64_t stack_of(int fd)
{
	for (size_t i = 0; i < k.f.table.things.n; i++)
		if (k.f.table.things.v[i].number == fd && k.f.table.things.v[i].kind == FDS_FILE)
			return k.f.table.things.v[i].stack;
	fail_msg("%d is not open", fd);
	return 0;
}

static void one_that_a_window_saw_has_its_line(void **state)
{
	int fd;

	(void)state;
	set_up();
	fd = open_one(true);
	look();
	assert_int_equal(stack_of(fd), STACK);
	look();
	assert_int_equal(stack_of(fd), STACK);
	close(fd);
	tear_down();
}

static void one_opened_unseen_has_not_the_line_of_the_one_before(void **state)
{
	int fd, again;

	(void)state;
	set_up();
	fd = open_one(true);
	close(fd);
	look();
	again = open_one(false);
	assert_int_equal(again, fd);
	look();
	assert_int_equal(stack_of(fd), 0);
	close(fd);
	tear_down();
}

static bool has_child(int pid)
{
	for (size_t i = 0; i < k.f.table.things.n; i++)
		if (k.f.table.things.v[i].number == pid)
			return true;
	return false;
}

/* Its file of /proc is read then, and so is the whole table of who was started. */
static void children_are_looked_at_once_a_second(void **state)
{
	int pid = fork();
	struct fds_thing *child;

	(void)state;
	if (!pid)
		_exit(0);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	set_up();
	child = vec_push(&k.f.table.things);
	if (child)
		*child = (struct fds_thing){.kind = FDS_CHILD, .number = pid};
	look();
	assert_true(has_child(pid));
	k.now_ns += 1000000000;
	look();
	assert_false(has_child(pid));
	assert_true(k.f.table.limit > 0);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_a_window_saw_has_its_line),
		cmocka_unit_test(one_opened_unseen_has_not_the_line_of_the_one_before),
		cmocka_unit_test(children_are_looked_at_once_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
