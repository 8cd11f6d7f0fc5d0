/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Probes on births that are refused: for the moment, for a while, for good. */
#include "session/births_priv.h"

#include <unistd.h>

#include "unit.h"

#define SECOND 1000000000ull

struct scene {
	struct session s;
	struct births b;
};

static void set_up(struct scene *k)
{
	*k = (struct scene){.b = {.s = &k->s, .mode = BIRTHS_BURSTS}};
	assert_int_equal(proc_open(getpid(), &k->s.proc), 0);
}

static void tear_down(struct scene *k)
{
	for (size_t i = 0; i < k->s.notes.n; i++)
		free(k->s.notes.v[i]);
	proc_close(k->s.proc);
}

static void refuse(struct scene *k, int err)
{
	births_refused(&k->b, fail(err, "too dear"));
}

static void a_pause_is_waited_for(void **state)
{
	struct scene k;

	(void)state;
	set_up(&k);
	for (int i = 0; i < 100; i++) {
		refuse(&k, -EBUSY);
		assert_int_equal(k.b.mode, BIRTHS_BURSTS);
		assert_in_range(k.b.due.burst, clock_ns(), clock_ns() + SECOND);
	}
	assert_int_equal(k.b.windows_refused, 100);
	assert_int_equal(k.s.notes.n, 1);
	assert_string_equal(k.s.notes.v[0], "births could not be watched at times: too dear");
	tear_down(&k);
}

static void a_turn_is_asked_for_again_soon(void **state)
{
	struct scene k;

	(void)state;
	set_up(&k);
	refuse(&k, -EAGAIN);
	assert_in_range(k.b.due.burst, clock_ns(), clock_ns() + SECOND / 50);
	assert_int_equal(k.b.windows_refused + k.s.notes.n, 0);
	tear_down(&k);
}

static void what_is_refused_for_good_is_not(void **state)
{
	struct scene k;

	(void)state;
	set_up(&k);
	refuse(&k, -ENOTSUP);
	assert_int_equal(k.b.mode, BIRTHS_OFF);
	assert_int_equal(k.b.due.burst, 0);
	assert_string_equal(k.s.notes.v[0], "births are not watched: too dear");
	k.b.mode = BIRTHS_BURSTS;
	k.b.bursts = 1;
	refuse(&k, -ENOTSUP);
	assert_string_equal(k.s.notes.v[1],
			    "births are not watched any more, only growth is: too dear");
	tear_down(&k);
}

/* A pause that the user wishes and one for a debugger are kept apart. */
static void a_debugger_pauses_the_session(void **state)
{
	struct scene k;

	(void)state;
	set_up(&k);
	session_pause(&k.s, false);
	session_see_tracer(&k.s, true);
	assert_true(k.s.paused);
	session_pause(&k.s, false);
	assert_true(k.s.paused);
	session_see_tracer(&k.s, true);
	assert_int_equal(k.s.notes.n, 1);
	assert_non_null(strstr(k.s.notes.v[0], "debugger"));
	session_see_tracer(&k.s, false);
	assert_false(k.s.paused);
	session_pause(&k.s, true);
	session_see_tracer(&k.s, false);
	assert_true(k.s.paused);
	tear_down(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pause_is_waited_for),
		cmocka_unit_test(a_turn_is_asked_for_again_soon),
		cmocka_unit_test(what_is_refused_for_good_is_not),
		cmocka_unit_test(a_debugger_pauses_the_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
