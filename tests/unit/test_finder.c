/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which processes hold a CPython. Files are made up: one cannot be looked into, one is gone. */
#include "unit.h"

#define proc_map_open open_one
#include "places/finder.c"

enum { SILENT = 1, GONE };

int proc_map_open(const struct proc *p, const struct proc_map *m, int *fd)
{
	(void)p;
	*fd = -1;
	return m->inode == SILENT ? fail(-EREMOTE, "its storage does not answer")
				  : fail(-ENOENT, "that file is gone");
}

static void the_reason_is_of_the_file_that_could_not_be_looked_into(void **state)
{
	struct proc_map maps[] = {{.inode = SILENT, .executable = true},
				  {.inode = GONE, .executable = true}};
	struct proc p = {.maps = maps, .n_maps = ARRAY_SIZE(maps)};
	struct py_finder *f = NULL;

	(void)state;
	assert_int_equal(py_finder_new(&f), 0);
	assert_int_equal(py_finder_has(f, &p), -EREMOTE);
	assert_string_equal(fail_text(), "its storage does not answer");
	maps[0].inode = GONE;
	assert_int_equal(py_finder_has(f, &p), 0);
	py_finder_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reason_is_of_the_file_that_could_not_be_looked_into),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
