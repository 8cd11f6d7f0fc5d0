/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One judgement: from what was seen of a process to its report. Pure: no clock, no /proc, no report
 * from before; the same evidence gives the same report, to the byte.
 *
 *	estimate -> sites -> bounds -> holders -> verdict -> hint -> order
 *
 * Any thread; nothing is kept.
 */
#ifndef PYLEAK_JUDGE_H
#define PYLEAK_JUDGE_H

#include "judge/evidence.h"

/* Fills @p, whose strings live in @r or are those of the evidence. */
int judge(const struct evidence *e, struct report *r, struct report_process *p);

/* The curve of RSS, by whose last stretch its growth is told. Where the evidence has it (seen) it
 * is not judged again. */
void judge_rss(const struct memory_fact *f, struct curve *out);

/* When the limit in @m is met at the pace of these series, and of @leaks bytes per second, which
 * may fill @idle bytes of the heap before. Beside a series that grows no more than @resident of the
 * leaks counts. */
void judge_limit(const struct trend_fit *fit, size_t n, double idle, double leaks, double resident,
		 struct report_memory *m);

/* Is this site one whose objects' holders are worth a search? */
bool holders_is_worth(const struct report_site *site);

#endif
