/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When a process of a sweep is judged. Readings are made up: they go in where real ones do. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define proc_alive     is_alive
#define process_cpu_ns cpu_of
#include "sweep/growth.c"

#include "unit.h"

#define SECOND 1000000000ull
#define ROUND  2 /* seconds between readings */

static unsigned files_read;

bool proc_alive(const struct proc *p)
{
	(void)p;
	files_read++;
	return true;
}

uint64_t process_cpu_ns(int pid)
{
	(void)pid;
	return 5;
}

static struct growth *begin(void)
{
	struct growth *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	g->start_ns = 1000 * SECOND;
	g->has_pools = true;
	assert_int_equal(series_new(VALUES, BUCKET_S, &g->series), 0);
	return g;
}

static void end(struct growth *g)
{
	series_free(g->series);
	free(g);
}

/* Nobody hears that it grows, as though it went on. */
static void one_that_has_ended_grew(void **state)
{
	const struct curve c = {.shape = CURVE_RISING, .slope = 2048, .since_s = 20};
	struct report_process p = {0};
	struct report *r = NULL;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	fill_verdict(&c, "not probed yet", r, &p);
	assert_string_equal(p.reason, "grows by 2.0 KiB/s for 20 s, not probed yet");
	p.exited = true;
	fill_verdict(&c, "not probed yet", r, &p);
	assert_string_equal(p.reason, "grew by 2.0 KiB/s for 20 s, not probed yet");
	report_free(r);
}

/* A reading after @t seconds. True: it was judged. */
static bool read_at(struct growth *g, unsigned t, double live, bool rests)
{
	const double v[VALUES] = {[VALUE_RSS] = 5e7, [VALUE_ANON] = 4e7, [VALUE_LIVE] = live};
	uint64_t before = g->judged_ns;

	g->rests = rests;
	add(g, g->start_ns + t * SECOND, v);
	return g->judged_ns != before;
}

static double wavers(unsigned t)
{
	return 2e7 + 1e5 * (t / ROUND % 3);
}

static void many_readings_share_a_judgement(void **state)
{
	struct growth *g = begin();
	unsigned judged = 0;

	(void)state;
	/* Each, while little is known. */
	for (unsigned t = ROUND; t <= 48; t += ROUND)
		assert_true(read_at(g, t, wavers(t), false));
	/* A 24th of the time it was watched is new, and a reading in between. */
	for (unsigned t = 50; t <= 240; t += ROUND) {
		judged += read_at(g, t, wavers(t), false);
		assert_true(g->read_ns - g->judged_ns <= t * SECOND / JUDGE_PART + ROUND * SECOND);
	}
	assert_in_range(judged, 20, 60);
	judged = 0;
	for (unsigned t = 242; t <= 1240; t += ROUND) {
		judged += read_at(g, t, wavers(t), false);
		assert_true(g->read_ns - g->judged_ns <= JUDGE_NS);
	}
	assert_in_range(judged, 99, 101);
	end(g);
}

static void a_report_rests_on_all_that_was_read(void **state)
{
	struct growth *g = begin();
	double span_s;

	(void)state;
	for (unsigned t = ROUND; t <= 600 || g->judged_ns == g->read_ns; t += ROUND)
		read_at(g, t, wavers(t), false);
	span_s = growth_curve(g)->span_s;
	assert_true(curve_now(g)->span_s >= span_s + ROUND);
	assert_int_equal(g->judged_ns, g->read_ns);
	end(g);
}

static void a_late_growth_is_seen_ten_seconds_later_at_most(void **state)
{
	struct growth *g = begin(), *each = begin();
	unsigned seen = 0, seen_by_each = 0;

	(void)state;
	for (unsigned t = ROUND; t <= 900 && !seen; t += ROUND) {
		double live = wavers(t) + (t > 600 ? 1e5 * (t - 600) : 0);

		read_at(g, t, live, false);
		read_at(each, t, live, false);
		if (rises(growth_curve(g)))
			seen = t;
		if (rises(curve_now(each)) && !seen_by_each)
			seen_by_each = t;
	}
	assert_true(seen_by_each > 600);
	assert_in_range(seen, seen_by_each, seen_by_each + 10);
	end(g);
	end(each);
}

/* A leak of C code's blocks that keeps a small object for each, or objects alone: their arenas come
 * by the MiB. */
static void memory_beside_the_pools_counts(void **state)
{
	const struct {
		double objects, blocks, slope;
	} of[] = {{2e3, 4e5, 4e5}, {1.5e5, 0, 1.5e5}, {1.5e5, 2e5, 1.5e5}};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(of); k++) {
		struct growth *g = begin();

		for (unsigned t = ROUND; t <= 120; t += ROUND) {
			double live = of[k].objects * t;
			const double v[VALUES] = {
				[VALUE_RSS] = 5e7,
				[VALUE_ANON] =
					3e7 + ceil(live / 1048576) * 1048576 + of[k].blocks * t,
				[VALUE_LIVE] = 2e7 + live,
			};

			add(g, g->start_ns + t * SECOND, v);
		}
		assert_float_equal(curve_now(g)->slope, of[k].slope, of[k].slope / 10);
		end(g);
	}
}

