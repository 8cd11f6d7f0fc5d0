/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A watch tells some things between its reports. The watch itself is made up. */
#include "unit.h"

#define session_step	   step_once
#define session_pause	   pause_nothing
#define session_keep_alive keep_nothing
#define session_comm	   comm_of
#define session_end_reason reason_of
#define stop_asked	   is_stopped
#define watch_report	   report_once
#define record_tell	   tell_of_recording
#define watch_near_end	   look_at_end
#include "command/watch.c"

#define STEPS 3

static unsigned steps, reports, looks;
static bool is_gone;
static char said[256];
static unsigned told_after; /* which step a trouble of the recording was told last */

int session_step(struct session *s, double max_s)
{
	(void)s;
	(void)max_s;
	steps++;
	return is_gone;
}

const char *session_comm(const struct session *s)
{
	(void)s;
	return "python3";
}

const char *session_end_reason(const struct session *s)
{
	(void)s;
	return "process 7 has ended";
}

void session_pause(struct session *s, bool pause)
{
	(void)s;
	(void)pause;
}

void session_keep_alive(struct session *s)
{
	(void)s;
}

bool stop_asked(void)
{
	return steps >= STEPS;
}

int watch_report(struct watch *w, bool final)
{
	(void)w;
	(void) final;
	reports++;
	return 0;
}

void watch_near_end(const struct watch *w)
{
	(void)w;
	looks++;
}

void record_tell(struct record *r)
{
	(void)r;
	told_after = steps;
}

static void a_trouble_of_the_recording_waits_for_no_report(void **state)
{
	static struct watch w = {.n = 1, .start_ns = 1, .o = {.is_quiet = true, .interval_s = 1e9}};

	(void)state;
	w.target[0].session = (struct session *)&w; /* nobody looks into it */
	assert_int_equal(loop(&w), 0);
	assert_int_equal(steps, STEPS);
	assert_int_equal(reports, 1);
	assert_int_equal(looks, STEPS);
	/* Then comes the end, which tells it itself. */
	assert_int_equal(told_after, STEPS - 1);
}

static void keep(const char *line)
{
	snprintf(said, sizeof(said), "%s", line);
}

/* A rule is told of twice. */
static void a_rule_that_fires_ends_with_its_process(void **state)
{
	static struct watch w = {.n = 1, .start_ns = 1, .o = {.is_quiet = true, .interval_s = 1e9}};
	const char *rules[] = {"rss>2G", "fds>9"};

	(void)state;
	steps = 0;
	is_gone = true;
	w.target[0].pid = 7;
	w.target[0].session = (struct session *)&w;
	assert_int_equal(alerts_init(rules, ARRAY_SIZE(rules), &w.alerts), 0);
	w.alerts.state[0][0].firing = true;
	log_divert(keep);
	assert_int_equal(loop(&w), 0);
	log_divert(NULL);
	is_gone = false;
	assert_int_equal(steps, 1);
	assert_non_null(strstr(said, "alert resolved 'rss>2G': pid 7: process 7 has ended"));
	assert_false(w.alerts.state[0][0].firing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trouble_of_the_recording_waits_for_no_report),
		cmocka_unit_test(a_rule_that_fires_ends_with_its_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
