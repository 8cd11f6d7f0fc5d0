/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A set of tracefs changes one thing in each turn, and nothing outside of one. Its kernel gives out
 * descriptors of nothing. */
#include "probe/mechanism_priv.h"

#include <fcntl.h>
#include <unistd.h>

#include "unit/unit.h"

#define MOST 8

static struct {
	int fd[MOST];
	int n;			 /* perf events that were opened */
	int open_then;		 /* of them, when the turn began or the last one ended */
	int turns, removed_then; /* turns in which one was closed, or definitions were removed */
	int removed;
	bool is_in_turn;
} kernel;

static int count_open(void)
{
	int n = 0;

	for (int i = 0; i < kernel.n; i++)
		n += fcntl(kernel.fd[i], F_GETFD) >= 0;
	return n;
}

/* ---- In place of the kernel. ---- */

int turn_take(struct turn *t)
{
	assert_false(kernel.is_in_turn);
	assert_int_equal(t->kind, TURN_OUT);
	assert_int_equal(count_open(), kernel.open_then);
	assert_int_equal(kernel.removed, kernel.removed_then);
	kernel.is_in_turn = true;
	return 0;
}

void turn_pass(struct turn *t)
{
	int now = count_open();

	(void)t;
	assert_true(kernel.is_in_turn);
	assert_true(kernel.open_then - now <= 1);
	assert_true(kernel.open_then == now || kernel.removed == kernel.removed_then);
	kernel.open_then = now;
	kernel.removed_then = kernel.removed;
	kernel.is_in_turn = false;
	kernel.turns++;
}

int probe_self_find(struct probe_self *out)
{
	(void)out;
	return 0;
}

int probe_perf_event(struct perf_event_attr *attr, int pid)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)attr, (void)pid;
	assert_true(fd >= 0 && kernel.n < MOST);
	kernel.fd[kernel.n++] = fd;
	return fd;
}

int probe_perf_set_bpf(int event_fd, int prog_fd)
{
	(void)event_fd, (void)prog_fd;
	return 0;
}

int probe_event_define(struct probe_event *ev, const char *label, const char *path,
		       const uint64_t *offsets, size_t n, bool on_return)
{
	(void)label, (void)path, (void)offsets, (void)n, (void)on_return;
	ev->state = EVENT_DEFINED;
	return 0;
}

int probe_event_seal(struct probe_event *ev, size_t n)
{
	(void)n;
	ev->state = EVENT_SEALED;
	return 0;
}

void probe_event_remove(struct probe_event *ev)
{
	assert_int_equal(count_open(), 0);
	kernel.removed += ev->state != EVENT_NONE;
	ev->state = EVENT_NONE;
}

/* ---- */

/* As mechanism.c closes one. */
static void close_set(struct probe_set *s)
{
	struct turn t = {.kind = TURN_OUT};

	turn_take(&t);
	s->ops->close(s);
	turn_pass(&t);
	s->ops->forget(s);
	free(s->fds);
}

static void each_close_has_a_turn(void **state)
{
	const uint64_t offset = 0;

	(void)state;
	for (int is_warm = 0; is_warm < 2; is_warm++) {
		struct probe_set s = {.ops = &probe_tracefs_ops,
				      .offsets = (uint64_t *)(uintptr_t)&offset,
				      .n = 1,
				      .prog_fd = 0};

		memset(&kernel, 0, sizeof(kernel));
		assert_int_equal(s.ops->open(&s), 0);
		if (is_warm)
			assert_int_equal(s.ops->warm(&s), 0);
		kernel.open_then = count_open();
		assert_int_equal(kernel.open_then, 1 + is_warm);
		close_set(&s);
		assert_false(kernel.is_in_turn);
		assert_int_equal(kernel.removed, 1 + is_warm);
		assert_int_equal(kernel.turns, 2 + is_warm);
		assert_int_equal(count_open(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_close_has_a_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
