/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a line is in its function: the same when the file around it changes. */
#include "report/place.h"
#include "unit.h"

#define HEAD "import os\n\nKEPT = []\n\n\n"
#define BODY                        \
	"def add(n):\n"             \
	"    if n % 2:\n"           \
	"        KEPT.append({})\n" \
	"    KEPT.append({})\n"     \
	"    return len(KEPT)\n"

static uint32_t at(const char *text, const char *function, int first, int line)
{
	return place_of_source(text, strlen(text), function, first, line);
}

static void lines_above_do_not_matter(void **state)
{
	uint32_t place = at(HEAD BODY, "add", 6, 10);

	(void)state;
	assert_true(place);
	assert_int_equal(place_by(place), PLACE_BY_SOURCE);
	assert_int_equal(at(BODY, "add", 1, 5), place);
	assert_int_equal(at("# a licence\n" HEAD "import sys\n\n" BODY, "add", 9, 13), place);
	/* Nor in the function, nor another function with the same line. */
	assert_int_equal(
		at("def add(n, more=0):\n    n += more\n    return len(KEPT)\n", "add", 1, 3),
		place);
	assert_int_equal(at("def other():\n    return len(KEPT)\n\n\n" BODY, "add", 5, 9), place);
}

static void spaces_do_not_matter(void **state)
{
	uint32_t place = at(BODY, "add", 1, 4);

	(void)state;
	assert_int_equal(at("def add(n):\n\twith lock:\n\t\tKEPT.append({})   \r\n", "add", 1, 3),
			 at(BODY, "add", 1, 3));
	assert_int_equal(
		at("def add(n):\n    x()\n    KEPT.append({})\n    KEPT.append({})", "add", 1, 4),
		place);
	assert_int_equal(at("f = 1\nx  =  {1:\t2}\n", "<module>", 1, 2),
			 at("x = {1: 2}", "<module>", 1, 1));
}

static void other_text_is_another_place(void **state)
{
	(void)state;
	assert_int_not_equal(at("def add(n):\n    KEPT.append({})\n", "add", 1, 2),
			     at("def add(n):\n    KEPT.append([])\n", "add", 1, 2));
	assert_int_not_equal(at("def add(n):\n    a('x y')\n", "add", 1, 2),
			     at("def add(n):\n    a('xy')\n", "add", 1, 2));
}

static void the_same_text_twice_is_two_places(void **state)
{
	(void)state;
	assert_int_not_equal(at(BODY, "add", 1, 3), at(BODY, "add", 1, 4));
}

/* In one class, and the second does not move when another method comes between. */
static void functions_of_one_name_are_told_apart(void **state)
{
	static const char text[] = "class A:\n"
				   "    @property\n"
				   "    def x(self):\n"
				   "        log.append({})\n"
				   "\n"
				   "    @x.setter\n"
				   "    def x(self, v):\n"
				   "        log.append({})\n";
	static const char more[] = "class Z:\n"
				   "    def x(self):\n"
				   "        log.append({})\n"
				   "\n"
				   "class A:\n"
				   "    @property\n"
				   "    def x(self):\n"
				   "        log.append({})\n"
				   "\n"
				   "    def y(self):\n"
				   "        log.append({})\n"
				   "\n"
				   "    @x.setter\n"
				   "    def x(self, v):\n"
				   "        log.append({})\n";

	(void)state;
	assert_int_not_equal(at(text, "A.x", 2, 4), at(text, "A.x", 6, 8));
	assert_int_equal(at(text, "A.x", 2, 4), at(more, "A.x", 6, 8));
	assert_int_equal(at(text, "A.x", 6, 8), at(more, "A.x", 13, 15));
	assert_int_equal(at(text, "x", 6, 8), at(text, "A.x", 6, 8)); /* 3.10 has no more */
}

static void lambdas_and_modules(void **state)
{
	static const char text[] = "def f():\n"
				   "    a(lambda: {})\n"
				   "    a(lambda: {})\n"
				   "def g():\n"
				   "    a(lambda: {})\n"
				   "x = {}\n"
				   "x = {}\n";

	(void)state;
	assert_int_not_equal(at(text, "f.<locals>.<lambda>", 2, 2),
			     at(text, "f.<locals>.<lambda>", 3, 3));
	assert_int_equal(at(text, "f.<locals>.<lambda>", 2, 2),
			 at(text, "g.<locals>.<lambda>", 5, 5));
	assert_int_not_equal(at(text, "<module>", 1, 6), at(text, "<module>", 1, 7));
	assert_int_equal(at(text, "<module>", 0, 6), at("\nx = {}\n", "<module>", 1, 2));
	assert_int_equal(at("def f():\n    x = {}\nx = {}\n", "<module>", 1, 3),
			 at("x = {}\n", "<module>", 1, 1));
}

/* A file that is another one by now. */
static void what_is_not_there_has_no_place(void **state)
{
	(void)state;
	assert_int_equal(at(BODY, "add", 1, 6), 0);
	assert_int_equal(at(BODY "\n\nx\n", "add", 1, 6), 0);
	assert_int_equal(at(BODY, "add", 4, 3), 0);
	assert_int_equal(at(BODY, "add", 0, 3), 0);
	assert_int_equal(at(BODY, "add", -1, -3), 0);
	assert_int_equal(at("", "<module>", 1, 1), 0);
	assert_int_equal(place_by(0), PLACE_BY_LINE);
}

static void an_offset_stands_for_the_text(void **state)
{
	(void)state;
	assert_int_equal(place_of_offset(10, 14), place_of_offset(210, 214));
	assert_int_not_equal(place_of_offset(10, 14), place_of_offset(10, 15));
	assert_int_equal(place_by(place_of_offset(10, 14)), PLACE_BY_OFFSET);
	assert_int_equal(place_of_offset(10, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_above_do_not_matter),
		cmocka_unit_test(spaces_do_not_matter),
		cmocka_unit_test(other_text_is_another_place),
		cmocka_unit_test(the_same_text_twice_is_two_places),
		cmocka_unit_test(functions_of_one_name_are_told_apart),
		cmocka_unit_test(lambdas_and_modules),
		cmocka_unit_test(what_is_not_there_has_no_place),
		cmocka_unit_test(an_offset_stands_for_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
