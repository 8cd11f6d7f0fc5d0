/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the two halves of merging share. */
#ifndef PYLEAK_REPORT_MERGE_PRIV_H
#define PYLEAK_REPORT_MERGE_PRIV_H

#include "report/report.h"

/* One process of one of the reports. */
struct merge_part {
	const struct report_process *process;
	const char *host;
	double ended_at;
	size_t report; /* which of those that are merged */
};

struct merge_parts {
	struct merge_part *v;
	size_t n, cap;
	bool any_runs; /* then those that have ended grow no more; else all rates are past ones */
};

/* The sites of all parts, joined by id, into @to, sorted. */
int merge_sites(struct report *r, struct report_process *to, const struct merge_parts *parts);

#endif
