/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The time until a limit of memory is met. */
#ifndef PYLEAK_VERDICT_ETA_H
#define PYLEAK_VERDICT_ETA_H

#include "report/memory.h"

/* The growth of a process, as measured in several ways. */
struct eta_growth {
	double slow, fast; /* bytes per second: the slowest and the fastest measurement */
	double error;	   /* one standard deviation of either */
	double reusable;   /* bytes that are resident and free: growth may fill them first */
};

/* When the limit of @m is reached, as an interval; leaves it unknown where nothing grows. */
void eta_predict(const struct eta_growth *g, struct report_memory *m);

#endif
