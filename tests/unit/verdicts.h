/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tests of the verdict begin with these: a report, and evidence of a leak beyond doubt. */
#ifndef PYLEAK_TESTS_VERDICTS_H
#define PYLEAK_TESTS_VERDICTS_H

#include "verdict/verdict.h"
#include "unit.h"

static struct report *report;

static int begin(void **state)
{
	(void)state;
	return report_new(&report);
}

static int end(void **state)
{
	(void)state;
	report_free(report);
	return 0;
}

/* Each test takes one thing from it. */
static inline struct verdict_evidence leak(void)
{
	return (struct verdict_evidence){
		.run_s = 180,
		.oldest_s = 178,
		.growth_bytes_per_s = 1258291,
		.samples = 60,
		.bursts = 40,
		.quarters = 4,
		.collections = 14,
		.curve = {.shape = CURVE_RISING, .points = 90, .since_s = 178, .confidence = 0.88},
		.mean_age_s = 95,
		.least_s = 10,
	};
}

static inline struct report_site judged(const struct verdict_evidence *e)
{
	struct report_site s = {.growth_bytes_per_s = e->growth_bytes_per_s};

	verdict_site(report, e, &s);
	return s;
}

#endif
