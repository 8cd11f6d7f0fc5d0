/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads a saved JSON report. Members that this version does not know are left out, members that an
 * older version did not write are unknown. */
#ifndef PYLEAK_REPORT_READ_H
#define PYLEAK_REPORT_READ_H

#include "report/pool.h"
#include "report/report.h"

/* -ENOENT, -EACCES ...: it cannot be opened; -EFBIG: larger than a report can be; -EINVAL: no JSON,
 * cut short, or no report of ours. With the sentence. "-" is standard input. */
int report_read(const char *path, struct report **out);
/* The same for many reports: texts and stacks are in @pool (pool.h), and live as long as that. */
int report_read_shared(const char *path, struct report_pool *pool, struct report **out);

#endif
