/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* By how much the parts of memory grow. Readings are made up: they go in where real ones do. */
#include "memory/parts.c"

#include "unit.h"

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
	assert_int_equal(parts_fill(&l, span_s, r, &p, &grew), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_grow_over_the_span_of_rss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
