/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Probe mechanisms against real processes: needs root and a kernel with uprobes. */
#include "kern/mechanism_fixture.h"

static void counts_all_threads_only_while_on(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct probe_set *s = set_on_function(m, "/proc/self/exe", t.pid, ONE, &c, false);

	target_call(&t, ONE, 100);
	assert_int_equal(counter_read(&c), 0);
	assert_int_equal(foreign_bytes(t.pid), 0);
	for (unsigned int round = 1; round <= 3; round++) {
		ok(probe_set_warm(s));
		ok(probe_set_insist(s));
		assert_true(probe_set_is_on(s));
		assert_int_equal(foreign_bytes(t.pid), 1);
		assert_int_equal(foreign_bytes(getpid()), 0);
		plain_one();
		target_call(&t, ONE, 100);
		target_call(&t, TWO, 100);
		ok(probe_set_off(s));
		assert_false(probe_set_is_on(s));
		assert_int_equal(foreign_bytes(t.pid), 0);
		target_call(&t, ONE, 100);
		assert_int_equal(counter_read(&c), 200 * round);
	}
	ok(probe_set_insist(s));
	probe_set_close(s);
	assert_int_equal(foreign_bytes(t.pid), 0);
	assert_int_equal(definitions(getpid()), 0);
	counter_free(&c);
	target_stop(&t);
}

static void counts_returns(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct probe_set *s = set_on_function(m, "/proc/self/exe", t.pid, ONE, &c, true);

	ok(probe_set_insist(s));
	target_call(&t, ONE, 50);
	ok(probe_set_off(s));
	target_call(&t, ONE, 50);
	assert_int_equal(counter_read(&c), 100);
	probe_set_close(s);
	counter_free(&c);
	target_stop(&t);
}

static void holds_two_sets_of_one_target(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c1 = counter_new(m), c2 = counter_new(m);
	struct probe_set *s1 = set_on_function(m, "/proc/self/exe", t.pid, ONE, &c1, false);
	struct probe_set *s2 = set_on_function(m, "/proc/self/exe", t.pid, TWO, &c2, false);

	ok(probe_set_insist(s1));
	ok(probe_set_insist(s2));
	target_call(&t, ONE, 10);
	target_call(&t, TWO, 20);
	ok(probe_set_off(s1));
	target_call(&t, ONE, 10);
	target_call(&t, TWO, 20);
	assert_int_equal(counter_read(&c1), 20);
	assert_int_equal(counter_read(&c2), 80);
	probe_set_close(s1);
	target_call(&t, TWO, 5);
	assert_int_equal(counter_read(&c2), 90);
	probe_set_close(s2);
	assert_int_equal(foreign_bytes(t.pid), 0);
	counter_free(&c1);
	counter_free(&c2);
	target_stop(&t);
}

static void holds_as_many_sites_as_a_target_may_have(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct probe_set *s;

	if (m == PROBE_PERF)
		skip();
	s = set_on_function(m, "/proc/self/exe", t.pid, ALL, &c, false);
	ok(probe_set_insist(s));
	assert_int_equal(foreign_bytes(t.pid), MANY);
	target_call(&t, ALL, 3);
	ok(probe_set_off(s));
	assert_int_equal(foreign_bytes(t.pid), 0);
	target_call(&t, ALL, 3);
	assert_int_equal(counter_read(&c), 6 * MANY);
	probe_set_close(s);
	counter_free(&c);
	target_stop(&t);
}

static void leaves_a_forked_child_alone(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct probe_set *s = set_on_function(m, "/proc/self/exe", t.pid, ONE, &c, false);
	int calls;

	ok(probe_set_insist(s));
	atomic_store(&t.board->want_fork, 1);
	wait_until(atomic_load(&t.board->fork_pid) > 0);
	calls = atomic_load(&t.board->fork_calls);
	wait_until(atomic_load(&t.board->fork_calls) > calls + 20);
	assert_int_equal(counter_read(&c), 0);
	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c), 20);
	probe_set_close(s);
	assert_int_equal(foreign_bytes(atomic_load(&t.board->fork_pid)), 0);
	assert_int_equal(foreign_bytes(t.pid), 0);
	calls = atomic_load(&t.board->fork_calls);
	wait_until(atomic_load(&t.board->fork_calls) > calls + 20);
	kill(atomic_load(&t.board->fork_pid), SIGKILL);
	counter_free(&c);
	target_stop(&t);
}

/* As the guardian does it (guard_channel.c). */
static int shed(struct probe_set *s)
{
	struct probe_shed it;
	int err;

	if (!s->ops->shed) /* they lose them by themselves */
		return 0;
	err = probe_shed_begin(s, &it);
	if (!err)
		probe_shed_end(&it);
	return err;
}

