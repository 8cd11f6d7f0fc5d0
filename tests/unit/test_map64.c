/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The open-addressing map. */
#include "base/map64.h" /* before cmocka.h, which has a macro fail() */

#include <sys/time.h>

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

#define KEYS 200000

/* Where a key lay was once the product with this number, a word of it folded: whoever knew that
 * could have all keys in one place, and each look-up pass all others. Ten seconds of CPU time end
 * the test; with places that nobody knows it takes milliseconds. */
static void nobody_chooses_where_keys_lie(void **state)
{
	const struct itimerval limit = {.it_value.tv_sec = 10}, off = {0};
	const uint64_t factor = 0x9e3779b97f4a7c15ull;
	uint64_t inverse = factor;
	struct map64 m = {0};

	(void)state;
	for (int i = 0; i < 6; i++)
		inverse *= 2 - factor * inverse;
	assert_true(factor * inverse == 1);
	setitimer(ITIMER_PROF, &limit, NULL);
	for (uint64_t k = 1; k <= KEYS; k++) {
		uint64_t high = k << 29;

		*map64_put(&m, (high | (k & 0xfffff)) * inverse) = k;
	}
	for (uint64_t k = 1; k <= KEYS; k++)
		assert_int_equal(*map64_get(&m, ((k << 29) | (k & 0xfffff)) * inverse), k);
	setitimer(ITIMER_PROF, &off, NULL);
	assert_int_equal(m.n, KEYS);
	map64_free(&m);
}

/* Two maps do not have one order: filling one from another in its order must not pile up. */
static void every_map_has_an_order_of_its_own(void **state)
{
	struct map64 a = {0}, b = {0};
	size_t same = 0;

	(void)state;
	for (uint64_t k = 1; k <= 1000; k++) {
		*map64_put(&a, k * 4096) = 1;
		*map64_put(&b, k * 4096) = 1;
	}
	assert_int_equal(a.cap, b.cap);
	for (size_t i = 0; i < a.cap; i++)
		same += a.slot[2 * i] && a.slot[2 * i] == b.slot[2 * i];
	assert_true(same < 100);
	map64_free(&a);
	map64_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_put),
		cmocka_unit_test(putting_twice_is_one_entry),
		cmocka_unit_test(nobody_chooses_where_keys_lie),
		cmocka_unit_test(every_map_has_an_order_of_its_own),
	};

	return cmocka_run_group_tests_name("map64", tests, NULL, NULL);
}
