/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compare/chance.h"

#include <math.h>

#include "base/thresholds.h"

#define SURE 1.96 /* half of a 95 % interval, in standard errors */

struct chance chance_of_ratio(double a, double a_samples, double b, double b_samples)
{
	double variance = 1 / a_samples + 1 / b_samples + 2 * DIFF_WANDER * DIFF_WANDER;
	double error = sqrt(variance), log_ratio = log(b / a);

	return (struct chance){
		.ratio = b / a,
		.low = exp(log_ratio - SURE * error),
		.high = exp(log_ratio + SURE * error),
		.p = erfc(fabs(log_ratio) / error / sqrt(2)),
	};
}

/* The chance of one sample or none: one alone makes no site. */
double chance_of_none(double expected)
{
	return exp(-expected) * (1 + expected);
}

static int ascending(const void *pa, const void *pb)
{
	double a = *(const double *)pa, b = *(const double *)pb;

	return (a > b) - (a < b);
}

double chance_limit(const double *p, size_t n, double level)
{
	auto_free double *v = calloc(n + 1, sizeof(*v));
	double limit = -1;

	if (!v)
		return limit;
	if (n)
		memcpy(v, p, n * sizeof(*v));
	qsort(v, n, sizeof(*v), ascending);
	for (size_t i = 0; i < n; i++)
		if (v[i] <= level * (double)(i + 1) / (double)n)
			limit = v[i];
	return limit;
}
