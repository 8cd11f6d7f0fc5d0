/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A job beside the main one: it rests, it ends when it is told to, and in time. */
#include "base/worker.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#define MS 1000000ull

struct job {
	struct worker worker;
	int err;      /* what worker_pace() ended it with */
	bool goes_on; /* what worker_rest() said */
	atomic_bool is_deaf, is_let_go;
	uint64_t work_ns;      /* of CPU time that it takes, 0 = until it is ended */
	uint64_t cpu_ns;       /* what it took */
	long naps;	       /* times that it gave up its CPU */
	uint64_t first_nap_ns; /* CPU time by then */
	int words;	       /* under the lock */
};

static long naps_of_this_thread(void)
{
	struct rusage u;

	assert_int_equal(getrusage(RUSAGE_THREAD, &u), 0);
	return u.ru_nvcsw;
}

static void walk(void *arg)
{
	struct job *j = arg;
	long before = naps_of_this_thread();

	while (!j->err && (!j->work_ns || thread_cpu_ns() < j->work_ns)) {
		uint64_t cpu_ns = thread_cpu_ns();

		j->err = worker_pace(&j->worker);
		if (!j->first_nap_ns && naps_of_this_thread() > before)
			j->first_nap_ns = cpu_ns;
	}
	j->naps = naps_of_this_thread() - before;
	j->cpu_ns = thread_cpu_ns();
}

static void rest(void *arg)
{
	struct job *j = arg;

	j->goes_on = worker_rest(&j->worker, 60000 * MS);
}

/* A time that is part of the job. */
static void pass_time(void *arg)
{
	struct job *j = arg;

	j->goes_on = worker_sleep(&j->worker, j->work_ns);
}

static void be_deaf(void *arg)
{
	struct job *j = arg;

	while (!j->is_let_go)
		usleep(1000);
}

