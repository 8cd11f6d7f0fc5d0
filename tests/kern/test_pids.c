/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* In a pid namespace that is not the initial one the kernel half means the same processes as we do:
 * the target, its children, and all that a tree has. No probe is placed here. */
#include "base/base.h" /* these before cmocka.h, which has a macro fail() */
#include "pyleak/abi.h"
#include "pyleak/fds.h"
#include "track/pids.h"
#include "track/tree.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pyleak.skel.h"

static int first_proc; /* of the namespace in which this test runs */

/* The caller's number where this test runs. */
static int number_outside(void)
{
	char text[32] = "";

	return readlinkat(first_proc, "self", text, sizeof(text) - 1) > 0 ? atoi(text) : 0;
}

/* Runs @fn as process 1 of a new pid namespace; returns its exit status. */
static int in_namespace(int (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWPID | CLONE_NEWNS) ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
			_exit(90);
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			_exit(mount("proc", "/proc", "proc", 0, NULL) ? 91 : fn());
		}
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 92);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 93;
}

static int find(int pid, struct pl_pids *out)
{
	auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return pids_find(pid, fd, out);
}

static int asks_for_itself(void)
{
	struct pl_pids pids;

	if (find(getpid(), &pids)) {
		fprintf(stderr, "%s\n", fail_text());
		return 1;
	}
	return pids.here != 1 || pids.level != 1 || (int)pids.tgid != number_outside();
}

/* A child in a namespace of its own, deeper than ours: @told is its number where this test runs. */
static int start_deeper(int *told)
{
	int ends[2];
	pid_t pid;

	if (unshare(CLONE_NEWPID) || pipe(ends))
		return -1;
	pid = fork();
	if (!pid) {
		int n = number_outside();

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(ends[1], &n, sizeof(n)) == sizeof(n))
			pause();
		_exit(0);
	}
	return read(ends[0], told, sizeof(*told)) == sizeof(*told) ? pid : -1;
}

static int asks_for_one_deeper(void)
{
	int outside = 0, pid = start_deeper(&outside), err;
	struct pl_pids pids;

	if (pid <= 0)
		return 1;
	err = find(pid, &pids);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return err || pids.level != 1 || (int)pids.here != pid || (int)pids.tgid != outside;
}

/* Where the descriptor is of somebody else, or of nobody, nothing is made up. */
static int takes_no_wrong_one(void)
{
	auto_close int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct pl_pids pids;

	return pids_find(getpid() + 1, self, &pids) != -ENODATA ||
	       pids_find(getpid(), -1, &pids) != -ENODATA ||
	       pids_find(getpid(), first_proc, &pids) != -ENODATA ||
	       !strstr(fail_text(), "--pid=host");
}

static struct pyleak_bpf *load(const struct pl_pids *pids)
{
	struct pyleak_bpf *b = pyleak_bpf__open();
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, b->obj) bpf_program__set_autoload(prog, false);
	bpf_program__set_autoload(b->progs.task_started, true);
	bpf_program__set_autoload(b->progs.target_forked, true);
	b->rodata->config.tgid = pids->tgid;
	b->rodata->config.pid_level = (uint8_t)pids->level;
	if (pyleak_bpf__load(b) || pyleak_bpf__attach(b)) {
		pyleak_bpf__destroy(b);
		return NULL;
	}
	return b;
}

static int sees_its_children(void)
{
	struct pl_task task = {0};
	struct pl_stats stats = {0};
	struct pyleak_bpf *b;
	struct pl_pids pids;
	uint32_t slot, zero = 0;
	pid_t pid;

	if (find(getpid(), &pids))
		return 1;
	b = load(&pids);
	if (!b)
		return 2;
	pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	slot = (uint32_t)pid % PL_TASK_SLOTS;
	bpf_map_lookup_elem(bpf_map__fd(b->maps.fd_tasks), &slot, &task);
	bpf_map_lookup_elem(bpf_map__fd(b->maps.stats), &zero, &stats);
	pyleak_bpf__destroy(b);
	return stats.forks != 1 || !task.t_ns || (int)task.tid != pid || task.is_thread;
}

/* One that has a child itself, and one that is another's: strangers have our numbers elsewhere. */
static int follows_its_tree(void)
{
	struct tree_counts counts;
	struct tree *t;

	if (tree_new(&t) || tree_add(t, getpid())) {
		fprintf(stderr, "%s\n", fail_text());
		return 1;
	}
	if (!fork()) {
		pid_t pid = fork();

		if (pid > 0)
			waitpid(pid, NULL, 0);
		_exit(0);
	}
	wait(NULL);
	usleep(100000);
	tree_poll(t);
	tree_count(t, &counts);
	tree_free(t);
	if (counts.started == 2 && counts.n[TREE_SHORT_LIVED] == 2 && !counts.lost)
		return 0;
	fprintf(stderr, "%llu started, %llu ended\n", (unsigned long long)counts.started,
		(unsigned long long)counts.n[TREE_SHORT_LIVED]);
	return 2;
}

#define IN_NAMESPACE(fn)                               \
	static void test_##fn(void **state)            \
	{                                              \
		(void)state;                           \
		assert_int_equal(in_namespace(fn), 0); \
	}

IN_NAMESPACE(asks_for_itself)
IN_NAMESPACE(asks_for_one_deeper)
IN_NAMESPACE(takes_no_wrong_one)
IN_NAMESPACE(sees_its_children)
IN_NAMESPACE(follows_its_tree)

static void test_here(void **state)
{
	struct pl_pids pids;

	(void)state;
	assert_int_equal(sees_its_children(), 0);
	assert_int_equal(follows_its_tree(), 0);
	assert_int_equal(find(getpid(), &pids), 0);
	assert_int_equal(pids.tgid, number_outside());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asks_for_itself),
		cmocka_unit_test(test_asks_for_one_deeper),
		cmocka_unit_test(test_takes_no_wrong_one),
		cmocka_unit_test(test_sees_its_children),
		cmocka_unit_test(test_follows_its_tree),
		cmocka_unit_test(test_here),
	};

	first_proc = open("/proc", O_DIRECTORY | O_PATH | O_CLOEXEC);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
