/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps how much was live at each site and how large each process was, report by report. One thread
 * at a time. */
#ifndef PYLEAK_SCREEN_HISTORY_H
#define PYLEAK_SCREEN_HISTORY_H

#include "base/map64.h"
#include "report/report.h"
#include "screen/chart.h"

#define HISTORY_POINTS 64 /* points of a line; those of a longer past are thinned */

struct history_line {
	uint64_t key;
	struct chart_point v[HISTORY_POINTS];
	size_t n;
	unsigned seen; /* number of the last report that had it */
};

struct history {
	VEC(struct history_line) lines;
	struct map64 by_key; /* key -> index in lines + 1 */
	unsigned reports;
};

void history_free(struct history *h);
/* Adds a new report, at its duration_s. When memory runs out, lines are left out. */
void history_add(struct history *h, const struct report *r);
/* Both return a line, valid until the next report; NULL: none was seen. */
const struct history_line *history_site(const struct history *h, const struct report_process *p,
					const struct report_site *s);
const struct history_line *history_process(const struct history *h, const struct report_process *p);

#endif