static void one_that_rests_is_judged_until_it_is_level(void **state)
{
	struct growth *g = begin();
	unsigned t, judged = 0;

	(void)state;
	for (t = ROUND; t <= 600; t += ROUND)
		read_at(g, t, 2e7 + 1e5 * t, false);
	assert_true(rises(growth_curve(g)));
	for (; t <= 3000; t += ROUND)
		read_at(g, t, 8e7, true);
	assert_true(is_level(growth_curve(g)));
	for (; t <= 3600; t += ROUND)
		judged += read_at(g, t, 8e7, true);
	assert_int_equal(judged, 0);
	end(g);
}

static void what_it_did_before_it_rested_is_judged(void **state)
{
	struct growth *g = begin();
	unsigned t, judged = 0;

	(void)state;
	for (t = ROUND; t <= 600 || g->judged_ns == g->read_ns; t += ROUND)
		read_at(g, t, 2e7, false);
	assert_true(is_level(growth_curve(g)));
	for (unsigned until = t + 60; t < until; t += ROUND)
		judged += read_at(g, t, 2e7, true);
	assert_int_equal(judged, 1);
	end(g);
}

/* Nor is one that has ended taken for one that rests. */
static void no_file_is_read_of_one_that_rests(void **state)
{
	struct growth *g = begin();
	struct proc p = {0};

	(void)state;
	p.pid = fork();
	if (!p.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	p.pidfd = (int)syscall(SYS_pidfd_open, p.pid, 0);
	assert_true(p.pidfd >= 0);
	g->proc = &p;
	g->limits_due = UINT64_MAX;
	g->cpu_ns = process_cpu_ns(p.pid);
	assert_true(growth_read(g));
	assert_true(g->rests);
	assert_int_equal(files_read, 0);
	kill(p.pid, SIGKILL);
	poll(&(struct pollfd){.fd = p.pidfd, .events = POLLIN}, 1, 10000);
	assert_false(growth_read(g));
	waitpid(p.pid, NULL, 0);
	close(p.pidfd);
	end(g);
}

static bool comes_to_wait(const struct proc *p, bool is_stuck)
{
	struct proc_memory m;

	for (int i = 0; i < 10000; i++, usleep(1000))
		if (!proc_memory(p, &m) && !m.stuck == !is_stuck)
			return true;
	return false;
}

/* The child of a vfork() keeps its parent in state D, as silent storage does. */
static void wait_for_a_child(int to)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!vfork()) {
		const pid_t pid = getpid();

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(to, &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		for (;;)
			pause();
	}
	for (;;)
		pause();
}

static void one_that_is_stuck_is_not_read(void **state)
{
	struct growth *g = begin();
	struct proc p = {0};
	pid_t child = 0;
	int told[2];

	(void)state;
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	p.pid = fork();
	if (!p.pid)
		wait_for_a_child(told[1]);
	assert_int_equal(read(told[0], &child, sizeof(child)), sizeof(child));
	p.pidfd = (int)syscall(SYS_pidfd_open, p.pid, 0);
	assert_true(p.pidfd >= 0);
	g->proc = &p;
	g->limits_due = UINT64_MAX;
	g->has_pools = false;
	assert_true(comes_to_wait(&p, true));
	for (int i = 0; i < 3; i++) {
		assert_true(growth_read(g));
		assert_int_equal(g->read_ns, 0);
	}
	kill(child, SIGKILL);
	assert_true(comes_to_wait(&p, false));
	assert_true(growth_read(g));
	assert_true(g->read_ns > 0);
	assert_true(g->memory.rss_bytes > 0);
	kill(p.pid, SIGKILL);
	waitpid(p.pid, NULL, 0);
	close(p.pidfd);
	close(told[0]);
	close(told[1]);
	end(g);
}

static void a_large_heap_is_read_in_turn(void **state)
{
	struct growth *g = begin();

	(void)state;
	assert_int_equal(what_to_read(g, false), ALL_POOLS);
	/* A server of 30 MB. */
	g->pools = 500;
	assert_int_equal(what_to_read(g, false), SOME_POOLS);
	g->pools = 100000;
	assert_int_equal(what_to_read(g, false), SOME_POOLS);
	/* Pools that were not read again are read once the process rests. */
	assert_int_equal(what_to_read(g, true), NOTHING);
	g->in_turn = true;
	assert_int_equal(what_to_read(g, true), ALL_POOLS);
	end(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_readings_share_a_judgement),
		cmocka_unit_test(a_report_rests_on_all_that_was_read),
		cmocka_unit_test(a_late_growth_is_seen_ten_seconds_later_at_most),
		cmocka_unit_test(memory_beside_the_pools_counts),
		cmocka_unit_test(one_that_rests_is_judged_until_it_is_level),
		cmocka_unit_test(what_it_did_before_it_rested_is_judged),
		cmocka_unit_test(no_file_is_read_of_one_that_rests),
		cmocka_unit_test(one_that_is_stuck_is_not_read),
		cmocka_unit_test(a_large_heap_is_read_in_turn),
		cmocka_unit_test(one_that_has_ended_grew),
	};

	return cmocka_run_group_tests_name("growth", tests, NULL, NULL);
}
