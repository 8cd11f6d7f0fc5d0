/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A watch tells some things between its reports. The watch itself is made up. */
#include "unit.h"

#define session_step	   step_once
#define session_pause	   pause_nothing
#define session_keep_alive keep_nothing
#define session_comm	   comm_of
#define session_end_reason reason_of
#define session_beat	   beat_once
#define session_start	   start_once
#define watch_report	   report_once
#define record_tell	   tell_of_recording
#define watch_near_end	   look_at_end
#include "command/watch.c"

#define STEPS	3
#define MANY	20
#define TURN_US 20000

static unsigned steps, reports, looks, turn_us;
static unsigned most_steps; /* then the user asks to stop; 0: never */
static bool is_gone;
static char said[256];
static unsigned told_after; /* which step a trouble of the recording was told last */

int session_step(struct session *s, double max_s)
{
	(void)s;
	(void)max_s;
	usleep(turn_us);
	if (++steps == most_steps)
		stop_ask();
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

void session_beat(struct session *s)
{
	(void)s;
}

void session_start(struct session *s)
{
	(void)s;
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
	steps = reports = looks = 0;
	most_steps = STEPS;
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

/* A round over all of them takes four times as long. */
static void the_time_is_up_within_a_round_over_many(void **state)
{
	static struct watch w = {
		.n = MANY,
		.o = {.is_quiet = true, .interval_s = 1e9, .duration_s = 0.1},
	};

	(void)state;
	steps = reports = 0;
	turn_us = TURN_US;
	for (size_t i = 0; i < MANY; i++)
		w.target[i].session = (struct session *)&w;
	start_all(&w);
	assert_int_equal(loop(&w), 0);
	turn_us = 0;
	assert_in_range(steps, 1, 100000 / TURN_US);
	assert_int_equal(reports, 1);
	assert_false(stop_asked()); /* so the exit code tells of no interruption */
	assert_false(stop_is_due());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_that_fires_ends_with_its_process),
		cmocka_unit_test(the_time_is_up_within_a_round_over_many),
		/* the last one, as it asks to stop for good */
		cmocka_unit_test(a_trouble_of_the_recording_waits_for_no_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
