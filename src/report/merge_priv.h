/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the two halves of merging share. */
#ifndef PYLEAK_REPORT_MERGE_PRIV_H
#define PYLEAK_REPORT_MERGE_PRIV_H

#include <math.h>

#include "report/report.h"

/* One process of one of the reports. */
struct merge_part {
	const struct report_process *process;
	const char *host;
	double ended_at;
	size_t report; /* which of those that are merged */
	bool is_over;  /* nothing of it grows any more */
};

struct merge_parts {
	struct merge_part *v;
	size_t n, cap;
};

/* Of what is known: what nobody knows stays unknown. */
static inline double merge_sum(double a, double b)
{
	if (!isfinite(a))
		return b;
	return isfinite(b) ? a + b : a;
}

static inline uint64_t merge_count(uint64_t a, uint64_t b)
{
	if (a == REPORT_UNKNOWN)
		return b;
	return b == REPORT_UNKNOWN ? a : a + b;
}

/* The sites of all parts, joined by id, into @to, sorted. */
int merge_sites(struct report *r, struct report_process *to, const struct merge_parts *parts);

#endif