/* While the set stays on; the target keeps its probes. */
static void a_child_loses_what_it_inherited(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct probe_set *s;
	pid_t child;

	if (m == PROBE_PERF)
		skip();
	s = set_on_function(m, "/proc/self/exe", t.pid, ALL, &c, false);
	ok(probe_set_insist(s));
	atomic_store(&t.board->want_fork, 1);
	wait_until((child = atomic_load(&t.board->fork_pid)) > 0);
	if (m == PROBE_MULTI)
		assert_int_equal(foreign_bytes(child), MANY);
	ok(shed(s));
	if (m == PROBE_MULTI)
		assert_int_equal(foreign_bytes(child), 0);
	assert_true(probe_set_is_on(s));
	target_call(&t, ALL, 3);
	assert_int_equal(counter_read(&c), 6 * MANY);
	probe_set_close(s);
	assert_int_equal(foreign_bytes(child), 0);
	kill(child, SIGKILL);
	counter_free(&c);
	target_stop(&t);
}

static bool put(const char *dir, const char *name, const char *text)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) > 0;
}

/* A change needs room, where the pages of code are swapped out: none is made without it. */
static void sheds_nothing_where_memory_ends(void **state)
{
	static const struct {
		const char *root, *limit, *none;
	} groups[] = {{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "-1"},
		      {"/sys/fs/cgroup", "memory.max", "max"}};
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	char dir[64], pid[16];
	struct probe_set *s;
	size_t i = 0;
	int err = 0;

	snprintf(pid, sizeof(pid), "%d", t.pid);
	for (; i < ARRAY_SIZE(groups); i++) {
		snprintf(dir, sizeof(dir), "%s/pyleak_shed_%d", groups[i].root, getpid());
		if (!mkdir(dir, 0700) && put(dir, groups[i].limit, "83886080"))
			break;
		rmdir(dir);
	}
	s = set_on_function(m, "/proc/self/exe", t.pid, ALL, &c, false);
	if (i < ARRAY_SIZE(groups) && put(dir, "cgroup.procs", pid)) {
		ok(probe_set_insist(s));
		usleep(100000); /* 80 MiB may be gone by then */
		assert_true(put(dir, groups[i].limit, "524288"));
		err = shed(s);
		assert_true(put(dir, groups[i].limit, groups[i].none));
	}
	probe_set_close(s);
	counter_free(&c);
	target_stop(&t);
	rmdir(dir);
	if (i == ARRAY_SIZE(groups))
		skip();
	assert_int_equal(err, -EBUSY);
	assert_non_null(strstr(fail_text(), "memory limit"));
}

static void survives_an_exec_of_the_target(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct probe_set *s = set_on_function(m, "/proc/self/exe", t.pid, ONE, &c, false);
	uint64_t before;

	ok(probe_set_insist(s));
	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c), 20);
	atomic_store(&t.board->want_exec, 1);
	wait_until(atomic_load(&t.board->generation) == 2);
	/* Whether the probes follow into the new image is the mechanism's affair. */
	target_call(&t, ONE, 10);
	before = counter_read(&c);
	print_message("%s: %llu of 20 calls seen after exec\n", probe_mechanism_name(m),
		      (unsigned long long)before - 20);
	ok(probe_set_off(s));
	assert_int_equal(foreign_bytes(t.pid), 0);
	ok(probe_set_insist(s));
	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c), before + 20);
	probe_set_close(s);
	counter_free(&c);
	target_stop(&t);
}

static void survives_the_end_of_the_target(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct probe_set *s = set_on_function(m, "/proc/self/exe", t.pid, ONE, &c, false);

	ok(probe_set_insist(s));
	target_stop(&t);
	ok(probe_set_off(s));
	assert_int_equal(probe_set_on(s), -ESRCH);
	assert_non_null(strstr(fail_text(), "no process"));
	probe_set_close(s);
	assert_int_equal(definitions(getpid()), 0);
	counter_free(&c);
}

static void wait_for_zombie(pid_t pid)
{
	char stat[256] = "", path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (!strstr(stat, ") Z ")) {
		FILE *f = fopen(path, "re");

		assert_non_null(f);
		assert_non_null(fgets(stat, sizeof(stat), f));
		fclose(f);
		usleep(500);
	}
}

