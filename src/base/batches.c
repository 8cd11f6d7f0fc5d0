/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes each rise between two pauses for a batch. The first rise and the last may be parts of one,
 * which the ends of the watch have cut off. */
#include "base/batches.h"

#include <math.h>

#include "base/thresholds.h"

#define MOST_PAUSES 16

struct pauses {
	size_t n;
	double level[MOST_PAUSES];
	double inside; /* sum of the rises within pauses */
};

/* The last point from @i on up to which values have moved by no more than @calm. */
static size_t calm_until(const struct curve_points *p, size_t i, double calm)
{
	double low = p->v[i], high = low;

	while (i + 1 < p->n) {
		low = fmin(low, p->v[i + 1]);
		high = fmax(high, p->v[i + 1]);
		if (high - low > calm)
			break;
		i++;
	}
	return i;
}

static double mean_of(const double *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return sum / (double)n;
}

static void find_pauses(const struct curve_points *p, double gain, struct pauses *out)
{
	double least_s = BATCH_PAUSE * (p->t[p->n - 1] - p->t[0]);

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < p->n && out->n < MOST_PAUSES; i++) {
		size_t end = calm_until(p, i, BATCH_CALM * gain);

		if (p->t[end] - p->t[i] < least_s)
			continue;
		out->level[out->n++] = mean_of(p->v + i, end + 1 - i);
		out->inside += p->v[end] - p->v[i];
		i = end;
	}
}

bool batches_wane(const struct curve_points *p)
{
	double gain = p->n ? p->v[p->n - 1] - p->v[0] : 0, first, last;
	struct pauses s;

	if (!(gain > 0))
		return false;
	find_pauses(p, gain, &s);
	/* a line has no pauses, and a curve that slows down evenly rises in them, too */
	if (s.n < 3 || s.inside > CURVE_LEVEL_PART * (s.level[s.n - 1] - s.level[0]))
		return false;
	first = last = s.level[1] - s.level[0];
	for (size_t i = 2; i < s.n; i++) {
		double brought = s.level[i] - s.level[i - 1];

		if (!(brought > 0) || brought > CURVE_SLIGHT * last)
			return false;
		last = brought;
	}
	/* the batch that has just begun must not have more gain already */
	return p->v[p->n - 1] - s.level[s.n - 1] <= CURVE_SLIGHT * last &&
	       last < CURVE_BENT * first && first - last > CHANCE_SURE * sqrt(first + last);
}
