/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON texts: what is valid is found again, what is not is refused at the right place. */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/jval.h"
#include "unit.h"

static int parse(const char *text, char *room, size_t size, struct jval_doc *d)
{
	assert_true((size_t)snprintf(room, size, "%s", text) < size);
	return jval_parse(room, strlen(room), d);
}

static void members_and_elements(void **state)
{
	static const char text[] =
		" {\"a\": [1, [], {\"x\": [2]}, \"s\"], \"b\": {}, \"n\": null,\n"
		"\"t\": true, \"f\" : false, \"s\": \"\", \"z\": -0.5e+2 } ";
	static const enum jval_type inside[] = {JVAL_NUMBER, JVAL_ARRAY, JVAL_OBJECT, JVAL_STRING};
	const struct jval *o, *a;
	struct jval_doc d;
	char room[256];
	size_t i = 0;

	(void)state;
	assert_int_equal(parse(text, room, sizeof(room), &d), 0);
	o = d.v;
	a = jval_array(o, "a");
	assert_int_equal(o->n, 7);
	assert_int_equal(o->span, d.n);
	jval_each(v, a) assert_int_equal(v->type, inside[i++]);
	assert_int_equal(i, 4);
	assert_int_equal(a->n, 4);
	assert_null(jval_first(jval_object(o, "b")));
	assert_null(jval_get(o, "n"));
	assert_null(jval_get(o, "x"));
	assert_null(jval_get(a, "x"));
	assert_null(jval_object(o, "a"));
	assert_null(jval_get(NULL, "a"));
	assert_true(jval_bool(jval_get(o, "t")));
	assert_false(jval_bool(jval_get(o, "f")));
	assert_string_equal(jval_string(jval_get(o, "s")), "");
	assert_true(jval_double(jval_get(o, "z")) == -50);
	assert_true(isnan(jval_double(jval_get(o, "s"))));
	jval_free(&d);
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		double d;
		uint64_t u;
		int i;
	} row[] = {
		{"0", 0, 0, 0},
		{"18446744073709551615", 0x1p64, UINT64_MAX, INT32_MAX},
		{"99999999999999999999", 1e20, UINT64_MAX, INT32_MAX},
		{"-7", -7, 0, -7},
		{"3.75", 3.75, 3, 3},
		{"1e3", 1000, 1000, 1000},
		{"-1e300", -1e300, 0, INT32_MIN},
		{"1e30", 1e30, UINT64_MAX, INT32_MAX},
		{"9007199254740993", 0x1p53, 9007199254740993, INT32_MAX},
	};
	struct jval_doc d;
	char room[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(parse(row[i].text, room, sizeof(room), &d), 0);
		assert_true(jval_is_number(d.v));
		assert_true(fabs(jval_double(d.v) - row[i].d) <= fabs(row[i].d) * DBL_EPSILON);
		assert_true(jval_u64(d.v) == row[i].u);
		assert_int_equal(jval_int(d.v), row[i].i);
		jval_free(&d);
	}
}

static void strings(void **state)
{
	static const struct {
		const char *text, *is;
	} row[] = {
		{"\"plain\"", "plain"},
		{"\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\"", "a\"b\\c/d\b\f\n\r\t"},
		{"\"\\u0041\\u00e9\\u20aC|\"", "A\xc3\xa9\xe2\x82\xac|"},
		{"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
		{"\"\\ud83dx\\ude00\"", "\xef\xbf\xbdx\xef\xbf\xbd"},
		{"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
				       "A"},
		{"\"\xc3\xa9\"", "\xc3\xa9"},
	};
	struct jval_doc d;
	char room[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(parse(row[i].text, room, sizeof(room), &d), 0);
		assert_string_equal(jval_string(d.v), row[i].is);
		jval_free(&d);
	}
}

static const struct {
	const char *text, *says;
} bad[] = {
	{"", "cut short"},	  {"  ", "cut short"},	     {"{", "cut short"},
	{"[1", "cut short"},	  {"[1,", "cut short"},	     {"\"a", "cut short"},
	{"\"a\\", "cut short"},	  {"\"\\u00", "cut short"},  {"{\"a\"", "cut short"},
	{"{\"a\":", "cut short"}, {"tru", "cut short"},	     {"-", "cut short"},
	{"1.", "cut short"},	  {"1e", "cut short"},	     {"[1,]", "byte 3"},
	{"[,1]", "byte 1"},	  {"[1 2]", "byte 3"},	     {"{\"a\" 1}", "byte 5"},
	{"{1:2}", "byte 1"},	  {"{\"a\":1,}", "byte 7"},  {"[1}", "byte 2"},
	{"}", "byte 0"},	  {"1 2", "byte 2"},	     {"01", "byte 1"},
	{"+1", "byte 0"},	  {".5", "byte 0"},	     {"nul1", "byte 3"},
	{"\"\\x\"", "byte 2"},	  {"\"\\u00g0\"", "byte 5"}, {"\"\n\"", "byte 1"},
	{"NaN", "byte 0"},	  {"'a'", "byte 0"},
};

static void what_is_no_json_is_refused(void **state)
{
	struct jval_doc d;
	char room[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(bad[i].text, room, sizeof(room), &d) != -EINVAL || d.v ||
		    !strstr(fail_text(), bad[i].says))
			fail_msg("%s: %s", bad[i].text, fail_text());
	}
	/* a NUL is no end */
	memcpy(room, "[1\0]", 5);
	assert_int_equal(jval_parse(room, 4, &d), -EINVAL);
}

static void depth_is_bounded(void **state)
{
	char text[2 * JVAL_DEPTH + 3] = "";
	struct jval_doc d;

	(void)state;
	memset(text, '[', JVAL_DEPTH);
	memset(text + JVAL_DEPTH, ']', JVAL_DEPTH);
	assert_int_equal(jval_parse(text, 2 * JVAL_DEPTH, &d), 0);
	assert_int_equal(d.n, JVAL_DEPTH);
	jval_free(&d);
	memset(text, '[', JVAL_DEPTH + 1);
	assert_int_equal(jval_parse(text, 2 * JVAL_DEPTH, &d), -EINVAL);
	assert_non_null(strstr(fail_text(), "too deep"));
}

static void the_next_text_takes_the_room_of_the_last(void **state)
{
	struct jval_doc d = {0};
	char text[64] = "[1, 2, 3]";
	const struct jval *v;

	(void)state;
	assert_int_equal(jval_parse_next(text, strlen(text), &d), 0);
	v = d.v;
	strcpy(text, "{\"a\": 5}");
	assert_int_equal(jval_parse_next(text, strlen(text), &d), 0);
	assert_ptr_equal(d.v, v);
	assert_int_equal(d.n, 2);
	assert_int_equal(jval_int(jval_get(d.v, "a")), 5);
	strcpy(text, "[");
	assert_int_equal(jval_parse_next(text, 1, &d), -EINVAL);
	assert_null(d.v);
	assert_int_equal(d.cap, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_and_elements),
		cmocka_unit_test(numbers),
		cmocka_unit_test(strings),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(the_next_text_takes_the_room_of_the_last),
		cmocka_unit_test(what_is_no_json_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
