/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The findings of a census, in another report. */
#ifndef PYLEAK_CENSUS_COPY_H
#define PYLEAK_CENSUS_COPY_H

#include "report/report.h"

/* Copies the findings of a census into another report: rows, collector, pools; losses are added. */
int census_copy(struct report *r, const struct report_process *from, struct report_process *to);

#endif
