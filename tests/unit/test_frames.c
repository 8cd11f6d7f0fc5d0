/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lines of source in a report: those of a file as large as may be are read for a while only. */
#include "lines/text.h"

#include <stdlib.h>
#include <unistd.h>

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

		lines_add_text(p, r, &site, &left);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_reads_so_much_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
