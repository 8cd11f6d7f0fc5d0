/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A recording is kept as far as it goes where the disk is full. */
#include "unit.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/record.h"
#include "report/report.h"

#define S	1000000000ull
#define MOMENTS 10000

static char dir[] = "/tmp/pyleak-kept-XXXXXX", path[64];

static int make_dir(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	strcpy(strstr(dir, "kept-") + 5, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/a.rec", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void no_file_may_be_larger(rlim_t most)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void begin(struct outputs *o, struct record *r)
{
	const char *p = path;

	assert_int_equal(outputs_open(o, NULL, &p, 1, true), 0);
	assert_int_equal(record_begin(r, o, path), 0);
}

static void add(struct record *r, size_t moment)
{
	const struct evidence e = {
		.start_ns = S,
		.now_ns = (6 + moment) * S,
		.interpreter = "python3",
		.seen = {.pid = 100, .comm = "python3", .mode = "auto", .mechanism = "probe"}};

	record_evidence(r->rec, &e);
}

static void moments_before_the_disk_was_full_are_kept(void **state)
{
	struct report *report;
	struct outputs o;
	struct record r;

	(void)state;
	begin(&o, &r);
	no_file_may_be_larger(4096);
	for (size_t i = 0; i < MOMENTS && !recorder_trouble(r.rec); i++)
		add(&r, i);
	assert_int_equal(record_end(&r, 0), -EFBIG);
	no_file_may_be_larger(RLIM_INFINITY);
	outputs_close(&o);
	assert_non_null(strstr(fail_text(), "a.rec: the recording is not complete: File too large; "
					    "what was written before is kept"));
	assert_int_equal(recording_read(path, NAN, NULL, NULL, &report), 0);
	assert_int_equal(report->processes->pid, 100);
	report_free(report);
}

/* A file of an earlier run is worth more. */
static void a_recording_of_nothing_takes_no_name(void **state)
{
	struct outputs o;
	struct record r;
	struct stat st;

	(void)state;
	begin(&o, &r);
	assert_int_equal(fstat(fileno(r.out.f), &st), 0);
	no_file_may_be_larger((rlim_t)st.st_size + 4);
	add(&r, 0);
	assert_int_equal(record_end(&r, 0), -EFBIG);
	no_file_may_be_larger(RLIM_INFINITY);
	outputs_close(&o);
	assert_int_equal(access(path, F_OK), -1);
}

static void nor_does_one_of_a_watch_that_failed(void **state)
{
	struct outputs o;
	struct record r;

	(void)state;
	begin(&o, &r);
	add(&r, 0);
	assert_int_equal(record_end(&r, -EPERM), 0);
	outputs_close(&o);
	assert_int_equal(access(path, F_OK), -1);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(moments_before_the_disk_was_full_are_kept),
		IN_DIR(a_recording_of_nothing_takes_no_name),
		IN_DIR(nor_does_one_of_a_watch_that_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
