/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The answer of `why` on a terminal. */
#include "unit.h"

#include <stdio.h>

#include "command/why_priv.h"

static char *text_of(const struct why_question *q, struct why_path *path, double other,
		     double unknown)
{
	const struct why_answer a = {
		.targets = 4, .path = path, .n = 1, .other_share = other, .unknown_share = unknown};
	const struct why_stats s = {.gc_known = true, .gc_enabled = true};
	static char text[2048];
	FILE *f = fmemopen(text, sizeof(text), "w");

	assert_non_null(f);
	assert_int_equal(why_print(f, q, &a, &s), 0);
	fclose(f);
	return text;
}

static void what_is_not_known_is_no_other_path(void **state)
{
	const struct why_question q = {.where = "process 7", .what = "Job"};
	struct why_path path = {
		.root = WHY_MODULE, .text = (char *)"module app :: Q", .share = 0.5};
	const char *text = text_of(&q, &path, 0.2, 0.3);

	(void)state;
	assert_non_null(strstr(text, "\n  50 %  module app :: Q\n  20 %  on other paths\n"
				     "  30 %  not known: what holds them changed"));
	text = text_of(&q, &path, 0, 0.5);
	assert_null(strstr(text, "other paths"));
	text = text_of(&q, &path, 0.5, 0);
	assert_null(strstr(text, "not known"));
}

/* A running process is looked at twice; a copy of one cannot be. */
static void what_a_copy_lost_may_have_moved(void **state)
{
	static const char taken[] = "never given back (C code, ctypes)";
	static const char moved[] = "changed while the process was saved";

	(void)state;
	for (int copied = 0; copied < 2; copied++) {
		const struct why_question q = {
			.what = "app.Job", .where = "process 7", .is_copied = copied};
		struct why_path path = {.root = WHY_NOBODY, .text = (char *)"Job", .share = 1};
		const char *text = text_of(&q, &path, 0, 0);

		assert_non_null(strstr(text, taken));
		assert_int_equal(strstr(text, moved) != NULL, copied);
		path.root = WHY_CYCLE;
		assert_null(strstr(text_of(&q, &path, 0, 0), moved));
		path.uncollectable = true;
		text = text_of(&q, &path, 0, 0);
		assert_int_equal(strstr(text, moved) != NULL, copied);
		assert_int_equal(strstr(text, "the collector cannot free") != NULL, !copied);
	}
}

#define HOSTILE "app.Box\x1b]0;owned\x07\x1b[31m\xff\n\"end\""

static char hostile[] = HOSTILE, path_text[] = "module app.BOX (" HOSTILE ") -> app.Item";
static char label[] = "BOX\x1b[2J";

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' && *s != '\n' && *s != '\t')
			return true;
	return false;
}

static void nothing_of_a_name_reaches_the_terminal(void **state)
{
	struct why_step step = {.edge = WHY_ROOT,
				.label = label,
				.type = hostile,
				.addr = 16,
				.entries = WHY_UNKNOWN};
	struct why_path path = {.root = WHY_MODULE,
				.text = path_text,
				.share = 1,
				.count = 3,
				.step = &step,
				.n = 1};
	const struct why_answer a = {.targets = 3, .sampled = 3, .path = &path, .n = 1};
	const struct why_question q = {7, "process 7", "3.11.2", hostile, false};
	const struct why_stats s = {.blocks = 9};
	auto_free char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	assert_non_null(f);
	assert_int_equal(why_print(f, &q, &a, &s), 0);
	fclose(f);
	assert_false(has_control(text));
	assert_non_null(strstr(text, "app.Box\\x1b]0;owned\\x07\\x1b[31m\\xff"));
	assert_non_null(strstr(text, " in process 7: 3 objects\n 100 %  module app.BOX (app.Box"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_known_is_no_other_path),
		cmocka_unit_test(what_a_copy_lost_may_have_moved),
		cmocka_unit_test(nothing_of_a_name_reaches_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
