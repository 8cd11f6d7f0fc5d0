/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Saved reports and recordings, by name. */
#ifndef PYLEAK_COMMAND_REPORTS_H
#define PYLEAK_COMMAND_REPORTS_H

#include "report/pool.h"

/* -EINVAL with the sentence when standard input is named twice. */
int reports_check(char **files, size_t n);
/* All of them as one (report/merge.h), with @past as there, a recording as of its end; "-" is
 * standard input. Texts and stacks are @pool's. The sentence on failure. */
int reports_merge(char **files, size_t n, struct report_pool *pool, bool past, struct report **out);

#endif
