/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A recording says from when on there is a report: of whichever process that is. */
#include <math.h>
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

/* Reads the recording with standard error in a file. Returns the number of its processes. */
static size_t read_and_hear(const char *path, char *said, size_t size)
{
	FILE *to = tmpfile();
	int own = dup(STDERR_FILENO);
	struct report *r = NULL;
	size_t n;
	int err;

	assert_non_null(to);
	dup2(fileno(to), STDERR_FILENO);
	err = recording_read(path, NAN, NULL, &r);
	dup2(own, STDERR_FILENO);
	close(own);
	assert_int_equal(err, 0);
	n = r->n_processes;
	report_free(r);
	rewind(to);
	said[fread(said, 1, size - 1, to)] = '\0';
	fclose(to);
	return n;
}

/* Each moment is written whole: where the tool was killed, the last one is in the file as well. */
static void without_an_end_the_last_moment_is_told(void **state)
{
	char path[] = "/tmp/pyleak-first-XXXXXX", said[1000];
	FILE *f = fdopen(mkstemp(path), "w");
	struct evidence e = {.start_ns = 1000000000,
			     .now_ns = 6000000000,
			     .interpreter = "python3",
			     .seen = {.comm = "python3", .mode = "auto", .mechanism = "probe"}};
	struct recorder *rec;

	(void)state;
	assert_non_null(f);
	assert_int_equal(recorder_new(f, 0, &rec), 0);
	for (int i = 1; i <= 3; i++) {
		e.seen.pid = i;
		recorder_add(rec, &e);
		assert_int_equal(read_and_hear(path, said, sizeof(said)), i);
		assert_non_null(strstr(said, "is cut short"));
	}
	assert_int_equal(recorder_end(rec), 0);
	fclose(f);
	assert_int_equal(read_and_hear(path, said, sizeof(said)), 3);
	assert_string_equal(said, "");
	unlink(path);
}

/* A service that replaces its workers has thousands in a day: what is kept of them is bounded. */
static void processes_that_are_left_out_are_told(void **state)
{
	enum { MOST = 4096 };
	char path[] = "/tmp/pyleak-first-XXXXXX", said[1000];
	FILE *f = fdopen(mkstemp(path), "w");
	struct evidence e = {.start_ns = 1000000000,
			     .now_ns = 6000000000,
			     .interpreter = "python3",
			     .seen = {.comm = "python3", .mode = "auto", .mechanism = "probe"}};
	struct recorder *rec;

	(void)state;
	assert_non_null(f);
	assert_int_equal(recorder_new(f, 0, &rec), 0);
	for (int i = 0; i < MOST; i++) {
		e.seen.pid = 100 + i;
		recorder_add(rec, &e);
	}
	assert_int_equal(read_and_hear(path, said, sizeof(said)), MOST);
	assert_null(strstr(said, "left out"));
	e.seen.pid = 100 + MOST;
	recorder_add(rec, &e);
	assert_int_equal(recorder_end(rec), 0);
	fclose(f);
	assert_int_equal(read_and_hear(path, said, sizeof(said)), MOST);
	assert_non_null(strstr(said, "has more than 4096 processes: those that come after them"));
	assert_null(strstr(said, "cut short"));
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_moment_is_that_of_any_process),
		cmocka_unit_test(children_are_one_at_any_moment),
		cmocka_unit_test(without_an_end_the_last_moment_is_told),
		cmocka_unit_test(processes_that_are_left_out_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
