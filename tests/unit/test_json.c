/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The JSON report: golden file, escapes, numbers, and files that are whole or not there. */
#include "sample_report.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "out/json_writer.h"
#include "out/out.h"

static void whole_report_is_as_in_the_golden_file(void **state)
{
	struct report *r = sample_report();
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(out_json(f, r), 0);
	fclose(f);
	sample_compare("report.json", text, size);
	free(text);
	report_free(r);
}

static void report_without_processes_is_as_in_the_golden_file(void **state)
{
	struct report *r = sample_report();
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	r->n_processes = 0;
	r->started_at = NAN;
	assert_int_equal(out_json(f, r), 0);
	fclose(f);
	sample_compare("empty.json", text, size);
	free(text);
	report_free(r);
}

static const struct {
	const char *name, *in, *want;
} strings[] = {
	{"plain", "abc", "\"abc\""},
	{"quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\""},
	{"controls", "\x01\n\t\x1b\x7f", "\"\\u0001\\n\\t\\u001b\\u007f\""},
	{"valid UTF-8 as it is", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\x8d",
	 "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\x8d\""},
	{"C1 control", "\xc2\x9b", "\"\\u009b\""},
	{"stray byte", "caf\xe9!", "\"caf\\u00e9!\""},
	{"cut sequence", "\xe2\x82", "\"\\u00e2\\u0082\""},
	{"overlong slash", "\xc0\xaf", "\"\\u00c0\\u00af\""},
	{"overlong, three bytes", "\xe0\x80\xaf", "\"\\u00e0\\u0080\\u00af\""},
	{"surrogate", "\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\""},
	{"beyond Unicode", "\xf4\x90\x80\x80", "\"\\u00f4\\u0090\\u0080\\u0080\""},
	{"bytes never used", "\xfe\xff", "\"\\u00fe\\u00ff\""},
	{"nothing", NULL, "null"},
};

static void strings_are_escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		char buf[128] = "";
		FILE *f = fmemopen(buf, sizeof(buf), "w");
		struct json j;

		json_begin(&j, f);
		json_string(&j, NULL, strings[i].in);
		fclose(f);
		if (strcmp(buf, strings[i].want) != 0)
			fail_msg("%s: %s", strings[i].name, buf);
	}
}

static const struct {
	double in;
	const char *want;
} numbers[] = {
	{0, "0"},
	{-0.0, "0"},
	{NAN, "null"},
	{INFINITY, "null"},
	{-INFINITY, "null"},
	{0.97, "0.97"},
	{1e-7, "1e-07"},
	{123456789012345, "123456789012345"},
	{1234567.891, "1234567.9"},
	{-2.5, "-2.5"},
	{1e300, NULL},
};

static void numbers_are_exact_or_null(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		char buf[512] = "";
		FILE *f = fmemopen(buf, sizeof(buf), "w");
		struct json j;

		json_begin(&j, f);
		json_number(&j, NULL, numbers[i].in);
		fclose(f);
		if (numbers[i].want)
			assert_string_equal(buf, numbers[i].want);
		else
			assert_true(strtod(buf, NULL) == numbers[i].in);
	}
}

static size_t entries(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static int make_dir(void **state)
{
	char *dir = strdup("/tmp/pyleak-json-XXXXXX");

	*state = dir;
	return dir && mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	int err = rmdir(*state);

	free(*state);
	return err;
}

static void file_is_replaced_as_a_whole(void **state)
{
	struct report *r = sample_report();
	char path[128], link[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/a.json", (char *)*state);
	snprintf(link, sizeof(link), "%s/link.json", (char *)*state);
	assert_int_equal(out_file_check(path), 0);
	assert_int_equal(entries(*state), 0);
	assert_int_equal(out_json_file(path, r), 0);
	assert_int_equal(entries(*state), 1);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(symlink("a.json", link), 0);
	assert_int_equal(out_file_check(link), 0);
	assert_int_equal(out_json_file(link, r), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(link, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_true(st.st_size > 1000);
	assert_int_equal(entries(*state), 2);
	unlink(link);
	unlink(path);
	report_free(r);
}

static void devices_are_written_never_replaced(void **state)
{
	struct report *r = sample_report();
	struct stat st;

	(void)state;
	assert_int_equal(out_file_check("/dev/null"), 0);
	assert_int_equal(out_json_file("/dev/null", r), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(out_json_file("/dev/full", r), -ENOSPC);
	assert_non_null(strstr(fail_text(), "/dev/full"));
	report_free(r);
}

static void places_that_cannot_be_written_are_refused(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/no/where.json", (char *)*state);
	assert_int_equal(out_file_check(path), -ENOENT);
	assert_int_equal(out_file_check(*state), -EISDIR);
	assert_int_equal(out_file_check(""), -EINVAL);
	assert_int_equal(out_file_check("-"), 0);
	assert_int_equal(entries(*state), 0);
}

static void failed_write_reports_the_error_of_the_stream(void **state)
{
	struct report *r = sample_report();
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(f);
	assert_int_equal(out_json(f, r), -ENOSPC);
	fclose(f);
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_report_is_as_in_the_golden_file),
		cmocka_unit_test(report_without_processes_is_as_in_the_golden_file),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(numbers_are_exact_or_null),
		cmocka_unit_test_setup_teardown(file_is_replaced_as_a_whole, make_dir, remove_dir),
		cmocka_unit_test(devices_are_written_never_replaced),
		cmocka_unit_test_setup_teardown(places_that_cannot_be_written_are_refused, make_dir,
						remove_dir),
		cmocka_unit_test(failed_write_reports_the_error_of_the_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
