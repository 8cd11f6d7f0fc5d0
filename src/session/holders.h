/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What keeps the objects of the leaking sites alive: asked now and then on a thread of its own, and
 * once more for the final report. */
#ifndef PYLEAK_SESSION_HOLDERS_H
#define PYLEAK_SESSION_HOLDERS_H

#include "judge/evidence.h"

struct session;
struct holders;

/* Looks at the containers that are known, and takes what a search has found by now. */
void holders_look(struct session *s);
/* Begins a search for the sites of @p when it is time for one; does not wait. */
void holders_ask(struct session *s, const struct report_process *p);
/* For the last report: waits for what is being searched for, and searches once more where that is
 * old; some seconds at most. True when more is known than before. */
bool holders_ask_last(struct session *s, const struct report_process *p);
/* What is known, into @e. */
int holders_observe(struct session *s, struct report *scratch, struct evidence *e);
/* How many questions in a row had no answer, and why the last one. */
uint64_t holders_refused(const struct session *s, const char **why);
void holders_free(struct holders *h);

#endif
