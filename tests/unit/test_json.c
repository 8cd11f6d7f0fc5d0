/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The JSON report: golden file, escapes, numbers. */
#include "sample_report.h"

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
	golden_compare("report.json", text, size);
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
	golden_compare("empty.json", text, size);
	free(text);
	report_free(r);
}

/* The contract has no class for it. */
static void one_that_is_too_early_says_so(void **state)
{
	static const char known[] = "\"verdict\": {\"class\": \"steady\", \"confidence\": 0.1, "
				    "\"reason\": \"too early to say whether anything grows\", ";

	(void)state;
	for (int early = 0; early < 2; early++) {
		struct report *r = sample_report();
		size_t size;
		char *text;
		FILE *f = open_memstream(&text, &size);

		report_too_early(&r->processes[0]);
		r->processes[0].confidence = early ? 0.1 : 0.2;
		r->n_processes = 1;
		assert_int_equal(out_json(f, r), 0);
		fclose(f);
		assert_int_equal(strstr(text, known) != NULL, early);
		assert_int_equal(strstr(text, "\"too_early\": true") != NULL, early);
		free(text);
		report_free(r);
	}
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

static void those_of_a_page_are_ascii(void **state)
{
	char buf[128] = "";
	FILE *f = fmemopen(buf, sizeof(buf), "w");
	struct json j;

	(void)state;
	json_begin(&j, f);
	j.is_dense = true;
	json_string(&j, NULL,
		    "<\xc3\xbc\xe2\x86\x92\xef\xbf\xbf\xf0\x9f\x90\x8d\xf4\x8f\xbf\xbf\xe9\n");
	fclose(f);
	assert_string_equal(
		buf, "\"\\u003c\\u00fc\\u2192\\uffff\\ud83d\\udc0d\\udbff\\udfff\\u00e9\\n\"");
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
	{111814.04, "111814"},
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
		cmocka_unit_test(one_that_is_too_early_says_so),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(those_of_a_page_are_ascii),
		cmocka_unit_test(numbers_are_exact_or_null),
		cmocka_unit_test(failed_write_reports_the_error_of_the_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
