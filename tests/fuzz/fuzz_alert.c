/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Threshold rules, and what they say of values at the ends of what a double can be.
 *
 * reads: src/alert/alert_parse.c src/alert/alert.c
 */
#include "fuzz/fuzz.h"
#include "alert/alert.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	double value[] = {0, 1e300, -INFINITY, NAN, 0}, now = 0;
	struct alert_state s = {0};
	struct alert_rule rule;
	char *text, buf[128];
	uint64_t bits = in_u64(&in);

	memcpy(&value[4], &bits, 8);
	text = in_text(&in);
	if (!alert_parse(text, &rule))
		for (size_t i = 0; i < 2 * ARRAY_SIZE(value); i++) {
			alert_step(&rule, &s, value[i % ARRAY_SIZE(value)], now);
			alert_sentence(&rule, value[i % ARRAY_SIZE(value)], buf, sizeof(buf));
			now += rule.for_s + 1;
		}
	free(text);
	return 0;
}
