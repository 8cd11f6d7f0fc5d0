/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* By how much the parts of memory grow, how long a final report waits for them, and what is told
 * when a reading fails. Readings are made up: they go in where real ones do. */
#include "base/thread.h"
#include "heap/inside.h"
#include "heap/parts.h"
#include "memory/view.h"

#include "unit/self.h"

#include <unistd.h>

#define LIVE_OF_THREAD 42
#define FAILS_AT       2
#define PROCESSES      4

static bool is_crowded, is_gone;

/* The number of the reading is what lives. */
static int read_parts(const struct heap *h, struct heap_parts *out)
{
	static unsigned n;

	if (h && h->watch)
		return h->watch(NULL, h->watch_ctx);
	*out = (struct heap_parts){.python_live = ++n};
	return n == FAILS_AT ? fail(-EMFILE, "too many open files") : 0;
}

#define thread_is_crowded() is_crowded
#define view_open(v, ...)   (*(v) = (struct view){0}, 0)
#define view_close(v)	    (void)(v)
#define heap_parts(h, out)  read_parts(h, out)
#define proc_memory_gone(p) ((void)(p), is_gone)

#include "memory/parts.c"

/* Objects come for 30 s, 100 KiB in each, and then no more do. */
static double growth_over(double span_s)
{
	struct parts_log l = {
		.step = 1,
		.worker = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER}};
	struct retention_growth grew = {0};
	struct report_process p = {0};
	struct heap_parts h = {0};
	struct report *r;
	double growth;

	assert_int_equal(report_new(&r), 0);
	for (unsigned s = 0; s <= 60; s += 6) {
		h.python_live = 102400ull * (s < 30 ? s : 30);
		keep(&l, s, &h);
	}
	assert_int_equal(parts_fill(&l, 0, span_s, r, &p, &grew), 0);
	growth = p.parts->growth[PART_PYTHON_LIVE];
	report_free(r);
	return growth;
}

/* The growth told of RSS is that of its last stretch, and so is that of the parts. */
static void parts_grow_over_the_span_of_rss(void **state)
{
	(void)state;
	assert_true(growth_over(INFINITY) > 10240);
	assert_true(growth_over(28) == 0);
	assert_true(growth_over(1) == 0); /* by the fewest */
}

/* Attaching touches pages of files once, and a short run has no other reading to begin with. */
static void pages_touched_at_first_are_no_growth(void **state)
{
	static const uint64_t file[][3] = {{0, 600, 600}, {0, 600, 660}, {0, 60, 120}};
	static const double told[] = {0, 20, 20};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(file); i++) {
		struct parts_log l = {.step = 1,
				      .worker = {.lock = PTHREAD_MUTEX_INITIALIZER,
						 .wake = PTHREAD_COND_INITIALIZER}};
		struct report_parts out = {0};
		struct heap_parts h = {0};

		for (unsigned s = 0; s < 3; s++) {
			h.file = 4096 * file[i][s];
			keep(&l, 3 * s, &h);
		}
		fit(&l, INFINITY, &out);
		assert_float_equal(out.growth[PART_FILE], 4096 * told[i], 1);
	}
}

static uint64_t work_ns; /* time that the thread takes for a reading */

/* The thread: reads once more if somebody waits for that. */
static void read_when_asked(void *log)
{
	const struct heap_parts h = {.python_live = LIVE_OF_THREAD};
	struct parts_log *l = log;

	if (worker_rest(&l->worker, 10 * WAIT_NS) && worker_sleep(&l->worker, work_ns))
		keep(l, 1, &h);
}

/* Begins with a reading of @cost_ns in which one byte of Python's memory lived. */
static void set_up(struct parts_log *l, uint64_t cost_ns)
{
	const struct heap_parts h = {.python_live = 1, .cost_ns = cost_ns};

	*l = (struct parts_log){.step = 1, .worker = {.job = read_when_asked, .arg = l}};
	assert_int_equal(worker_start(&l->worker), 0);
	keep(l, 0, &h);
}

/* Returns what lives by the final report of @now_ns. */
static uint64_t live_at_last(struct parts_log *l, uint64_t now_ns)
{
	struct retention_growth grew = {0};
	struct report_process p = {0};
	struct report *r;
	uint64_t live;

	assert_int_equal(report_new(&r), 0);
	r->final = true;
	assert_int_equal(parts_fill(l, now_ns, INFINITY, r, &p, &grew), 0);
	assert_true(l->worker.stop); /* it ends beside what is still to be done */
	live = p.parts->bytes[PART_PYTHON_LIVE];
	report_free(r);
	return live;
}

static uint64_t live_of_one(uint64_t cost_ns)
{
	static struct parts_log l;
	uint64_t live;

	set_up(&l, cost_ns);
	live = live_at_last(&l, clock_ns());
	assert_true(worker_stop(&l.worker, 0));
	return live;
}

