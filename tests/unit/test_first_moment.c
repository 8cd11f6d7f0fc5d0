/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A recording says from when on there is a report: of whichever process that is. */
#include <math.h>
#include <unistd.h>

#include "record/recording.h"
#include "report/report.h"

#include "unit.h"

#define S 1000000000ull

/* A process that was watched for five seconds. */
static const struct evidence watched = {
	.start_ns = S,
	.now_ns = 6 * S,
	.interpreter = "python3",
	.seen = {.pid = 100, .comm = "python3", .mode = "auto", .mechanism = "probe"}};

struct writing {
	char path[32];
	FILE *f;
	struct recorder *rec;
};

static void writing_begin(struct writing *w)
{
	strcpy(w->path, "/tmp/pyleak-first-XXXXXX");
	w->f = fdopen(mkstemp(w->path), "w");
	assert_non_null(w->f);
	assert_int_equal(recorder_new(w->f, "recording", 0, &w->rec), 0);
}

static void writing_end(struct writing *w)
{
	assert_int_equal(recorder_end(w->rec), 0);
	fclose(w->f);
}

/* The one that was judged last was not the first to be written. */
static void the_first_moment_is_that_of_any_process(void **state)
{
	static const double told_s[] = {5, 2, 4};
	struct evidence e = watched;
	struct writing w;
	struct report *r;

	(void)state;
	writing_begin(&w);
	for (size_t i = 0; i < ARRAY_SIZE(told_s); i++) {
		e.seen.pid = 100 + (int)i;
		e.now_ns = e.start_ns + (uint64_t)(told_s[i] * 1e9);
		recorder_add(w.rec, &e);
	}
	writing_end(&w);
	assert_int_equal(recording_read(w.path, 1, NULL, NULL, &r), -EINVAL);
	assert_non_null(strstr(fail_text(), "the first is --at 2.0"));
	assert_int_equal(recording_read(w.path, 2, NULL, NULL, &r), 0);
	assert_int_equal(r->processes->pid, 101);
	report_free(r);
	unlink(w.path);
}

/* A process and those it started are told as one at any moment: counts come before it. */
static void children_are_one_at_any_moment(void **state)
{
	struct evidence e = watched;
	struct writing w;
	const struct report_tree counts = {.started = 7};
	auto_free double *moments = NULL;
	struct report *r;
	size_t n;

	(void)state;
	writing_begin(&w);
	recorder_add_tree(w.rec, &counts, 500000000);
	recorder_add(w.rec, &e);
	e.now_ns *= 2;
	recorder_add(w.rec, &e);
	writing_end(&w);
	assert_int_equal(recording_moments(w.path, &moments, &n), 0);
	assert_int_equal(n, 2);
	assert_true(moments[0] == 5);
	assert_int_equal(recording_read(w.path, 6, NULL, NULL, &r), 0);
	assert_true(r->duration_s == 5);
	assert_non_null(r->tree);
	assert_int_equal(r->tree->started, 7);
	assert_non_null(r->tree->merged);
	report_free(r);
	unlink(w.path);
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
	err = recording_read(path, NAN, NULL, NULL, &r);
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
	struct evidence e = watched;
	struct writing w;
	char said[1000];

	(void)state;
	writing_begin(&w);
	for (int i = 1; i <= 3; i++) {
		e.seen.pid = i;
		recorder_add(w.rec, &e);
		assert_int_equal(read_and_hear(w.path, said, sizeof(said)), i);
		assert_non_null(strstr(said, "is cut short"));
	}
	writing_end(&w);
	assert_int_equal(read_and_hear(w.path, said, sizeof(said)), 3);
	assert_string_equal(said, "");
	unlink(w.path);
}

/* A service that replaces its workers has thousands in a day: what is kept of them is bounded. */
static void processes_that_are_left_out_are_told(void **state)
{
	enum { MOST = 4096 };
	struct evidence e = watched;
	struct writing w;
	char said[1000];

	(void)state;
	writing_begin(&w);
	for (int i = 0; i < MOST; i++) {
		e.seen.pid = 100 + i;
		recorder_add(w.rec, &e);
	}
	assert_int_equal(read_and_hear(w.path, said, sizeof(said)), MOST);
	assert_null(strstr(said, "left out"));
	e.seen.pid = 100 + MOST;
	recorder_add(w.rec, &e);
	writing_end(&w);
	assert_int_equal(read_and_hear(w.path, said, sizeof(said)), MOST);
	assert_non_null(strstr(said, "has more than 4096 processes: those that come after them"));
	assert_null(strstr(said, "cut short"));
	unlink(w.path);
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
