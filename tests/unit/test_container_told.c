/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A report has the container as it was last read, not as it was found. */
#include "evidence/evidence.h"
#include "session/holders_priv.h"

#include "unit.h"

#define S 1000000000ull

/* It grew while it was searched for, and has rested since. */
static void a_rate_goes_when_a_container_rests(void **state)
{
	struct why_step way = {.type = (char *)"list",
			       .entries = 900,
			       .growth = 50,
			       .bound = WHY_UNKNOWN,
			       .addr = 0x5000};
	struct report_holder_step step = {
		.edge = "root", .type = "list", .entries = 900, .growth_per_s = 50};
	struct session s = {.ended = true};
	struct found found = {
		.path = {.step = &way, .n = 1},
		.fact = {.holder = {.step = &step, .n = 1},
			 .fill = {.addr = 0x5000,
				  .first = 900,
				  .last = 1000,
				  .calm = 1000,
				  .first_ns = S,
				  .calm_ns = 3 * S,
				  .last_ns = 100 * S}},
	};
	struct holders h = {.s = &s, .found = {.v = &found, .n = 1}};
	struct evidence e = {0};
	struct observation to = {.e = &e};
	void *none = calloc(1, survivors_source.size);

	(void)state;
	assert_int_equal(survivors_source.open(none, &s), 0);
	assert_int_equal(report_new(&to.scratch), 0);
	found.r = to.scratch;
	assert_int_equal(holders_observe(&h, &to), 0);
	assert_int_equal(e.n_holders, 1);
	assert_int_equal(e.holder->holder.step->entries, 1000);
	assert_true(e.holder->holder.step->growth_per_s == 0);
	assert_string_equal(e.holder->holder.path, " (list, 1,000 entries)");
	free(found.path.text);
	report_free(to.scratch);
	survivors_source.close(none);
	free(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_goes_when_a_container_rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