static void a_final_report_waits_for_what_is_quick(void **state)
{
	(void)state;
	is_crowded = false;
	work_ns = CROWDED_NS + 20000000;
	assert_int_equal(live_of_one(QUICK_NS - 1), LIVE_OF_THREAD);
	assert_int_equal(live_of_one(QUICK_NS), 1);
	is_crowded = true;
	work_ns = 4 * CROWDED_NS;
	assert_int_equal(live_of_one(0), 1);
	work_ns = 0;
	assert_int_equal(live_of_one(0), LIVE_OF_THREAD);
}

static void it_waits_once_for_all_processes(void **state)
{
	static struct parts_log l[PROCESSES];
	uint64_t now = clock_ns();

	(void)state;
	is_crowded = false;
	work_ns = CROWDED_NS;
	for (size_t i = 0; i < PROCESSES; i++)
		set_up(&l[i], 0);
	/* All are read by the moment to which the first one is waited for. */
	for (size_t i = 0; i < PROCESSES; i++)
		parts_ask_last(&l[i]);
	for (size_t i = 0; i < PROCESSES; i++)
		assert_int_equal(live_at_last(&l[i], now), LIVE_OF_THREAD);
	for (size_t i = 0; i < PROCESSES; i++)
		assert_true(worker_stop(&l[i].worker, 0));
	/* None is. */
	work_ns = 10 * WAIT_NS;
	now = clock_ns();
	for (size_t i = 0; i < PROCESSES; i++) {
		set_up(&l[i], 0);
		assert_int_equal(live_at_last(&l[i], now), 1);
	}
	assert_in_range(clock_ns() - now, WAIT_NS, 2 * WAIT_NS);
	for (size_t i = 0; i < PROCESSES; i++)
		assert_true(worker_stop(&l[i].worker, 0));
}

/* Where the end is known it is not waited for what was asked for in time, nor is that asked twice.
 */
static void one_that_was_asked_for_before_is_there(void **state)
{
	static struct parts_log l;

	(void)state;
	work_ns = 0;
	set_up(&l, 0);
	parts_ask_last(&l);
	for (int i = 0; i < 500 && !worker_is_done(&l.worker); i++)
		usleep(10000);
	assert_int_equal(live_at_last(&l, 0), LIVE_OF_THREAD);
	assert_true(worker_stop(&l.worker, 0));
}

static uint64_t live_now(struct parts_log *l)
{
	uint64_t live;

	pthread_mutex_lock(&l->worker.lock);
	live = l->has_last ? l->last.v.bytes[PART_PYTHON_LIVE] : 0;
	pthread_mutex_unlock(&l->worker.lock);
	return live;
}

/* Waits for one reading more. */
static void read_again(struct parts_log *l)
{
	ask(l);
	await(l, clock_ns());
}

/* Descriptors ran out for a moment. */
static void one_that_fails_is_not_the_last(void **state)
{
	static struct parts_log l;

	(void)state;
	is_crowded = false;
	l = (struct parts_log){.step = 1, .worker = {.job = work, .arg = &l}};
	assert_int_equal(worker_start(&l.worker), 0);
	for (int i = 0; i < 500 && !live_now(&l); i++)
		usleep(10000);
	for (unsigned n = 1; n <= FAILS_AT + 1; n++) {
		assert_int_equal(live_now(&l), n == FAILS_AT ? n - 1 : n);
		read_again(&l);
	}
	is_gone = true;
	read_again(&l);
	assert_true(worker_await(&l.worker, WAIT_NS));
	assert_true(worker_stop(&l.worker, 0));
}

static int end_at_once(const struct heap_progress *at, void *ctx)
{
	bool *was_asked = ctx;

	(void)at;
	*was_asked = true;
	return fail(-ECANCELED, "interrupted");
}

/* A census that has counted all tells it, though a Ctrl-C left the parts out. */
static void one_reading_can_be_ended(void **state)
{
	struct proc *self = self_open();
	struct py_runtime rt = {.proc = self, .minor = 11};
	struct report_process p = {0};
	bool was_asked = false;
	struct report *r;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	assert_int_equal(parts_once(&rt, end_at_once, &was_asked, r, &p), 0);
	assert_true(was_asked);
	assert_null(p.parts);
	report_free(r);
	proc_close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_grow_over_the_span_of_rss),
		cmocka_unit_test(pages_touched_at_first_are_no_growth),
		cmocka_unit_test(a_final_report_waits_for_what_is_quick),
		cmocka_unit_test(it_waits_once_for_all_processes),
		cmocka_unit_test(one_that_was_asked_for_before_is_there),
		cmocka_unit_test(one_that_fails_is_not_the_last),
		cmocka_unit_test(one_reading_can_be_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
