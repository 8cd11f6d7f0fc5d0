/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts frees of blocks from before the watch. Nobody knows how many such blocks there are, but
 * each free and realloc of one is seen: a full cache frees one for each block that it is seen to
 * take. */
#include <math.h>

#include "track/native_priv.h"

#define SAMPLE_S 1.0

/* Begins a new series, as calls went unseen in a pause; the counters go on. */
void native_unknown_start(struct native *n)
{
	trend_set_free(n->unknown);
	n->unknown = NULL;
	trend_set_new(PL_UNKNOWN_BINS, SAMPLE_S, &n->unknown);
}

void native_unknown_sample(struct native *n, double now_s)
{
	double v[PL_UNKNOWN_BINS];

	if (!n->unknown || n->state != NATIVE_EXACT)
		return;
	for (unsigned i = 0; i < PL_UNKNOWN_BINS; i++)
		v[i] = (double)n->ctl->unknown[i];
	trend_set_add(n->unknown, now_s, v);
}

double native_unknown_per_s(const struct native *n, double bytes)
{
	struct trend_fit fit;

	if (!n->unknown || n->state != NATIVE_EXACT)
		return 0;
	trend_set_fit(n->unknown, evidence_bin(bytes), &fit);
	return fit.slope > 0 ? fit.slope : 0;
}
