/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/rest.h"

#include <math.h>

#include "base/thresholds.h"

double rest_s_at_start(const struct curve_points *p, double gain)
{
	double least = CURVE_REST_GAIN * gain, rest_s = 0, pause_s = 0;
	double last_s = p->t[0], last = p->v[0];

	for (size_t i = 1; i < p->n; i++) {
		if (last_s == p->t[0] && p->v[i] <= last - least)
			return 0; /* it fell from a peak, which is no rest */
		if (p->v[i] < last + least)
			continue;
		if (last_s > p->t[0])
			pause_s = fmax(pause_s, p->t[i] - last_s);
		else
			rest_s = p->t[i - 1] - p->t[0];
		last_s = p->t[i];
		last = p->v[i];
	}
	return rest_s >= fmax(CURVE_REST_PART * (p->t[p->n - 1] - p->t[0]), CURVE_PAUSES * pause_s)
		       ? rest_s
		       : 0;
}
