/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Censuses in a row of one live Python, and those of its collector's lists. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/lost.h"
#include "census/census_priv.h"
#include "census/gc_lists.h"
#include "unit/self.h"

static bool names_are_out;

#define py_type_name(rt, type, name, size) \
	(names_are_out ? -EFAULT : py_type_name(rt, type, name, size))
#include "census/instances.c"

static pid_t start_python(void)
{
	pid_t pid;
	char byte;
	int out[2];

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (!pid) {
		dup2(out[1], 1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(120);
		execl("/usr/bin/python3", "python3", "-c",
		      "import time; print(1, flush=True); time.sleep(100)", NULL);
		_exit(127);
	}
	close(out[1]);
	assert_int_equal(read(out[0], &byte, 1), 1);
	close(out[0]);
	return pid;
}

static int end_at_names(const struct heap_progress *at, void *ctx)
{
	bool *was = ctx;

	if (strcmp(at->doing, "naming types") != 0)
		return 0;
	*was = true;
	return -ECANCELED;
}

static uint64_t objects(struct census *c)
{
	struct report_process p = {0};
	struct report *r;
	uint64_t n = 0;

	assert_int_equal(report_new(&r), 0);
	assert_int_equal(census_fill(c, r, &p, false), 0);
	for (size_t i = 0; i < p.n_classes; i++)
		n += p.classes[i].count;
	report_free(r);
	return n;
}

static uint64_t lost(const struct report_process *p, const char *key)
{
	for (size_t i = 0; i < p->n_lost; i++)
		if (!strcmp(p->lost[i].key, key))
			return p->lost[i].n;
	fail_msg("%s is not told", key);
	return 0;
}

/* A type whose name cannot be read may be the one that is asked for. */
static void names_that_are_out_are_counted(void **state)
{
	pid_t pid = start_python();
	struct report_process p;
	struct py_runtime *rt;
	struct census *c;
	struct proc *proc;
	struct report *r;

	(void)state;
	if (proc_open(pid, &proc) || py_open(proc, &rt) || census_new(rt, &c) || census_take(c))
		fail_msg("%s", fail_text());
	for (int round = 0; round < 2; round++) {
		names_are_out = !round;
		p = (struct report_process){0};
		assert_int_equal(report_new(&r), 0);
		assert_int_equal(census_instances(c, "str", 5, false, r, &p), 0);
		assert_int_equal(census_fill(c, r, &p, false), 0);
		assert_int_equal(p.n_instances, names_are_out ? 0 : 5);
		if (names_are_out)
			assert_true(lost(&p, CENSUS_NAMES_KEY) > 20);
		else
			assert_true(lost(&p, CENSUS_NAMES_KEY) < 5);
		report_free(r);
	}
	census_free(c);
	py_close(rt);
	proc_close(proc);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void one_that_is_ended_leaves_the_last(void **state)
{
	pid_t pid = start_python();
	struct py_runtime *rt;
	struct census *c;
	struct proc *p;
	bool was = false;
	uint64_t n;

	(void)state;
	if (proc_open(pid, &p) || py_open(p, &rt) || census_new(rt, &c) || census_take(c))
		fail_msg("%s", fail_text());
	n = objects(c);
	assert_true(n > 1000);
	census_watch_by(c, end_at_names, &was);
	assert_int_equal(census_take(c), -ECANCELED);
	assert_true(was);
	assert_int_equal(objects(c), n);
	census_free(c);
	py_close(rt);
	proc_close(p);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Without a GIL there are none: that nothing is frozen is not known. */
static void lists_that_are_not_there_have_no_length(void **state)
{
	struct py_gc_state none = {0};
	struct proc *self = self_open();
	struct py_runtime rt = {.proc = self, .minor = 14, .free_threaded = true};
	struct heap_gc_lists lists;
	struct heap *h;

	(void)state;
	assert_int_equal(heap_open(&rt, &h), 0);
	assert_int_equal(heap_gc_lists(h, &none, &lists), 0);
	for (size_t i = 0; i < PY_GENERATIONS; i++)
		assert_int_equal(lists.generation[i], UINT64_MAX);
	assert_int_equal(lists.frozen, UINT64_MAX);
	heap_gc_lists_free(&lists);
	heap_close(h);
	proc_close(self);
}

#define TYPES 3000

/* gc.garbage is a list that anybody may fill; objects in it may be torn. */
static void types_of_garbage_are_bounded(void **state)
{
	static uint64_t object[TYPES][2], item[TYPES], list[4];
	struct py_gc_state gc = {.garbage = {(uintptr_t)list}, .n_garbage = 1};
	struct proc *self = self_open();
	struct py_runtime rt = {.proc = self,
				.minor = 14,
				.free_threaded = true,
				.layout = {.ob_type = 8, .ob_size = 16, .list_item = 24}};
	struct heap_gc_lists lists;
	uint64_t sum = 0;
	struct heap *h;

	(void)state;
	for (size_t i = 0; i < TYPES; i++) {
		item[i] = (uintptr_t)object[i];
		object[i][1] = i < 10 ? 0 : i < 30 ? 77 : i;
	}
	list[2] = TYPES;
	list[3] = (uintptr_t)item;
	assert_int_equal(heap_open(&rt, &h), 0);
	assert_int_equal(heap_gc_lists(h, &gc, &lists), 0);
	assert_int_equal(lists.garbage, TYPES);
	assert_in_range(lists.n_types, 100, 2000);
	assert_int_equal(lists.type[0].type, 77);
	assert_int_equal(lists.type[0].count, 21);
	for (size_t i = 0; i < lists.n_types; i++) {
		assert_int_not_equal(lists.type[i].type, 0);
		sum += lists.type[i].count;
	}
	assert_int_equal(sum + lists.others, TYPES);
	heap_gc_lists_free(&lists);
	heap_close(h);
	proc_close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_is_ended_leaves_the_last),
		cmocka_unit_test(lists_that_are_not_there_have_no_length),
		cmocka_unit_test(types_of_garbage_are_bounded),
		cmocka_unit_test(names_that_are_out_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
