/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a CPython was built: what sysconfig's file says of it, and the words for people. */
#include "py/shape.h"

#include <sys/mman.h>

#include "unit.h"

static bool has(const char *text, const char *name)
{
	return py_configured_with(text, strlen(text), name);
}

static void an_option_is_found_in_its_own_entry_only(void **state)
{
	static const char lines[] = "build_time_vars = {'AR': '--with-lto',\n"
				    " 'CONFIG_ARGS': \"'--enable-shared' '--prefix=/usr' \"\n"
				    "                \"'--with-lto=thin' \"\n"
				    "                \"'--enable-experimental-jit=no'\",\n"
				    " 'OTHER': \"'--enable-optimizations'\"}\n";

	(void)state;
	assert_true(has(lines, "--enable-shared"));
	assert_true(has(lines, "--with-lto"));
	assert_false(has(lines, "--enable-experimental-jit"));
	assert_false(has(lines, "--enable-optimizations"));
	assert_false(has(lines, "--enable-share"));
	assert_false(has("'AR': \"'--with-lto'\"", "--with-lto"));
	assert_false(has("'CONFIG_ARGS': \"'--with-lto", "--with-lto"));
	assert_false(has("", "--with-lto"));
}

static void one_line_for_each_key_as_3_14_writes_it(void **state)
{
	static const char lines[] = "build_time_vars = {\n"
				    "    'CONFIG_ARGS': \"'--with-lto' '--enable-bolt'\",\n"
				    "    'OTHER': \"'--enable-optimizations'\",\n}\n";

	(void)state;
	assert_true(has(lines, "--with-lto"));
	assert_true(has(lines, "--enable-bolt"));
	assert_false(has(lines, "--enable-optimizations"));
}

/* The file is the target's, and no NUL ends it: a page that cannot be read follows it here. */
static void nothing_is_read_behind_the_end_of_the_file(void **state)
{
	static const char key[] = "'CONFIG_ARGS':";
	const size_t page = 4096;
	char *text =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(text != MAP_FAILED);
	assert_int_equal(mprotect(text + page, page, PROT_NONE), 0);
	memset(text, '\n', page);
	memcpy(text, key, strlen(key));
	assert_false(py_configured_with(text, page, "--with-lto"));
	munmap(text, 2 * page);
}

/* Without PGO births are not inlined: few places are no proof that it was made without LTO. */
static void lto_of_a_build_without_pgo_is_known_by_its_configuration(void **state)
{
	static const char alpine[] = "'CONFIG_ARGS': \"'--enable-shared' '--with-lto'\",\n";
	struct py_shape s = {.minor = 13,
			     .has_births = true,
			     .lto = PY_UNKNOWN,
			     .pgo = PY_UNKNOWN,
			     .compiler = "GCC 14.2.0"};

	(void)state;
	py_shape_configured(alpine, strlen(alpine), &s);
	assert_int_equal(s.lto, PY_YES);
	assert_int_equal(s.pgo, PY_UNKNOWN);
	s.lto = PY_NO;
	py_shape_configured("", 0, &s);
	assert_int_equal(s.lto, PY_NO);
}

/* An executable that was put beside another build's file: -O1, and uv's with LTO, PGO and BOLT. */
static void a_file_that_contradicts_the_code_tells_nothing(void **state)
{
	static const char *const other[] = {
		"'CC': 'clang',\n'CONFIG_ARGS': \"'--with-lto'\"\n",
		"'CC': '/usr/bin/clang-19 -pthread',\n'CONFIG_ARGS': \"'--with-lto'\"\n",
		"'CC': 'gcc',\n'CONFIG_ARGS': \"'--with-lto' '--enable-optimizations'\"\n",
		"'CC': 'gcc',\n'CONFIG_ARGS': \"'--enable-optimizations' '--enable-bolt'\"\n",
	};
	static const char lto[] = "'CONFIG_ARGS': \"'--with-lto'\"\n";
	static const char own[] = "'CC': '/opt/clang/bin/x86_64-linux-gnu-gcc -pthread',\n"
				  "'CONFIG_ARGS': \"'--enable-optimizations'\"\n";
	const struct py_shape O1 = {.minor = 13,
				    .has_births = true,
				    .lto = PY_UNKNOWN,
				    .pgo = PY_UNKNOWN,
				    .bolt = PY_NO,
				    .jit = PY_UNKNOWN,
				    .compiler = "GCC 14.2.0"};
	struct py_shape s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		s = O1;
		py_shape_configured(other[i], strlen(other[i]), &s);
		assert_memory_equal(&s, &O1, sizeof(s));
	}
	s = O1;
	py_shape_configured(own, strlen(own), &s);
	assert_int_equal(s.pgo, PY_YES);
	s = O1;
	s.inlines_births = true; /* it is that build */
	py_shape_configured(other[2], strlen(other[2]), &s);
	assert_int_equal(s.lto, PY_YES);
	s = O1;
	s.lto = PY_NO;
	py_shape_configured(lto, strlen(lto), &s);
	assert_int_equal(s.lto, PY_NO);
}

