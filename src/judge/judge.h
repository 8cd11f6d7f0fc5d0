/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One judgement: from what was seen of a process to its report. Pure: no clock, no /proc, no report
 * from before; the same evidence gives the same report, to the byte. Any thread; nothing is kept.
 *
 *	estimate -> sites -> bounds -> holders -> verdict -> hint -> order
 */
#ifndef PYLEAK_JUDGE_H
#define PYLEAK_JUDGE_H

#include "evidence/evidence.h"

/* Fills @p, whose strings live in @r or are those of the evidence. Whether @r is final decides
 * about the words of a reason alone. */
int judge(const struct evidence *e, struct report *r, struct report_process *p);

/* The curve of RSS; the growth of RSS is that of its last stretch. If the evidence has the curve,
 * it is not judged again. */
void judge_rss(const struct memory_fact *f, struct curve *out);

/* Sets when the limit in @m is met, at the pace of the series @fit and of @leaks bytes per second.
 * Growth may fill @idle free bytes of the heap first. If a series grows, no more than @resident of
 * the leaks counts. */
void judge_limit(const struct trend_fit *fit, size_t n, double idle, double leaks, double resident,
		 struct report_memory *m);

/* Is it worth a search to know who holds the objects of this site? */
bool holders_is_worth(const struct report_site *site);

#endif
