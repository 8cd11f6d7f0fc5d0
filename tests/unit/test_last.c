/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last report of several processes: what it waits for in all of them together. */
#include "unit.h"

#define session_ask_last ask_one
#include "command/watch_report.c"

#include <dirent.h>
#include <time.h>

#include "session/holders_priv.h"

#define WAIT_NS	  200000000ull
#define PROCESSES 4

struct watched {
	struct session s;
	struct holders h;
};

/* A search that does not come to its end. */
static void search(void *worker)
{
	while (worker_rest(worker, WAIT_NS / 20))
		;
}

static void set_up(struct watched *w)
{
	*w = (struct watched){.s.o.wait_s = (double)WAIT_NS / 1e9, .h.s = &w->s};
	w->h.inquiry.worker = (struct worker){.job = search, .arg = &w->h.inquiry.worker};
	assert_int_equal(worker_start(&w->h.inquiry.worker), 0);
	w->h.inquiry.running = true;
}

static void tear_down(struct watched *w)
{
	assert_true(inquiry_stop(&w->h.inquiry));
	for (size_t i = 0; i < w->s.notes.n; i++)
		free(w->s.notes.v[i]);
}

static void it_waits_once_for_all_searches(void **state)
{
	const struct report_process p = {0};
	uint64_t now = clock_ns();
	const struct observation to = {.now_ns = now, .until_ns = now + WAIT_NS};
	static struct watched w[PROCESSES];

	(void)state;
	for (size_t i = 0; i < PROCESSES; i++)
		set_up(&w[i]);
	for (size_t i = 0; i < PROCESSES; i++) {
		assert_true(holders_ask_last(&w[i].h, &to, &p));
		assert_true(w[i].h.left_out);
		assert_int_equal(w[i].s.notes.n, 1);
		assert_true(w[i].h.inquiry.worker.stop); /* it ends beside the others' reports */
	}
	assert_in_range(clock_ns() - now, WAIT_NS, 2 * WAIT_NS);
	for (size_t i = 0; i < PROCESSES; i++)
		tear_down(&w[i]);
}

static unsigned asked;

void session_ask_last(struct session *s)
{
	(void)s;
	asked++;
}

/* Where the end is known. */
static void answers_are_begun_before_it(void **state)
{
	static struct watch w = {.n = PROCESSES, .o = {.duration_s = 60}};

	(void)state;
	for (size_t i = 1; i < PROCESSES; i++)		    /* the first one has ended */
		w.target[i].session = (struct session *)&w; /* nobody looks into it */
	w.start_ns = clock_ns();
	watch_near_end(&w);
	assert_int_equal(asked, 0);
	w.start_ns -= (uint64_t)((60 - LAST_S / 2) * 1e9);
	watch_near_end(&w);
	assert_int_equal(asked, PROCESSES - 1);
	w.o.duration_s = 0; /* until Ctrl-C */
	watch_near_end(&w);
	assert_int_equal(asked, PROCESSES - 1);
}

static size_t threads(void)
{
	DIR *d = opendir("/proc/self/task");
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* The thread that counts by type rests for two seconds at first. */
static void a_last_report_ends_the_census(void **state)
{
	const struct timespec nap = {.tv_nsec = 10000000};
	struct proc p = {.pid = getpid()};
	struct session s = {.proc = &p};
	struct evidence e = {0};
	struct observation to = {.e = &e};
	void *types = calloc(1, types_source.size);
	uint64_t until = clock_ns() + 1000000000;
	size_t before = threads();

	(void)state;
	assert_int_equal(report_new(&to.r), 0);
	assert_int_equal(types_source.open(types, &s), 0);
	assert_int_equal(types_source.observe(types, &to), 0);
	assert_int_equal(threads(), before + 1);
	to.r->final = true;
	assert_int_equal(types_source.observe(types, &to), 0);
	while (threads() > before && clock_ns() < until)
		nanosleep(&nap, NULL);
	assert_int_equal(threads(), before);
	assert_true(types_source.close(types));
	free(types);
	report_free(to.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_waits_once_for_all_searches),
		cmocka_unit_test(answers_are_begun_before_it),
		cmocka_unit_test(a_last_report_ends_the_census),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
