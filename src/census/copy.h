/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copies the findings of a census from one report into another. */
#ifndef PYLEAK_CENSUS_COPY_H
#define PYLEAK_CENSUS_COPY_H

#include "report/report.h"

/* Copies rows, collector and pools from @from to @to, whose memory is that of @r, and adds the
 * losses. -ENOMEM: @to has no rows. */
int census_copy(struct report *r, const struct report_process *from, struct report_process *to);

#endif
