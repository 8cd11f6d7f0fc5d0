/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stamps of reads under way: who is seen, how old, from where. */
#include "base/reading.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "probe/host.h"

#include "unit/unit.h"

#define MS 1000000ull

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000 * 1000}, NULL);
}

static void the_oldest_counts(void **state)
{
	int a, b;

	(void)state;
	assert_int_equal(reading_oldest_ns(), 0);
	a = reading_begin();
	assert_true(a >= 0);
	assert_true(reading_oldest_ns() > 0);
	pause_ms(60);
	b = reading_begin();
	assert_int_not_equal(a, b);
	assert_true(reading_oldest_ns() >= 40 * MS); /* one tick is 10 ms at most */
	reading_end(a);
	assert_in_range(reading_oldest_ns(), 1, 40 * MS);
	reading_end(b);
	assert_int_equal(reading_oldest_ns(), 0);
}

static void no_more_than_there_are_slots(void **state)
{
	int slot[READING_SLOTS];

	(void)state;
	for (int i = 0; i < READING_SLOTS; i++)
		assert_true((slot[i] = reading_begin()) >= 0);
	assert_int_equal(reading_begin(), -EAGAIN);
	reading_end(slot[7]);
	assert_int_equal(reading_begin(), slot[7]);
	for (int i = 0; i < READING_SLOTS; i++)
		reading_end(slot[i]);
	assert_int_equal(reading_oldest_ns(), 0);
}

/* A signal that ends the program ends the reads of the thread it came to, and no other's: one that
 * has just taken a slot which was ours is not to be seen without its stamp. */
static void abandons_its_own_alone(void **state)
{
	int mine = reading_begin(), freed = reading_begin();
	struct reading_slot *slot = reading_page()->row[0].slot;

	(void)state;
	reading_end(freed);
	atomic_store(&slot[freed].since_ns, 1); /* as another thread, whose number is to come */
	reading_abandon();
	assert_int_equal(atomic_load(&slot[mine].since_ns), 0);
	assert_int_equal(atomic_load(&slot[freed].since_ns), 1);
	atomic_store(&slot[freed].since_ns, 0);
	assert_int_equal(reading_begin(), freed);
	reading_end(freed);
}

static void *read_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 200000; i++) {
		int slot = reading_begin();

		if (slot < 0)
			return (void *)1;
		reading_end(slot);
	}
	return NULL;
}

static void threads_do_not_share_a_slot(void **state)
{
	pthread_t t[4];
	int slot = reading_begin();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(thread_start(&t[i], read_often, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		void *bad;

		assert_true(reading_oldest_ns() > 0);
		pthread_join(t[i], &bad);
		assert_null(bad);
	}
	assert_true(reading_page()->row[0].slot[slot].since_ns > 0);
	reading_end(slot);
	assert_int_equal(reading_oldest_ns(), 0);
}

/* A child tells by its status whether it saw a read of ours. */
static int seen_by(pid_t child)
{
	int status = 0;

	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static pid_t watch_from_child(void)
{
	pid_t child = fork();

	if (child)
		return child;
	for (int i = 0; i < 100; i++) {
		if (reading_oldest_ns() >= 40 * MS)
			_exit(1);
		pause_ms(10);
	}
	_exit(0);
}

static void a_child_sees_it_once_shared(void **state)
{
	pid_t before = watch_from_child(), after;
	const struct reading_page *page;
	int slot;

	(void)state;
	assert_int_equal(reading_share(), 0);
	page = reading_page();
	assert_int_equal(reading_share(), 0);
	assert_ptr_equal(page, reading_page());
	after = watch_from_child();
	slot = reading_begin();
	assert_int_equal(seen_by(after), 1);
	reading_end(slot);
	assert_int_equal(seen_by(before), 0);
}

static void switch_soon(void *arg, uint64_t ns)
{
	(void)arg;
	atomic_store(&reading_page()->switching_ns, clock_ns() + ns);
}

/* Two milliseconds, fifty for a walk, and not at all when whoever switched is done. */
static void readers_wait_for_a_switch(void **state)
{
	uint64_t began = clock_ns();
	int slot;

	switch_soon(state, 1000 * MS);
	slot = reading_begin();
	assert_in_range(clock_ns() - began, 2 * MS, 40 * MS);
	assert_true(reading_oldest_ns() > 0);
	reading_end(slot);
	began = clock_ns();
	slot = reading_begin_walk(0);
	assert_in_range(clock_ns() - began, 50 * MS, 120 * MS);
	reading_end(slot);
	began = clock_ns();
	switch_soon(state, 0); /* whoever switched has ended without a word */
	reading_end(reading_begin());
	assert_in_range(clock_ns() - began, 0, 2 * MS);
	atomic_store(&reading_page()->switching_ns, 0);
}

static void a_file_is_known_by_what_is_in_it(void **state)
{
	int self = open("/proc/self/exe", O_RDONLY), again = open("/proc/self/exe", O_RDONLY);
	int other = open("/bin/sh", O_RDONLY);

	(void)state;
	assert_true(reading_code_of(self) && reading_code_of(self) == reading_code_of(again));
	assert_true(reading_code_of(other) && reading_code_of(other) != reading_code_of(self));
	assert_int_equal(reading_code_of(-1), 0);
	close(self);
	close(again);
	close(other);
}

static void costs_little(void **state)
{
	uint64_t start = thread_cpu_ns();

	(void)state;
	assert_null(read_often(NULL));
	print_message("%.1f ns each\n", (double)(thread_cpu_ns() - start) / 200000);
	assert_true(thread_cpu_ns() - start < 200000 * 500ull);
}

/* The row of a copy that was killed, which another one takes, to read at once. */
static void who_takes_the_row_of_a_dead_one_keeps_its_stamps(void **state)
{
	enum { LEFT, REPLACED, NEW, ALL };
	static struct reading_row row;
	struct host_stamps seen;

	(void)state;
	for (int i = LEFT; i <= REPLACED; i++) {
		row.slot[i].since_ns = 50 * MS;
		row.slot[i].tid = 70;
	}
	host_stamps_see(&row, &seen);
	for (int i = REPLACED; i <= NEW; i++) {
		row.slot[i].since_ns = 60 * MS;
		row.slot[i].tid = 80;
	}
	host_stamps_clear(&row, &seen);
	for (int i = 0; i < ALL; i++) {
		assert_int_equal(row.slot[i].since_ns, i == LEFT ? 0 : 60 * MS);
		assert_int_equal(row.slot[i].tid, i == LEFT ? 0 : 80);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_counts),
		cmocka_unit_test(no_more_than_there_are_slots),
		cmocka_unit_test(threads_do_not_share_a_slot),
		cmocka_unit_test(abandons_its_own_alone),
		cmocka_unit_test(costs_little),
		cmocka_unit_test(readers_wait_for_a_switch),
		cmocka_unit_test(a_file_is_known_by_what_is_in_it),
		cmocka_unit_test(a_child_sees_it_once_shared),
		cmocka_unit_test(who_takes_the_row_of_a_dead_one_keeps_its_stamps),
		cmocka_unit_test(costs_little),
	};

	return cmocka_run_group_tests_name("reading", tests, NULL, NULL);
}
