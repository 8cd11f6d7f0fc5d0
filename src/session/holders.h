/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What keeps the objects of the leaking sites alive: asked now and then on a thread of its own, and
 * once more for the final report. */
#ifndef PYLEAK_SESSION_HOLDERS_H
#define PYLEAK_SESSION_HOLDERS_H

#include "base/map64.h"
#include "report/report.h"

struct session;
struct holders;

/* Fills held_by and hints of the first sites of @p, as far as they are known, and asks for more
 * when it is time. With @final it waits for the answer, for seconds at most. */
void holders_fill(struct session *s, struct report *r, struct report_process *p, bool final);
/* Are the survivors of this site known to hang from a root that lives? Then no collection frees
 * them, and none has to be waited for. */
bool holders_rooted(const struct session *s, const char *site_id);
/* Stacks whose objects go into containers that do not grow: each that stays has put out another,
 * and none of them is what grows. Their lengths are read for it. Valid until the next call. */
const struct map64 *holders_replaced(struct session *s);
/* How many questions in a row had no answer, and why the last one. */
uint64_t holders_refused(const struct session *s, const char **why);
void holders_free(struct holders *h);

#endif
