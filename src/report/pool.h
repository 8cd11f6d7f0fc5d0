/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps equal texts and stacks of many reports once: thousands of reports have the same functions
 * and files. */
#ifndef PYLEAK_REPORT_POOL_H
#define PYLEAK_REPORT_POOL_H

#include "report/report.h"

struct report_pool;

int report_pool_new(struct report_pool **out); /* -ENOMEM with the sentence */
/* Frees all that was shared, too. */
void report_pool_free(struct report_pool *p);

/* A shared copy of the @n bytes at @from, not to be written to; NULL when memory ran out. */
const void *report_pool_share(struct report_pool *p, const void *from, size_t n);

#endif
