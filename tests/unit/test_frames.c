/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lines of source in a report: those of a file as large as may be are read for a while only. */
#include "lines/text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lines/lines.h"
#include "proc/proc.h"
#include "unit.h"

#define LINES 900000
#define SITES 64

static void a_report_reads_so_much_and_no_more(void **state)
{
	char path[] = "/tmp/pyleak-frames-XXXXXX";
	int fd = mkstemp(path);
	size_t left = LINES_BYTES, had = 0;
	struct report *r;
	struct proc *p;
	FILE *f;

	(void)state;
	f = fdopen(fd, "w");
	for (int i = 1; i < LINES; i++)
		fputs("x\n", f);
	fputs("  last()\n", f);
	fclose(f);
	assert_int_equal(proc_open(getpid(), &p), 0);
	assert_int_equal(report_new(&r), 0);
	for (size_t i = 0; i < SITES; i++) {
		struct report_frame frame = {.function = "f", .file = path, .line = LINES};
		struct report_site site = {.stack = &frame, .n_frames = 1};
		struct report_process of = {.sites = &site, .n_sites = 1};

		lines_add_text(p, lines_started_at(p), r, &of, 1, &left);
		if (!i)
			assert_string_equal(frame.source, "last()");
		had += frame.source != NULL;
	}
	assert_int_equal(left, 0);
	assert_in_range(had, LINES_BYTES / (2 * LINES), LINES_BYTES / (2 * LINES) + 1);
	report_free(r);
	proc_close(p);
	unlink(path);
}

/* A file of one line, that many seconds younger than the test. */
static void write_file(char *path, int younger_s)
{
	int fd = mkstemp(path);
	struct timespec times[2];

	assert_int_equal(write(fd, "run()\n", 6), 6);
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec += younger_s;
	times[1] = times[0];
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

/* The next release is there, what runs is the last one: its line is no line of this file. */
static void lines_of_a_file_that_has_changed_have_no_text(void **state)
{
	char a[] = "/tmp/pyleak-frames-XXXXXX", b[] = "/tmp/pyleak-frames-XXXXXX";
	char c[] = "/tmp/pyleak-frames-XXXXXX";
	struct report_frame frame[] = {{.function = "f", .file = a, .line = 1},
				       {.function = "g", .file = b, .line = 1},
				       {.function = "h", .file = b, .line = 1}};
	struct report_site site[] = {{.stack = frame, .n_frames = ARRAY_SIZE(frame)}};
	const char *before = "births are not watched";
	struct report_process of = {.sites = site, .n_sites = 1, .notes = &before, .n_notes = 1};
	size_t left = LINES_BYTES;
	struct report *r;
	struct proc *p;

	(void)state;
	write_file(a, -60);
	write_file(b, 60);
	write_file(c, 60);
	assert_int_equal(proc_open(getpid(), &p), 0);
	assert_int_equal(report_new(&r), 0);
	lines_add_text(p, lines_started_at(p), r, &of, 1, &left);
	assert_string_equal(frame[0].source, "run()");
	assert_null(frame[1].source);
	assert_null(frame[1].around);
	assert_null(frame[2].source);
	assert_int_equal(of.n_notes, 2);
	assert_ptr_equal(of.notes[0], before);
	assert_non_null(strstr(of.notes[1], b));
	assert_null(strstr(of.notes[1], "other"));
	assert_non_null(strstr(of.notes[1], "changed since the process started"));

	frame[2].file = c;
	lines_add_text(p, lines_started_at(p), r, &of, 1, &left);
	assert_non_null(strstr(of.notes[2], " and 1 other file "));
	report_free(r);
	proc_close(p);
	unlink(a);
	unlink(b);
	unlink(c);
}

/* Has line 1 of @file a text, for a program that was started then? @note: a part of the only note;
 * NULL: there is none. */
static bool has_text(const char *file, double started_at, const char *note)
{
	struct report_frame frame = {.function = "f", .file = file, .line = 1};
	struct report_site site = {.stack = &frame, .n_frames = 1};
	struct report_process of = {.sites = &site, .n_sites = 1};
	size_t left = LINES_BYTES;
	struct report *r;
	struct proc *p;

	assert_int_equal(proc_open(getpid(), &p), 0);
	assert_int_equal(report_new(&r), 0);
	lines_add_text(p, started_at, r, &of, 1, &left);
	assert_int_equal(of.n_notes, note != NULL);
	if (note) {
		assert_non_null(strstr(of.notes[0], file));
		assert_non_null(strstr(of.notes[0], note));
	}
	report_free(r);
	proc_close(p);
	return frame.source;
}

/* `cp -p` over a file leaves its inode alone to tell, which a chmod would, too. */
static void lines_of_a_file_that_may_have_changed_have_no_text(void **state)
{
	char a[] = "/tmp/pyleak-frames-XXXXXX";
	struct stat st;

	(void)state;
	write_file(a, -60);
	sleep(1);
	assert_int_equal(chmod(a, 0600), 0);
	assert_int_equal(stat(a, &st), 0);
	assert_false(has_text(a, (double)st.st_ctim.tv_sec - 1,
			      "may have changed since the process started"));
	assert_true(has_text(a, (double)st.st_ctim.tv_sec, NULL));
	unlink(a);
}

/* A worker's program is older than the worker, whose age is all that is known once it has ended. */
static void a_file_is_compared_with_the_start_that_is_handed_over(void **state)
{
	char a[] = "/tmp/pyleak-frames-XXXXXX";

	(void)state;
	write_file(a, -60);
	assert_false(has_text(a, wall_clock() - 3600, "changed since the process started"));
	unlink(a);
}

/* Before the process changed its directory, or after: the same name is another file's. */
static void a_relative_name_is_nobodys(void **state)
{
	char name[] = "pyleak-frames-XXXXXX";
	int home = open(".", O_PATH | O_CLOEXEC);

	(void)state;
	assert_int_equal(chdir("/tmp"), 0);
	write_file(name, -60);
	assert_false(has_text(name, wall_clock(), NULL));
	unlink(name);
	assert_int_equal(fchdir(home), 0);
	close(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_reads_so_much_and_no_more),
		cmocka_unit_test(lines_of_a_file_that_has_changed_have_no_text),
		cmocka_unit_test(lines_of_a_file_that_may_have_changed_have_no_text),
		cmocka_unit_test(a_file_is_compared_with_the_start_that_is_handed_over),
		cmocka_unit_test(a_relative_name_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
