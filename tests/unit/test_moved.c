/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Places in code that is mapped from its file, and in code that was moved: rows are made up here.
 */
#include "places/places.h"
#include "unit.h"

#define FILE_PATH "/proc/self/exe"

static struct proc_map rows[] = {
	{.start = 0x1000,
	 .end = 0x3000,
	 .inode = 5,
	 .dev = 1,
	 .executable = true,
	 .path = FILE_PATH},
	{.start = 0x3000,
	 .end = 0x5000,
	 .inode = 5,
	 .dev = 1,
	 .executable = true,
	 .path = FILE_PATH},
	{.start = 0x5000, .end = 0x6000, .executable = true, .path = ""}, /* no file's */
	{.start = 0x6000,
	 .end = 0x7000,
	 .inode = 6,
	 .dev = 1,
	 .executable = true,
	 .path = "/memfd:code"},
	{.start = 0x7000,
	 .end = 0x8000,
	 .inode = 5,
	 .dev = 2,
	 .executable = true,
	 .path = FILE_PATH},
	{.start = 0x8000, .end = 0x9000, .inode = 5, .dev = 1, .path = FILE_PATH},
};

static int find(uint64_t first, uint64_t second, const struct proc_map **row)
{
	const struct proc p = {.maps = rows, .n_maps = ARRAY_SIZE(rows)};
	struct places_point point[] = {{.addr = first - 0x800}, {.addr = second - 0x800}};
	struct dso *d;
	int err;

	assert_int_equal(dso_open(FILE_PATH, &d), 0);
	err = places_row(&(struct places){point, second ? 2 : first ? 1 : 0}, d, &p, 0x800, row);
	dso_close(d);
	return err;
}

static void places_in_one_file_have_a_row(void **state)
{
	const struct proc_map *row;

	(void)state;
	assert_int_equal(find(0, 0, &row), 0);
	assert_null(row);
	assert_int_equal(find(0x1000, 0, &row), 0);
	assert_ptr_equal(row, &rows[0]);
	assert_int_equal(find(0x3000, 0x2fff, &row), 0);
	assert_ptr_equal(row, &rows[1]);
}

static void code_that_was_moved_is_refused(void **state)
{
	static const uint64_t elsewhere[] = {0x5000, 0x6000, 0x7000, 0x8000, 0x9000};
	const struct proc_map *row;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++) {
		assert_int_equal(find(0x1000, elsewhere[i], &row), -ENOTSUP);
		assert_non_null(strstr(fail_text(), "was moved"));
	}
	assert_int_equal(find(0x5000, 0, &row), -ENOTSUP);
	assert_int_equal(find(0x6000, 0x6800, &row), -ENOTSUP); /* all of it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_in_one_file_have_a_row),
		cmocka_unit_test(code_that_was_moved_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
