/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Predicts the time until a limit is met, as an interval: the slope is not known exactly (its
 * error, and what other measurements say), nor how much page cache the kernel will give up, nor how
 * much of the heap's free memory the growth can use before it needs new pages. */
#include <math.h>

#include "base/thresholds.h"
#include "verdict/eta.h"

static double time_to(double bytes, double per_s)
{
	double t = per_s > 0 ? bytes / per_s : NAN;

	return t <= ETA_FAR_S ? t : NAN;
}

void eta_predict(const struct eta_growth *g, struct report_memory *m)
{
	double error, free_bytes = g->reusable > 0 ? g->reusable : 0;

	if (!m->limit_source || !(g->slow > 0) || !(m->left_low >= 0))
		return;
	error = ETA_SIGMAS * hypot(g->error > 0 ? g->error : 0, ETA_PACE_ERROR * g->fast);
	m->eta_low_s = time_to(m->left_low, g->fast + error);
	m->eta_high_s = time_to(m->left_high + free_bytes, g->slow - error);
	m->eta_s = time_to((m->left_low + m->left_high + free_bytes) / 2, (g->slow + g->fast) / 2);
}
