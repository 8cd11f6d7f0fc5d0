/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps equal texts and stacks of many reports once: thousands of reports have the same functions
 * and files. */
#ifndef PYLEAK_REPORT_POOL_H
#define PYLEAK_REPORT_POOL_H

#include "base/jval.h"
#include "report/report.h"

struct report_pool;

/* Room for the text of a file and its values. It is kept for the next file: fresh pages for each
 * cost as much as reading it. */
struct report_room {
	VEC(char) text;
	struct jval_doc doc;
};

int report_pool_new(struct report_pool **out); /* -ENOMEM with the sentence */
/* Frees all that was shared, too. */
void report_pool_free(struct report_pool *p);

/* A shared copy of the @n bytes at @from, not to be written to; NULL when memory ran out. */
const void *report_pool_share(struct report_pool *p, const void *from, size_t n);

struct report_room *report_pool_room(struct report_pool *p);

#endif
