/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Births by the stack that made them, over time, and whether a site keeps its part of them. */
#include "base/thresholds.h"
#include "base/traffic.h"
#include "unit/unit.h"

#include <math.h>

#define S	1000000000ull
#define APP	7 /* roots */
#define BEAT	8
#define MOMENTS 24

static struct traffic t;
static struct traffic_kept k;

static int begin(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	memset(&k, 0, sizeof(k));
	return 0;
}

/* A window with @n births of @stack, and @others of stack 5. */
static void add(uint64_t stack, uint64_t n, uint64_t others, uint64_t now_ns)
{
	struct map64 births = {0};

	*map64_put(&births, stack) += n;
	*map64_put(&births, 5) += others;
	traffic_add(&t, &births, now_ns);
	map64_free(&births);
}

static void neighbours_are_joined(void **state)
{
	double sum = 0;
	size_t i = 1;

	(void)state;
	for (uint64_t n = 1; n <= 1000; n++)
		add(6, n, 1, n * S);
	assert_true(t.n_moments > TRAFFIC_MOMENTS / 2 && t.n_moments <= TRAFFIC_MOMENTS);
	assert_int_equal(t.until_ns[t.n_moments - 1], 1000 * S);
	while (t.row[i].stack != 6)
		i++;
	for (size_t m = 0; m < t.n_moments; m++)
		sum += t.row[i].n[m];
	assert_true(sum == 1000 * 1001 / 2);
	/* as many windows in each but the last */
	assert_int_equal(t.until_ns[0], t.most * S);
	assert_int_equal(t.until_ns[1], 2 * t.most * S);
	assert_int_equal(traffic_moment(&t, 1), 0);
	assert_int_equal(traffic_moment(&t, t.most * S), 0);
	assert_int_equal(traffic_moment(&t, t.most * S + 1), 1);
	assert_int_equal(traffic_moment(&t, 1000 * S + 1), t.n_moments);
}

/* Half of the rows are for whoever comes first, the others for those who make much. */
static void rare_stacks_share_a_row(void **state)
{
	(void)state;
	for (uint64_t stack = 100; stack < 100 + TRAFFIC_STACKS; stack++)
		add(stack, 1, 1000, (stack - 99) * S);
	assert_int_equal(t.n_rows, TRAFFIC_STACKS / 2);
	add(99, 500, 1000, 1000 * S);
	assert_int_equal(t.n_rows, TRAFFIC_STACKS / 2 + 1);
	assert_int_equal(t.row[t.n_rows - 1].stack, 99);
	for (uint64_t stack = 1000; stack < 1000 + TRAFFIC_STACKS; stack++)
		add(stack, 500, 1000, stack * S);
	assert_int_equal(t.n_rows, TRAFFIC_STACKS);
	assert_true(t.row[0].n[t.n_moments - 1] > 0);
}

static void threads_begin_where_they_say(void **state)
{
	uint64_t run = traffic_root("run", "/usr/lib/python3.11/threading.py");

	(void)state;
	assert_int_equal(run, 0);
	assert_int_equal(traffic_root("_bootstrap", "threading.py"), 0);
	assert_int_not_equal(traffic_root("run", "/srv/my_threading.py"), 0);
	assert_int_equal(traffic_root("f", "/srv/a.py"), traffic_root("f", "/srv/a.py"));
	assert_int_not_equal(traffic_root("f", "/srv/a.py"), traffic_root("f", "/srv/b.py"));
	assert_int_not_equal(traffic_root("f", "/srv/a.py"), traffic_root("g", "/srv/a.py"));
}

/* Births by moment: each time as many, or falling to a third. */
enum how { NONE, ALWAYS, EBBS };

static double births(enum how how, size_t m, double n)
{
	return how == NONE ? 0 : how == ALWAYS ? n : round(n * (1 - 0.7 * (double)m / MOMENTS));
}

static void row(size_t i, uint64_t root, enum how how, double n)
{
	t.n_rows = i + 1;
	t.n_moments = MOMENTS;
	t.row[i] = (struct traffic_row){.stack = 100 + i, .root = root};
	for (size_t m = 0; m < MOMENTS; m++) {
		t.until_ns[m] = (m + 1) * S;
		t.row[i].n[m] = (uint32_t)births(how, m, n);
	}
}

static enum traffic_pace kept(enum how how, double n)
{
	k = (struct traffic_kept){.until_ns = MOMENTS * S, .root = APP, .ebbed = 0.5};
	for (size_t m = 0; m < MOMENTS; m++)
		k.n[m] = k.squares[m] = births(how, m, n);
	return traffic_judge(&t, &k);
}

