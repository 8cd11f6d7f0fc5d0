/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes are counted by their status alone: stat may wait for one that hangs in its exec. */
#include <dirent.h>

#include "unit.h"

#define proc_slurp slurp_all_but_stat
#define readdir	   read_some

struct dirent *read_some(DIR *d);
#include "proc/list.c"

static unsigned asked;
static bool fails; /* the directory can be read no more, behind a process */

#undef readdir
struct dirent *read_some(DIR *d)
{
	struct dirent *e = fails && asked ? NULL : readdir(d);

	if (fails && asked)
		errno = EIO;
	return e;
}

int slurp_all_but_stat(int pid, const char *name, char **text, size_t *len)
{
	char path[64];

	assert_string_equal(name, "status");
	asked++;
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return proc_slurp_path(path, text, len);
}

static void they_are_counted_by_their_status(void **state)
{
	(void)state;
	assert_true(proc_count(SIZE_MAX) >= 1); /* this one */
	assert_true(asked >= 1);
	assert_int_equal(proc_count(1), 1);
}

static void a_part_of_them_is_no_number(void **state)
{
	(void)state;
	asked = 0;
	fails = true;
	assert_int_equal(proc_count(SIZE_MAX), 0);
	assert_int_equal(asked, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_counted_by_their_status),
		cmocka_unit_test(a_part_of_them_is_no_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
