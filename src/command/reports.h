/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads saved reports and recordings, by their file names. */
#ifndef PYLEAK_COMMAND_REPORTS_H
#define PYLEAK_COMMAND_REPORTS_H

#include "report/pool.h"

/* Checks the names: -EINVAL with a sentence when standard input is named twice. */
int reports_check(char **files, size_t n);
/* Merges all into one (report/merge.h, also for @past), a recording as of its end; "-" is standard
 * input. Texts and stacks live in @pool. A negative errno with a sentence on failure. */
int reports_merge(char **files, size_t n, struct report_pool *pool, bool past, struct report **out);

#endif
