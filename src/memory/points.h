/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The points of a series, as evidence holds them. */
#ifndef PYLEAK_MEMORY_POINTS_H
#define PYLEAK_MEMORY_POINTS_H

#include "base/trend.h"

struct report;

/* Copies one series, from its first point that is known (no NAN) on, to memory of @scratch; without
 * memory there are no points. */
void points_copy(struct report *scratch, const struct trend_set *set, size_t series,
		 struct trend_points *out);

#endif
