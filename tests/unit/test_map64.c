/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The open-addressing map. */
#include "base/map64.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void finds_what_was_put(void **state)
{
	struct map64 m = {0};

	(void)state;
	for (uint64_t k = 1; k <= 100000; k++)
		*map64_put(&m, k * 4096) = k;
	assert_int_equal(m.n, 100000);
	for (uint64_t k = 1; k <= 100000; k++)
		assert_int_equal(*map64_get(&m, k * 4096), k);
	assert_null(map64_get(&m, 4097));
	assert_null(map64_get(&m, 0));
	assert_null(map64_put(&m, 0));
	map64_clear(&m);
	assert_null(map64_get(&m, 4096));
	map64_free(&m);
	assert_null(map64_get(&m, 4096));
}

static void putting_twice_is_one_entry(void **state)
{
	struct map64 m = {0};

	(void)state;
	*map64_put(&m, 5) = 1;
	*map64_put(&m, 5) += 1;
	assert_int_equal(m.n, 1);
	assert_int_equal(*map64_get(&m, 5), 2);
	map64_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_put),
		cmocka_unit_test(putting_twice_is_one_entry),
	};

	return cmocka_run_group_tests_name("map64", tests, NULL, NULL);
}
