/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A watch ends its recording and writes its baseline before what somebody may read. */
#include "unit.h"

#define outputs_report write_formats
#define outputs_read   read_none
#define outputs_write  write_one
#define record_end     end_recording
#define out_term       print_report
#include "command/watch_report.c"

static char order[16];

static int note(char what)
{
	order[strlen(order)] = what;
	return 0;
}

int outputs_report(const struct outputs *o, const struct outputs_files *files,
		   const struct report *r)
{
	(void)o;
	(void)files;
	(void)r;
	return note('f');
}

int outputs_read(const struct outputs *o, const char *path, FILE **out)
{
	(void)o;
	(void)path;
	*out = NULL;
	return 0;
}

int write_one(const struct outputs *o, const char *path, int (*write)(FILE *f, const void *ctx),
	      const void *ctx)
{
	(void)o;
	(void)path;
	(void)write;
	(void)ctx;
	return note('b');
}

int record_end(struct record *r, int err)
{
	(void)r;
	assert_int_equal(err, 0);
	return note('r');
}

int out_term(FILE *f, const struct report *r, const struct out_term_opts *o)
{
	(void)f;
	(void)r;
	(void)o;
	return note('t');
}

static const char *order_of_watch(bool final)
{
	static struct watch w = {.n = 1, .o = {.is_quiet = true, .baseline = "base.json"}};

	memset(order, 0, sizeof(order));
	assert_int_equal(watch_report(&w, final), 0);
	return order;
}

static void a_watch_ends_its_recording_and_baseline_first(void **state)
{
	(void)state;
	assert_string_equal(order_of_watch(true), "rtbf");
	assert_string_equal(order_of_watch(false), "t");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_watch_ends_its_recording_and_baseline_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