static void a_build_is_said_in_words(void **state)
{
	struct py_shape s = {.minor = 13,
			     .has_births = true,
			     .inlines_births = true,
			     .lto = PY_YES,
			     .pgo = PY_UNKNOWN,
			     .bolt = PY_NO,
			     .stripped = true,
			     .libc = PY_LIBC_GLIBC,
			     .compiler = "GCC 12.2.0"};
	char words[PY_SHAPE_WORDS];

	(void)state;
	assert_string_equal(py_shape_words(&s, words, sizeof(words)),
			    "GCC 12.2.0, LTO, in the executable, stripped, glibc");
	assert_string_equal(py_shape_tested(&s), "Debian's or conda's");
	s.bolt = PY_YES;
	assert_null(py_shape_tested(&s));
	*s.compiler = '\0';
	s.libc = PY_LIBC_MUSL;
	assert_string_equal(py_shape_words(&s, words, sizeof(words)),
			    "compiler not known, LTO, BOLT, in the executable, stripped, musl");
	py_shape_words(&s, words, 10);
	assert_string_equal(words, "compiler ");
}

/* "Tested" is said of what was, and not where it is not known. */
static void a_build_that_nobody_has_tried_is_like_none(void **state)
{
	const struct py_shape debian = {.minor = 13,
					.has_births = true,
					.inlines_births = true,
					.lto = PY_YES,
					.bolt = PY_NO,
					.libc = PY_LIBC_GLIBC,
					.compiler = "GCC 14.2.0"};
	struct py_shape s = debian;

	(void)state;
	assert_non_null(py_shape_tested(&s));
	s.has_births = false; /* its places were not found, sysconfig alone tells of LTO */
	assert_null(py_shape_tested(&s));
	s = debian;
	s.inlines_births = false; /* LTO is what a file says of it */
	assert_null(py_shape_tested(&s));
	s = debian;
	s.debug = true;
	assert_null(py_shape_tested(&s));
	s = debian;
	s.jit = PY_YES;
	assert_null(py_shape_tested(&s));
	s.jit = PY_UNKNOWN;
	assert_null(py_shape_tested(&s));
	s.minor = 14; /* Debian's has one, which is off */
	assert_non_null(py_shape_tested(&s));
	s = debian;
	s.minor = 12;
	assert_null(py_shape_tested(&s));
	s = debian;
	s.is_library = true;
	assert_string_equal(py_shape_tested(&s), "Docker's images");
	s.libc = PY_LIBC_MUSL; /* Alpine's: docs/PYTHONS.md says why */
	assert_null(py_shape_tested(&s));
	s = debian;
	s.bolt = PY_YES;
	strcpy(s.compiler, "Clang 22.1.8"); /* uv's */
	assert_non_null(py_shape_tested(&s));
	s.tail_calls = PY_YES;
	assert_null(py_shape_tested(&s));
	s.minor = 14; /* made with them */
	assert_string_equal(py_shape_tested(&s), "python-build-standalone's, as uv installs it");
	s.tail_calls = PY_NO;
	assert_null(py_shape_tested(&s));
}

static void a_build_without_the_gil_is_like_those_that_were_tried(void **state)
{
	struct py_shape s = {.minor = 14,
			     .has_births = true,
			     .free_threaded = true,
			     .lto = PY_NO,
			     .bolt = PY_NO,
			     .tail_calls = PY_NO,
			     .jit = PY_NO,
			     .libc = PY_LIBC_GLIBC,
			     .compiler = "GCC 14.2.0"};

	(void)state;
	assert_string_equal(py_shape_tested(&s), "a build from source without the GIL");
	s.free_threaded = false; /* in the executable, without LTO */
	assert_null(py_shape_tested(&s));
	s.free_threaded = true;
	s.lto = PY_YES; /* otherwise as Debian's */
	s.inlines_births = true;
	assert_null(py_shape_tested(&s));
	s.bolt = s.tail_calls = PY_YES;
	strcpy(s.compiler, "Clang 22.1.8");
	assert_string_equal(py_shape_tested(&s), "python-build-standalone's without the GIL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_option_is_found_in_its_own_entry_only),
		cmocka_unit_test(one_line_for_each_key_as_3_14_writes_it),
		cmocka_unit_test(nothing_is_read_behind_the_end_of_the_file),
		cmocka_unit_test(lto_of_a_build_without_pgo_is_known_by_its_configuration),
		cmocka_unit_test(a_file_that_contradicts_the_code_tells_nothing),
		cmocka_unit_test(a_build_is_said_in_words),
		cmocka_unit_test(a_build_that_nobody_has_tried_is_like_none),
		cmocka_unit_test(a_build_without_the_gil_is_like_those_that_were_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