static void a_leak_goes_with_its_requests(void **state)
{
	(void)state;
	row(0, 0, NONE, 0);
	row(1, APP, EBBS, 2000);
	row(2, APP, EBBS, 10);
	assert_int_equal(kept(EBBS, 20), TRAFFIC_EVEN);
	assert_int_equal(kept(ALWAYS, 20), TRAFFIC_EVEN); /* it gets more */
	/* too few to say so */
	assert_int_equal(kept(EBBS, 1.5), TRAFFIC_UNKNOWN);
	assert_int_equal(kept(NONE, 0), TRAFFIC_UNKNOWN);
	/* a thread that does something all the time: a little, and too much */
	row(3, BEAT, ALWAYS, 150);
	assert_int_equal(kept(EBBS, 20), TRAFFIC_EVEN);
	row(3, BEAT, ALWAYS, 600);
	assert_int_equal(kept(EBBS, 20), TRAFFIC_UNKNOWN);
}

/* Hits of its cache go on, be they however few. */
static void a_cache_falls_behind_its_hits(void **state)
{
	(void)state;
	row(0, 0, NONE, 0);
	row(1, APP, EBBS, 2000);
	row(2, APP, ALWAYS, 50);
	assert_int_equal(kept(EBBS, 100), TRAFFIC_UNKNOWN);
	/* of an unknown thread, or of stacks that have no row of their own */
	row(2, 0, ALWAYS, 50);
	assert_int_equal(kept(EBBS, 100), TRAFFIC_UNKNOWN);
	row(2, BEAT, ALWAYS, 50);
	assert_int_equal(kept(EBBS, 100), TRAFFIC_EVEN);
	row(0, 0, ALWAYS, 50);
	t.n_rows = 3;
	assert_int_equal(kept(EBBS, 100), TRAFFIC_UNKNOWN);
	/* most of what is made */
	row(0, 0, NONE, 0);
	row(1, APP, EBBS, 2000);
	row(2, APP, ALWAYS, 2000);
	assert_int_equal(kept(EBBS, 100), TRAFFIC_BEHIND);
	k.root = 0;
	assert_int_equal(traffic_judge(&t, &k), TRAFFIC_BEHIND);
}

/* Births of a row that begins late, or had none of its own at first, are set against what is kept
 * since. */
static void late_rows_are_known_since_then(void **state)
{
	(void)state;
	row(0, 0, NONE, 0);
	row(1, APP, EBBS, 2000);
	row(2, APP, EBBS, 1000);
	for (size_t m = 0; m < 6; m++) {
		t.row[0].n[m] = t.row[2].n[m];
		t.row[2].n[m] = 0;
	}
	assert_int_equal(kept(EBBS, 100), TRAFFIC_EVEN);
	for (size_t m = 6; m < MOMENTS; m++)
		t.row[2].n[m] = (uint32_t)(100 + 10 * m);
	assert_int_equal(kept(EBBS, 100), TRAFFIC_UNKNOWN);
	/* too late to tell */
	row(2, APP, NONE, 0);
	t.row[2].n[MOMENTS - 2] = t.row[2].n[MOMENTS - 1] = 20;
	assert_int_equal(kept(EBBS, 100), TRAFFIC_EVEN);
	t.row[2].n[MOMENTS - 2] = t.row[2].n[MOMENTS - 1] = 20000;
	assert_int_equal(kept(EBBS, 100), TRAFFIC_UNKNOWN);
}

/* Young objects may go yet, and tell nothing. */
static void the_youngest_are_left_out(void **state)
{
	(void)state;
	row(0, 0, NONE, 0);
	row(1, APP, ALWAYS, 2000);
	kept(ALWAYS, 20);
	for (size_t m = MOMENTS / 2; m < MOMENTS; m++)
		k.n[m] = k.squares[m] = 0;
	assert_int_equal(traffic_judge(&t, &k), TRAFFIC_BEHIND);
	k.until_ns = MOMENTS / 2 * S;
	assert_int_equal(traffic_judge(&t, &k), TRAFFIC_EVEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(neighbours_are_joined, begin),
		cmocka_unit_test_setup(rare_stacks_share_a_row, begin),
		cmocka_unit_test_setup(threads_begin_where_they_say, begin),
		cmocka_unit_test_setup(a_leak_goes_with_its_requests, begin),
		cmocka_unit_test_setup(a_cache_falls_behind_its_hits, begin),
		cmocka_unit_test_setup(late_rows_are_known_since_then, begin),
		cmocka_unit_test_setup(the_youngest_are_left_out, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