static void works_or_refuses_when_the_main_thread_has_ended(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	uint64_t offset = offset_of((const void *)plain_one);
	auto_close int file_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct probe_set_spec spec = {
		.file_fd = file_fd,
		.offsets = &offset,
		.n = 1,
		.pid = t.pid,
		.prog_fd = c.prog,
	};
	enum probe_mechanism first, chosen;
	struct probe_set *s;

	ok(probe_choose_for(t.pid, 1, &first));
	atomic_store(&t.board->want_leader_exit, 1);
	wait_for_zombie(t.pid);
	/* Where links are sound no event is made in their place: it could be removed (W1). */
	assert_int_equal(probe_choose_for(t.pid, 1, &chosen), first == PROBE_MULTI ? -ENODATA : 0);
	assert_int_equal(chosen, first == PROBE_MULTI ? PROBE_NONE : first);
	if (m == PROBE_MULTI) {
		assert_int_equal(probe_set_open(m, &spec, &s), -ENOTSUP);
		assert_non_null(strstr(fail_text(), "main thread"));
	} else {
		ok(probe_set_open(m, &spec, &s));
		ok(probe_set_insist(s));
		atomic_fetch_add(&t.board->asked, 10);
		wait_until(atomic_load(&t.board->done[1]) == atomic_load(&t.board->asked));
		ok(probe_set_off(s));
		assert_int_equal(counter_read(&c), 10);
		probe_set_close(s);
	}
	counter_free(&c);
	target_stop(&t);
}

static void opens_awkward_paths(void **state)
{
	enum probe_mechanism m = usable(state);
	char dir[] = "/tmp/pyleak a:b XXXXXX", exe[64], paths[4][128], text[160];
	char line[4352];
	unsigned long start, end;
	struct target t;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(exe, sizeof(exe), "%s/the exe", dir);
	snprintf(text, sizeof(text), "cp /proc/%d/exe '%s'", getpid(), exe);
	assert_int_equal(system(text), 0);
	t = target_start(exe);
	snprintf(text, sizeof(text), "/proc/%d/maps", t.pid);
	f = fopen(text, "re");
	assert_non_null(f);
	do
		assert_non_null(fgets(line, sizeof(line), f));
	while (!strstr(line, exe));
	assert_int_equal(sscanf(line, "%lx-%lx", &start, &end), 2);
	fclose(f);
	snprintf(paths[0], sizeof(paths[0]), "%s", exe);
	snprintf(paths[1], sizeof(paths[1]), "/proc/%d/root%s", t.pid, exe);
	snprintf(paths[2], sizeof(paths[2]), "/proc/%d/exe", t.pid);
	snprintf(paths[3], sizeof(paths[3]), "/proc/%d/map_files/%lx-%lx", t.pid, start, end);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct counter c = counter_new(m);
		struct probe_set *s;

		if (i == 2) /* the last two reach deleted files as well */
			unlink(exe);
		s = set_on_function(m, paths[i], t.pid, ONE, &c, false);
		ok(probe_set_insist(s));
		target_call(&t, ONE, 10);
		if (counter_read(&c) != 20)
			fail_msg("%s: %d", paths[i], (int)counter_read(&c));
		probe_set_close(s);
		counter_free(&c);
	}
	rmdir(dir);
	target_stop(&t);
}

/* A second process with the set on; it says so and waits to be killed or released. */
struct tool {
	pid_t pid;
	int ready[2], go[2];
};

static struct tool tool_start(enum probe_mechanism m, const struct target *t,
			      const struct counter *c)
{
	struct tool tool;
	char byte = 0;

	assert_false(pipe2(tool.ready, O_CLOEXEC) || pipe2(tool.go, O_CLOEXEC));
	tool.pid = fork();
	if (!tool.pid) {
		struct probe_set *s = set_on_function(m, "/proc/self/exe", t->pid, ONE, c, false);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (probe_set_warm(s) || probe_set_on(s) || write(tool.ready[1], "x", 1) != 1)
			_exit(1);
		if (read(tool.go[0], &byte, 1) < 0)
			_exit(1);
		probe_set_close(s);
		_exit(0);
	}
	close(tool.ready[1]);
	assert_int_equal(read(tool.ready[0], &byte, 1), 1);
	return tool;
}

static int tool_end(struct tool *tool, int signal)
{
	int status;

	if (signal)
		kill(tool->pid, signal);
	assert_int_equal(write(tool->go[1], "x", 1), 1);
	assert_int_equal(waitpid(tool->pid, &status, 0), tool->pid);
	close(tool->go[0]);
	close(tool->go[1]);
	close(tool->ready[0]);
	return status;
}

static void a_killed_tool_leaves_only_names(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct tool tool = tool_start(m, &t, &c);

	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c), 20);
	tool_end(&tool, SIGKILL);
	wait_until(foreign_bytes(t.pid) == 0);
	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c), 20);
	assert_int_equal(definitions(tool.pid), m == PROBE_TRACEFS ? 2 : 0);
	remove_definitions(tool.pid);
	counter_free(&c);
	target_stop(&t);
}

