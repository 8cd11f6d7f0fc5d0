/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sources that can wait are woken up together with one that cannot. */
#include "unit.h"

#include "session/session_priv.h"

#define MS 1000000ull

enum { EXACT, PATIENT, LAZY, N };

static char ran[16];

static uint64_t note(void *self, uint64_t now_ns)
{
	(void)now_ns;
	strncat(ran, self, 1);
	return 0;
}

static const struct source_ops ops[N] = {
	[EXACT] = {.step = note},
	[PATIENT] = {.step = note, .slack_ns = 50 * MS},
	[LAZY] = {.step = note, .slack_ns = 150 * MS},
};
static char name[N][2] = {"e", "p", "l"};
static struct session s;

static void set_up(void)
{
	memset(&s, 0, sizeof(s));
	*ran = '\0';
	s.sources.n = N;
	for (size_t i = 0; i < N; i++)
		s.sources.v[i] = (struct source){.ops = &ops[i], .self = name[i]};
}

static void plan(size_t i, uint64_t due_ns)
{
	s.sources.v[i].due_ns = due_ns;
}

static void the_least_patient_tells_when_to_wake(void **state)
{
	(void)state;
	set_up();
	assert_int_equal(sources_due(&s, 9000 * MS), 9000 * MS);
	plan(LAZY, 1000 * MS);
	assert_int_equal(sources_due(&s, 9000 * MS), 1150 * MS);
	plan(PATIENT, 1120 * MS);
	assert_int_equal(sources_due(&s, 9000 * MS), 1150 * MS);
	plan(PATIENT, 1090 * MS);
	assert_int_equal(sources_due(&s, 9000 * MS), 1140 * MS);
	plan(EXACT, 1030 * MS);
	assert_int_equal(sources_due(&s, 9000 * MS), 1030 * MS);
	assert_int_equal(sources_due(&s, 1010 * MS), 1010 * MS);
}

/* One that has to be in time does not wait for the others, and who is not due yet holds up none. */
static void all_that_are_due_run_at_one_wake(void **state)
{
	uint64_t now = clock_ns();

	(void)state;
	set_up();
	plan(LAZY, now - 60 * MS);
	plan(PATIENT, now - 20 * MS);
	plan(EXACT, now);
	sources_run(&s);
	assert_string_equal(ran, "epl");
	set_up();
	plan(LAZY, now);
	plan(PATIENT, now);
	plan(EXACT, now + 3600000 * MS);
	sources_run(&s);
	assert_string_equal(ran, "pl");
	assert_int_equal(s.sources.v[EXACT].due_ns, now + 3600000 * MS);
}

static void the_first_and_the_last_notes_are_kept(void **state)
{
	(void)state;
	set_up();
	for (int i = 0; i < 40; i++)
		session_note(&s, "limit %d", i);
	session_note(&s, "limit 39");
	session_note(&s, "killed");
	assert_int_equal(s.notes.n, SESSION_NOTES);
	assert_string_equal(s.notes.v[0], "limit 0");
	assert_string_equal(s.notes.v[SESSION_NOTES / 2 - 1], "limit 7");
	assert_string_equal(s.notes.v[SESSION_NOTES / 2], "limit 33");
	assert_string_equal(s.notes.v[SESSION_NOTES - 1], "killed");
	assert_int_equal(s.notes.left_out, 41 - SESSION_NOTES);
	for (size_t i = 0; i < s.notes.n; i++)
		free(s.notes.v[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_patient_tells_when_to_wake),
		cmocka_unit_test(all_that_are_due_run_at_one_wake),
		cmocka_unit_test(the_first_and_the_last_notes_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
