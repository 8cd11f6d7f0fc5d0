/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The texts of lines in a report: those of the file that the process itself would read. */
#include "session/frames.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "self.h"

static struct report *report;
static char path[64];

static void file_with(const char *text, size_t n)
{
	int fd;

	strcpy(path, "/tmp/pyleak-frames-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	close(fd);
}

/* The frame, which is the user's own and the only one, when its lines were looked up. */
static struct report_frame looked_up(int line)
{
	struct report_frame f = {.function = "f", .file = path, .line = line};
	struct report_site site = {.stack = &f, .n_frames = 1};
	struct proc *p = self_open();

	frames_add_lines(p, report, &site);
	proc_close(p);
	return f;
}

static void line_comes_with_those_around(void **state)
{
	static const struct {
		int line;
		const char *source, *around;
	} cases[] = {
		{1, "one", "one\n  two\n\tthree"},
		{2, "two", "one\n  two\n\tthree\nfour"},
		{3, "three", "one\n  two\n\tthree\nfour\nfive"},
		{4, "four", "  two\n\tthree\nfour\nfive"},
		{5, "five", "\tthree\nfour\nfive"},
	};

	(void)state;
	file_with("one\r\n  two\n\tthree\nfour\nfive\n", 28);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report_frame f = looked_up(cases[i].line);

		assert_string_equal(f.source, cases[i].source);
		assert_string_equal(f.around, cases[i].around);
	}
	unlink(path);
}

static void line_that_is_not_there_has_none(void **state)
{
	static const int lines[] = {0, -1, 6, 7, 1000000};

	(void)state;
	file_with("one\n  two\n\tthree\nfour\nfive\n", 27);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct report_frame f = looked_up(lines[i]);

		assert_null(f.source);
		assert_null(f.around);
	}
	unlink(path);
	assert_null(looked_up(1).source);
}

static void long_lines_are_cut(void **state)
{
	size_t n = 100000;
	char *text = malloc(n);
	struct report_frame f;

	(void)state;
	memset(text, 'x', n);
	text[50000] = '\n';
	text[60000] = '\0';
	file_with(text, n);
	free(text);
	f = looked_up(2);
	assert_true(strlen(f.source) > 300 && strlen(f.source) < 500);
	assert_true(strlen(f.around) == 2 * strlen(f.source) + 1);
	unlink(path);
}

static void empty_line_is_a_line(void **state)
{
	(void)state;
	file_with("\n\n", 2);
	assert_string_equal(looked_up(1).source, "");
	assert_string_equal(looked_up(2).source, "");
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_comes_with_those_around),
		cmocka_unit_test(line_that_is_not_there_has_none),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(empty_line_is_a_line),
	};
	int failed;

	if (report_new(&report))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	report_free(report);
	return failed;
}
