/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A recording says from when on there is a report: of whichever process that is. */
#include <unistd.h>

#include "record/recording.h"
#include "report/report.h"

#include "unit.h"

/* The one that was judged last was not the first to be written. */
static void the_first_moment_is_that_of_any_process(void **state)
{
	static const double told_s[] = {5, 2, 4};
	char path[] = "/tmp/pyleak-first-XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");
	struct evidence e = {.start_ns = 1000000000,
			     .interpreter = "python3",
			     .seen = {.comm = "python3", .mode = "auto", .mechanism = "probe"}};
	struct recorder *rec;
	struct report *r;

	(void)state;
	assert_non_null(f);
	assert_int_equal(recorder_new(f, 0, &rec), 0);
	for (size_t i = 0; i < ARRAY_SIZE(told_s); i++) {
		e.seen.pid = 100 + (int)i;
		e.now_ns = e.start_ns + (uint64_t)(told_s[i] * 1e9);
		recorder_add(rec, &e);
	}
	assert_int_equal(recorder_end(rec), 0);
	fclose(f);
	assert_int_equal(recording_read(path, 1, NULL, &r), -EINVAL);
	assert_non_null(strstr(fail_text(), "the first is --at 2.0"));
	assert_int_equal(recording_read(path, 2, NULL, &r), 0);
	assert_int_equal(r->processes->pid, 101);
	report_free(r);
	unlink(path);
}

/* A process and those it started are told as one at any moment: counts come before it. */
static void children_are_one_at_any_moment(void **state)
{
	char path[] = "/tmp/pyleak-first-XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");
	struct evidence e = {
		.start_ns = 1000000000,
		.now_ns = 6000000000,
		.interpreter = "python3",
		.seen = {.pid = 100, .comm = "python3", .mode = "auto", .mechanism = "probe"}};
	const struct report_tree counts = {.started = 7};
	auto_free double *moments = NULL;
	struct recorder *rec;
	struct report *r;
	size_t n;

	(void)state;
	assert_non_null(f);
	assert_int_equal(recorder_new(f, 0, &rec), 0);
	recorder_add_tree(rec, &counts, 500000000);
	recorder_add(rec, &e);
	e.now_ns *= 2;
	recorder_add(rec, &e);
	assert_int_equal(recorder_end(rec), 0);
	fclose(f);
	assert_int_equal(recording_moments(path, &moments, &n), 0);
	assert_int_equal(n, 2);
	assert_true(moments[0] == 5);
	assert_int_equal(recording_read(path, 6, NULL, &r), 0);
	assert_true(r->duration_s == 5);
	assert_non_null(r->tree);
	assert_int_equal(r->tree->started, 7);
	assert_non_null(r->tree->merged);
	report_free(r);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_moment_is_that_of_any_process),
		cmocka_unit_test(children_are_one_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
