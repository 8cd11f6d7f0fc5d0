/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The census as text: golden files, wide and narrow. */
#include <time.h>

#include "out/out.h"
#include "sample_report.h"

static const struct {
	const char *golden;
	struct out_term_opts opts;
} rows[] = {
	{"census.txt", {.top = 20}},
	{"census-top-1-color-60.txt", {.top = 1, .color = true, .width = 60}},
};

static void censuses_are_as_in_the_golden_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct report *r = sample_report();
		char *text = NULL;
		size_t size = 0;
		FILE *f = open_memstream(&text, &size);

		assert_non_null(f);
		assert_int_equal(out_census(f, r, &rows[i].opts), 0);
		fclose(f);
		golden_compare(rows[i].golden, text, size);
		assert_null(strstr(text, "\x1b[2J")); /* nothing that a terminal would obey */
		free(text);
		report_free(r);
	}
}

static void failed_write_is_reported(void **state)
{
	struct report *r = sample_report();
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(f);
	assert_int_equal(out_census(f, r, &(struct out_term_opts){0}), -ENOSPC);
	fclose(f);
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(censuses_are_as_in_the_golden_files),
		cmocka_unit_test(failed_write_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
