/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Readings of memory, one a second: kills in the group that the process is in, and the pools that
 * its allocator has. Groups and time are made up. */
#include "heap/inside.h"
#include "memory/limits.h"
#include "judge/judge.h"
#include "memory/memwatch.h"
#include "unit/self.h"

static struct proc_cgroup group;
static struct proc_limit nearest;
static uint64_t kills_now, now_ns = 1000000000;

#define limits_read(p, m, c, l) ((void)(p), (void)(m), (void)(*(l) = nearest), (void)(*(c) = group))
#define proc_cgroup_kills(c)	((void)(c), kills_now)
#define clock_ns()		now_ns
#include "memory/memwatch.c"

static struct py_runtime rt;
static struct memwatch *watch;

static void read_once(const struct heap *h, const struct heap_census *c)
{
	struct proc_memory m;

	assert_int_equal(proc_memory(rt.proc, &m), 0);
	now_ns += 1000000000;
	memwatch_read(watch, &rt, h, &m, c, (double)now_ns / 1e9, 0);
}

static void read_in(const char *path, uint64_t n)
{
	const struct heap h = {.rt = &rt};
	const struct heap_census c = {0};

	group = (struct proc_cgroup){.version = 2, .oom_kills = n};
	strcpy(group.path, path);
	read_once(&h, &c);
}

static bool is_told(uint64_t n)
{
	char text[400];

	kills_now = n;
	return memwatch_ended(watch, text, sizeof(text));
}

static int begin(void **state)
{
	(void)state;
	rt = (struct py_runtime){.proc = self_open(), .minor = 13, .layout = {.pool_size = 16384}};
	return memwatch_new(&watch);
}

static int end(void **state)
{
	(void)state;
	memwatch_free(watch);
	proc_close((struct proc *)(uintptr_t)rt.proc);
	return 0;
}

static void kills_of_before_are_not_told(void **state)
{
	(void)state;
	read_in("/a", 3);
	assert_false(is_told(3));
	assert_true(is_told(4));
}

static void kills_in_a_group_it_came_to_later_are_its_own(void **state)
{
	(void)state;
	read_in("/a", 3);
	read_in("/b", 7);
	assert_false(is_told(7));
	read_in("/b", 8);
	assert_true(is_told(8));
	read_in("/a", 4);
	assert_false(is_told(4));
}

/* Its pages have no one size; with debug hooks the allocator has another name. */
static void pages_of_mimalloc_are_no_pools(void **state)
{
	static const char layout;
	const struct heap pools = {.rt = &rt}, mimalloc = {.rt = &rt, .mi = (const void *)&layout};
	const struct heap_census c = {.pools = 100, .live = {50}, .big_bytes = 1000};

	(void)state;
	rt.allocator = PY_ALLOC_DEBUG;
	read_once(&mimalloc, &c);
	assert_int_equal(watch->pools_bytes, 1800);
	assert_int_equal(watch->live_bytes, 1800);
	read_once(&pools, &c);
	assert_int_equal(watch->pools_bytes, 100 * 16384);
}

/* 100 of 256 MiB may be used yet, and 600 go into swap. */
static void room_in_swap_is_none_below_the_limit(void **state)
{
	struct metrics m;

	(void)state;
	nearest = (struct proc_limit){
		.name = "cgroup /a", .limit = 256 << 20, .left_low = 700 << 20, .swap = 600 << 20};
	read_in("/a", 0);
	memwatch_metrics(watch, &m);
	assert_float_equal(m.v[METRIC_LIMIT], 100 * 156.0 / 256, 1e-9);
	nearest.left_low = nearest.swap = 0;
	read_in("/a", 0);
	memwatch_metrics(watch, &m);
	assert_float_equal(m.v[METRIC_LIMIT], 100, 1e-9);
	/* the limit was lowered below the page cache that may be given up */
	nearest.left_low = 300 << 20;
	read_in("/a", 0);
	memwatch_metrics(watch, &m);
	assert_float_equal(m.v[METRIC_LIMIT], 0, 1e-9);
	nearest = (struct proc_limit){0};
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kills_of_before_are_not_told, begin, end),
		cmocka_unit_test_setup_teardown(kills_in_a_group_it_came_to_later_are_its_own,
						begin, end),
		cmocka_unit_test_setup_teardown(pages_of_mimalloc_are_no_pools, begin, end),
		cmocka_unit_test_setup_teardown(room_in_swap_is_none_below_the_limit, begin, end),
	};

	return cmocka_run_group_tests_name("memwatch", tests, NULL, NULL);
}