static void answer(void *arg)
{
	struct job *j = arg;
	struct worker *w = &j->worker;

	pthread_mutex_lock(&w->lock);
	while (!j->words)
		worker_wait(w, WORKER_FOREVER);
	j->words++;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

static void start(struct job *j, void (*job)(void *))
{
	j->worker.job = job;
	j->worker.arg = j;
	assert_int_equal(worker_start(&j->worker), 0);
}

static void wait_done(struct job *j)
{
	uint64_t until = clock_ns() + 20000 * MS;

	while (!worker_is_done(&j->worker) && clock_ns() < until)
		usleep(1000);
	assert_true(worker_is_done(&j->worker));
}

static void a_walk_sleeps_twice_as_long_as_it_works(void **state)
{
	struct job j = {.work_ns = 100 * MS};
	uint64_t began = clock_ns();

	(void)state;
	start(&j, walk);
	wait_done(&j);
	assert_true(clock_ns() - began > 2 * j.work_ns);
	assert_true(j.naps >= 10);
	assert_true(worker_join(&j.worker, 0));
	assert_int_equal(j.err, 0);
}

static void what_is_quick_does_not_rest_before(void **state)
{
	struct job j = {.work_ns = 120 * MS};

	(void)state;
	j.worker.quick_ns = 60 * MS;
	start(&j, walk);
	wait_done(&j);
	assert_true(worker_join(&j.worker, 0));
	assert_true(j.first_nap_ns >= 55 * MS);
	assert_true(j.naps);
}

static void who_is_waited_for_does_not_rest(void **state)
{
	struct job j = {.work_ns = 300 * MS};

	(void)state;
	start(&j, walk);
	assert_true(worker_join(&j.worker, 20000 * MS));
	assert_int_equal(j.err, 0);
	assert_true(j.naps <= 10); /* at full pace 300 */
}

static void a_walk_ends_at_its_deadline(void **state)
{
	struct job j = {0};

	(void)state;
	j.worker.deadline_ns = clock_ns() + 50 * MS;
	start(&j, walk);
	wait_done(&j);
	assert_true(clock_ns() >= j.worker.deadline_ns);
	assert_true(worker_join(&j.worker, 0));
	assert_int_equal(j.err, -ETIME);
}

static void who_waits_sets_the_deadline(void **state)
{
	struct job j = {0};
	uint64_t began = clock_ns();

	(void)state;
	start(&j, walk);
	assert_true(worker_join(&j.worker, 50 * MS));
	assert_int_equal(j.err, -ETIME);
	assert_true(clock_ns() - began >= 50 * MS);
}

static void a_walk_ends_when_told(void **state)
{
	struct job j = {0};

	(void)state;
	start(&j, walk);
	assert_true(worker_stop(&j.worker, 0));
	assert_true(j.err == -ECANCELED || j.err == -ETIME);
}

static void a_rest_ends_when_told(void **state)
{
	struct job j = {.goes_on = true};
	uint64_t began = clock_ns();

	(void)state;
	start(&j, rest);
	assert_true(worker_stop(&j.worker, 0));
	assert_false(j.goes_on);
	assert_true(clock_ns() - began < 30000 * MS);
}

static void a_rest_ends_when_somebody_waits(void **state)
{
	struct job j = {0};

	(void)state;
	start(&j, rest);
	assert_true(worker_join(&j.worker, 0));
	assert_true(j.goes_on);
}

static void a_time_of_the_job_is_not_cut_short(void **state)
{
	struct job j = {.work_ns = 200 * MS};
	uint64_t began = clock_ns();

	(void)state;
	start(&j, pass_time);
	assert_true(worker_join(&j.worker, 20000 * MS));
	assert_true(j.goes_on);
	assert_true(clock_ns() - began >= j.work_ns);
	j.work_ns = 60000 * MS;
	start(&j, pass_time);
	assert_true(worker_stop(&j.worker, 0));
	assert_false(j.goes_on);
	assert_true(clock_ns() - began < 30000 * MS);
}

/* It does not end by that, and rests again when nobody waits any more. */
static void who_waits_for_a_while_waits_no_longer(void **state)
{
	struct job j = {0};
	uint64_t began = clock_ns();

	(void)state;
	start(&j, walk);
	assert_false(worker_await(&j.worker, 50 * MS));
	assert_true(clock_ns() - began >= 50 * MS);
	assert_false(j.worker.hurry);
	assert_true(worker_stop(&j.worker, 0));
	j = (struct job){.work_ns = 20 * MS};
	start(&j, walk);
	assert_true(worker_await(&j.worker, 20000 * MS));
	assert_true(worker_join(&j.worker, 0));
	assert_int_equal(j.err, 0);
}

static void who_does_not_hear_is_left_alone(void **state)
{
	struct job *j = calloc(1, sizeof(*j));
	uint64_t began = clock_ns();

	(void)state;
	assert_non_null(j);
	start(j, be_deaf);
	assert_false(worker_join(&j->worker, 0));
	assert_false(worker_is_done(&j->worker));
	assert_true(clock_ns() - began >= WORKER_STOP_NS);
	j->is_let_go = true;
	assert_true(worker_join(&j->worker, 0)); /* it may be asked again */
	start(j, be_deaf);
	assert_true(worker_join(&j->worker, 0)); /* and work again */
	j->is_let_go = false;
	start(j, be_deaf);
	assert_false(worker_stop(&j->worker, 0));
	j->is_let_go = true; /* what it uses stays */
	wait_done(j);
}

static void both_sides_hear_each_other(void **state)
{
	struct job j = {0};
	uint64_t until;

	(void)state;
	start(&j, answer);
	pthread_mutex_lock(&j.worker.lock);
	until = clock_ns() + 20 * MS;
	while (worker_wait(&j.worker, until))
		;
	assert_true(clock_ns() >= until);
	j.words = 1;
	pthread_cond_broadcast(&j.worker.wake);
	until = clock_ns() + 20000 * MS;
	while (j.words < 2)
		assert_true(worker_wait(&j.worker, until));
	pthread_mutex_unlock(&j.worker.lock);
	assert_true(worker_stop(&j.worker, WORKER_FOREVER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_sleeps_twice_as_long_as_it_works),
		cmocka_unit_test(what_is_quick_does_not_rest_before),
		cmocka_unit_test(who_is_waited_for_does_not_rest),
		cmocka_unit_test(a_walk_ends_at_its_deadline),
		cmocka_unit_test(who_waits_sets_the_deadline),
		cmocka_unit_test(a_walk_ends_when_told),
		cmocka_unit_test(a_rest_ends_when_told),
		cmocka_unit_test(a_rest_ends_when_somebody_waits),
		cmocka_unit_test(a_time_of_the_job_is_not_cut_short),
		cmocka_unit_test(who_waits_for_a_while_waits_no_longer),
		cmocka_unit_test(who_does_not_hear_is_left_alone),
		cmocka_unit_test(both_sides_hear_each_other),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