static void two_tools_do_not_disturb_each_other(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c1 = counter_new(m), c2 = counter_new(m);
	struct tool a = tool_start(m, &t, &c1), b = tool_start(m, &t, &c2);

	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c1), 20);
	assert_int_equal(counter_read(&c2), 20);
	if (m == PROBE_TRACEFS)
		assert_int_equal(definitions(a.pid), 2);
	assert_int_equal(tool_end(&a, 0), 0);
	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c1), 20);
	assert_int_equal(counter_read(&c2), 40);
	assert_int_equal(tool_end(&b, 0), 0);
	assert_int_equal(foreign_bytes(t.pid), 0);
	assert_int_equal(definitions(a.pid) + definitions(b.pid), 0);
	counter_free(&c1);
	counter_free(&c2);
	target_stop(&t);
}

static void a_sealed_event_refuses_more_probes(void **state)
{
	uint64_t offset = offset_of((const void *)plain_one);
	struct probe_event ev = {0};

	usable(state);
	ok(probe_event_define(&ev, "seal", "/proc/self/exe", &offset, 1, false));
	assert_int_equal(probe_event_define(&ev, "seal", "/proc/self/exe", &offset, 1, false),
			 -EBUSY);
	ok(probe_event_seal(&ev, 1));
	offset++;
	assert_int_equal(probe_event_define(&ev, "seal", "/proc/self/exe", &offset, 1, false),
			 -EBUSY);
	assert_int_equal(definitions(getpid()), 1);
	probe_event_remove(&ev);
	assert_int_equal(definitions(getpid()), 0);
}

static void a_vanished_definition_is_noticed(void **state)
{
	uint64_t offset = offset_of((const void *)plain_one);
	struct probe_event ev = {0}, thief;

	usable(state);
	ok(probe_event_define(&ev, "seal", "/proc/self/exe", &offset, 1, false));
	thief = ev;
	probe_event_remove(&thief);
	assert_int_equal(probe_event_seal(&ev, 1), -EAGAIN);
	probe_event_remove(&ev);
}

static void names_what_is_missing(void **state)
{
	enum probe_mechanism got;
	uint64_t offset = 64;
	struct probe_set *s;
	struct probe_set_spec spec = {.file_fd = -1, .offsets = &offset, .n = 1, .pid = 1};
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(probe_choose(7, PROBE_PERF, &got), -ENOTSUP);
	assert_non_null(strstr(fail_text(), "too slow for 7 sites"));
	assert_int_equal(got, PROBE_NONE);
	assert_int_equal(probe_set_open(PROBE_TRACEFS, &spec, &s), -EBADF);
	assert_int_equal(probe_set_open(PROBE_NONE, &spec, &s), -EINVAL);
	spec.pid = 0;
	assert_int_equal(probe_set_open(PROBE_MULTI, &spec, &s), -EINVAL);
	pid = fork();
	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(2);
		if (probe_choose(1, PROBE_NONE, &got) != -EPERM ||
		    !strstr(fail_text(), "run as root"))
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void chooses_something_here(void **state)
{
	enum probe_mechanism got;

	(void)state;
	ok(probe_choose(272, PROBE_NONE, &got));
	print_message("chosen: %s\n", probe_mechanism_name(got));
	assert_int_not_equal(got, PROBE_NONE);
	assert_int_equal(definitions(getpid()), 0);
}

#define EACH(f)                                                      \
	{#f " (tracefs)", f, NULL, NULL, (void *)PROBE_TRACEFS},     \
		{#f " (multi)", f, NULL, NULL, (void *)PROBE_MULTI}, \
	{                                                            \
#f " (perf)", f, NULL, NULL, (void *)PROBE_PERF      \
	}
#define TRACEFS(f)                                       \
	{                                                \
#f, f, NULL, NULL, (void *)PROBE_TRACEFS \
	}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_something_here),
		cmocka_unit_test(names_what_is_missing),
		EACH(counts_all_threads_only_while_on),
		EACH(counts_returns),
		EACH(holds_two_sets_of_one_target),
		EACH(holds_as_many_sites_as_a_target_may_have),
		EACH(leaves_a_forked_child_alone),
		EACH(a_child_loses_what_it_inherited),
		{"sheds_nothing_where_memory_ends (multi)", sheds_nothing_where_memory_ends, NULL,
		 NULL, (void *)PROBE_MULTI},
		EACH(survives_an_exec_of_the_target),
		EACH(survives_the_end_of_the_target),
		EACH(works_or_refuses_when_the_main_thread_has_ended),
		EACH(opens_awkward_paths),
		EACH(a_killed_tool_leaves_only_names),
		EACH(two_tools_do_not_disturb_each_other),
		TRACEFS(a_sealed_event_refuses_more_probes),
		TRACEFS(a_vanished_definition_is_noticed),
	};

	if (argc == 3 && !strcmp(argv[1], "--target"))
		return target_main(argv[2]);
	if (geteuid()) {
		printf("skip: probes need root\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
