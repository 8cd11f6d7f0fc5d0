/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The end of `sweep`: when there is a final report, which replaces the files of an earlier run. The
 * sweep itself is made up. */
#include "unit.h"

#define sweep_step	step_once
#define sweep_has_round has_a_round
#define sweep_count	count_none
#define sweep_fill	fill_nothing
#define stop_asked	is_stopped
#define out_term_sweep	print_one
#define outputs_print	print_all
#define record_tell	tell_of_recording
#define record_end	end_recording
#include "command/sweep.c"

static struct {
	int err;	 /* what the third step comes to */
	bool is_stopped; /* by then */
	bool has_round, is_quiet;
	int print_err;
} scene;

static char said[256];
static unsigned steps, printed, before; /* final reports, and those before */
static unsigned recorded;		/* recordings that have ended */
static unsigned told_after;		/* which step a trouble of the recording was told last */

int sweep_step(struct sweep *s, double max_s)
{
	(void)s;
	(void)max_s;
	return ++steps < 3 ? 0 : scene.err ? fail(scene.err, "/proc cannot be read") : 0;
}

bool sweep_has_round(const struct sweep *s)
{
	(void)s;
	return scene.has_round;
}

size_t sweep_count(const struct sweep *s, size_t *refused)
{
	(void)s;
	return *refused = 0;
}

int sweep_fill(struct sweep *s, struct report *r)
{
	(void)s;
	(void)r;
	return 0;
}

bool stop_asked(void)
{
	return scene.is_stopped && steps >= 3;
}

int out_term_sweep(FILE *f, const struct report *r, const struct out_term_opts *o)
{
	(void)f;
	(void)r;
	(void)o;
	assert_true(scene.has_round);
	before++;
	return 0;
}

int outputs_print(const struct outputs *o, const struct outputs_files *files, outputs_text text,
		  struct out_term_opts how, const struct report *r)
{
	(void)o;
	(void)files;
	(void)text;
	(void)how;
	assert_true(r->final);
	/* who reads the report may stand still */
	assert_int_equal(recorded, 1);
	printed++;
	return scene.print_err ? fail(scene.print_err, "the disk is full") : 0;
}

void record_tell(struct record *r)
{
	(void)r;
	told_after = steps;
}

int record_end(struct record *r, int err)
{
	(void)r;
	assert_int_equal(err, 0);
	recorded++;
	return 0;
}

static int run_for(double duration_s)
{
	struct sweep_cmd c = {.interval_s = 1e-9, /* a report each step */
			      .duration_s = duration_s,
			      .is_quiet = scene.is_quiet};
	bool leaks = false;

	steps = printed = before = recorded = told_after = 0;
	*said = '\0';
	return loop(&c, NULL, &leaks);
}

static int run_loop(void)
{
	return run_for(0);
}

static void a_failure_before_anything_is_known_leaves_the_files(void **state)
{
	(void)state;
	scene.err = -EIO;
	scene.has_round = false;
	assert_int_equal(run_loop(), -EIO);
	assert_int_equal(printed, 0);
	assert_string_equal(fail_text(), "/proc cannot be read");
	/* With Ctrl-C at the same time it is no less of a failure. */
	scene.is_stopped = true;
	assert_int_equal(run_loop(), -EIO);
	assert_int_equal(printed, 0);
	scene.err = 0;
	assert_int_equal(run_loop(), -ECANCELED);
	assert_int_equal(printed, 0);
	scene.is_stopped = false;
}

static void what_is_known_is_told_at_the_end(void **state)
{
	(void)state;
	scene.has_round = true;
	scene.is_stopped = true;
	assert_int_equal(run_loop(), 0);
	assert_int_equal(printed, 1);
	scene.is_stopped = false;
	scene.err = -EIO;
	scene.print_err = -ENOSPC;
	assert_int_equal(run_loop(), -EIO);
	assert_int_equal(printed, 1);
	assert_string_equal(fail_text(), "/proc cannot be read");
	scene.print_err = scene.err = 0;
}

static void nothing_is_told_of_some_as_if_they_were_all(void **state)
{
	(void)state;
	scene.is_stopped = true;
	scene.has_round = false;
	assert_int_equal(run_loop(), -ECANCELED);
	assert_int_equal(before, 0);
	scene.has_round = true;
	assert_int_equal(run_loop(), 0);
	assert_int_equal(before, 3);
}

static void some_are_not_told_of_as_if_they_were_all_at_the_end(void **state)
{
	(void)state;
	scene.is_stopped = scene.has_round = false;
	assert_int_equal(run_for(1e-9), 0);
	assert_int_equal(printed, 1);
	assert_non_null(strstr(said, "not every process was looked at"));
	scene.has_round = true;
	assert_int_equal(run_for(1e-9), 0);
	assert_int_equal(printed, 1);
	assert_null(strstr(said, "not every process was looked at"));
}

static void a_trouble_of_the_recording_waits_for_no_report(void **state)
{
	(void)state;
	scene.is_stopped = scene.has_round = scene.is_quiet = true;
	assert_int_equal(run_loop(), 0);
	assert_int_equal(before, 0);
	/* Then comes the end, which tells it itself. */
	assert_int_equal(steps, 3);
	assert_int_equal(told_after, 2);
	scene.is_quiet = false;
}

static void keep(const char *line)
{
	snprintf(said, sizeof(said), "%s", line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_before_anything_is_known_leaves_the_files),
		cmocka_unit_test(what_is_known_is_told_at_the_end),
		cmocka_unit_test(nothing_is_told_of_some_as_if_they_were_all),
		cmocka_unit_test(some_are_not_told_of_as_if_they_were_all_at_the_end),
		cmocka_unit_test(a_trouble_of_the_recording_waits_for_no_report),
	};

	log_divert(keep);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
