/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "memory/points.h"

#include <math.h>
#include <string.h>

#include "base/series.h"
#include "report/report.h"

void points_copy(struct report *scratch, const struct trend_set *set, size_t series,
		 struct trend_points *out)
{
	double t[SERIES_POINTS], v[SERIES_POINTS], top[SERIES_POINTS], *to;
	struct trend_points p = {.t = t, .v = v, .top = top};
	size_t unknown = 0;

	trend_set_read(set, series, &p);
	while (unknown < p.n && isnan(v[unknown]))
		unknown++;
	p.n -= unknown;
	to = p.n ? report_alloc(scratch, 3 * p.n * sizeof(*to)) : NULL;
	*out = (struct trend_points){0};
	if (!to)
		return;
	*out = (struct trend_points){p.n, to, to + p.n, to + 2 * p.n};
	memcpy(out->t, t + unknown, p.n * sizeof(*t));
	memcpy(out->v, v + unknown, p.n * sizeof(*v));
	memcpy(out->top, top + unknown, p.n * sizeof(*top));
}
