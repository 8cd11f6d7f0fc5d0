/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The answer of `why` as text: names come from the target, and a terminal obeys none of them. */
#include "command/why_priv.h"

#include "unit.h"

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
		cmocka_unit_test(nothing_of_a_name_reaches_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
