/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How much was live at each site, and how large each process was, report by report. */
#ifndef PYLEAK_SCREEN_HISTORY_H
#define PYLEAK_SCREEN_HISTORY_H

#include "base/map64.h"
#include "report/report.h"
#include "screen/chart.h"

#define HISTORY_POINTS 64 /* of one; a longer past is told by fewer */

struct history_line {
	uint64_t key;
	struct chart_point v[HISTORY_POINTS];
	size_t n;
	unsigned seen; /* the last report that had it */
};

struct history {
	VEC(struct history_line) lines;
	struct map64 by_key; /* index + 1 */
	unsigned reports;
};

void history_free(struct history *h);
/* Adds what a new report says, as of its duration_s. Without memory a line is left out. */
void history_add(struct history *h, const struct report *r);
/* NULL: nothing was seen of it. Valid until the next report. */
const struct history_line *history_site(const struct history *h, const struct report_process *p,
					const struct report_site *s);
const struct history_line *history_process(const struct history *h, const struct report_process *p);

#endif
