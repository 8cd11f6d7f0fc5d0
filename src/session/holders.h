/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds what keeps the objects of leaking sites alive: now and then, on a thread of its own, and
 * once more for the final report. */
#ifndef PYLEAK_SESSION_HOLDERS_H
#define PYLEAK_SESSION_HOLDERS_H

#include "report/report.h"

struct holders;
struct observation;

/* For the last report: waits for the running search, and begins one for new sites, until
 * to->until_ns. True when that changes what was said of @p: more is known, or not all was found. */
bool holders_ask_last(struct holders *h, const struct observation *to,
		      const struct report_process *p);
/* Writes all that is known into @to. */
int holders_observe(struct holders *h, const struct observation *to);

#endif
