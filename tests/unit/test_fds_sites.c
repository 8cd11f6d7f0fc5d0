/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From what was open at each look to what piles up: the looks are made up. */
#include "track/fds_priv.h"

#include "unit/unit.h"

#define STACK 7
#define S     1000000000ull
#define RUN_S 600
#define POOL  100 /* sockets of before us */

static struct fds f;

static void set_up(void)
{
	memset(&f, 0, sizeof(f));
	f.table.gone.step_s = 10;
	assert_int_equal(trend_set_new(1, 1.0, &f.table.all), 0);
	assert_int_equal(trend_set_new(FDS_KINDS, 1.0, &f.table.kinds), 0);
}

static void add(uint64_t stack, enum fds_kind kind, uint64_t born_s)
{
	struct fds_thing *x = vec_push(&f.table.things);

	assert_non_null(x);
	x->stack = stack;
	x->kind = kind;
	x->born_ns = born_s * S;
	x->is_before = !stack;
}

/* One a second of a known line from @from_s on. The pool has let go of @gone by then. */
static void look(uint64_t now_s, uint64_t from_s, size_t gone)
{
	struct fds_gone *g = &f.table.gone;

	f.table.things.n = 0;
	for (size_t i = gone; i < POOL; i++)
		add(0, FDS_SOCKET, 0);
	for (uint64_t s = from_s; s < now_s; s++)
		add(STACK, FDS_SOCKET, s);
	f.table.n_fds = f.table.things.n;
	g->total[FDS_SOCKET] = (uint32_t)gone;
	if (now_s % 10 == 0) {
		g->t_s[g->n] = (double)now_s;
		memcpy(g->v[g->n++], g->total, sizeof(g->total));
	}
	f.looked_ns = now_s * S;
	fds_rows_count(&f, f.looked_ns);
}

static double rate(void)
{
	struct fds_sites sites;
	double per_s;

	assert_int_equal(fds_sites(&f, &sites), 0);
	assert_int_equal(sites.n, 1);
	per_s = sites.v[0].rate;
	fds_sites_free(&sites);
	fds_table_free(&f.table);
	return per_s;
}

/* @renews: one of the pool goes for each that comes. */
static double rate_of(uint64_t from_s, bool renews)
{
	set_up();
	for (uint64_t now_s = 1; now_s <= RUN_S; now_s++)
		look(now_s, from_s, renews && now_s > from_s ? now_s - from_s : 0);
	return rate();
}

/* However late it begins to. */
static void a_pool_that_renews_itself_does_not_grow(void **state)
{
	(void)state;
	for (uint64_t from_s = RUN_S - POOL + 10; from_s < RUN_S - 30; from_s += 20) {
		assert_float_equal(rate_of(from_s, true), 0, 0);
		assert_float_equal(rate_of(from_s, false), 1, 0.05);
	}
}

/* Where there are many, looks are far apart: what was opened before the first one did not come in a
 * second. */
static void the_first_look_sees_what_came_since_the_start(void **state)
{
	(void)state;
	set_up();
	for (uint64_t now_s = 30; now_s <= 36; now_s += 3)
		look(now_s, 1, 0);
	assert_float_equal(rate(), 1, 0.1);
}

static void only_descriptors_are_missed_by_windows(void **state)
{
	(void)state;
	set_up();
	f.was_in_windows = true;
	add(STACK, FDS_SOCKET, 1);
	add(0, FDS_SOCKET, 1);
	f.table.things.v[1].is_before = false;
	assert_float_equal(fds_scale(&f, false), 2, 1e-9);
	assert_float_equal(fds_scale(&f, true), 1, 1e-9);
	fds_table_free(&f.table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_that_renews_itself_does_not_grow),
		cmocka_unit_test(the_first_look_sees_what_came_since_the_start),
		cmocka_unit_test(only_descriptors_are_missed_by_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
