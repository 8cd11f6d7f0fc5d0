/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The judgement, from top to bottom. */
#include "judge/judge.h"

#include <math.h>

#include "judge/sites_priv.h"

#define MAX_SITES 200 /* in a report; the rest is too small to look at */

static void judge_curves(const struct memory_fact *f, struct report_process *p)
{
	struct trend_fit fit;

	trend_points_fit(&f->rss, &fit);
	p->rss_growth_bytes_per_s = fit.n >= 3 ? fit.slope : NAN;
	trend_points_judge(&f->rss, &p->rss_curve);
	trend_points_judge(&f->live, &p->live_curve);
}

/* How much of what grows the sites account for: of RSS, or of the live blocks while RSS rests. */
static double explained(const struct memory_fact *f, const struct report_process *p)
{
	double grows = p->rss_growth_bytes_per_s, sites = 0;
	struct trend_fit live;

	trend_points_fit(&f->live, &live);
	if (live.growing && !(grows > live.slope))
		grows = live.slope;
	for (size_t i = 0; i < p->n_sites; i++)
		if (isfinite(p->sites[i].growth_bytes_per_s))
			sites += p->sites[i].growth_bytes_per_s;
	if (!(grows > VERDICT_NOISE_BYTES_PER_S))
		return NAN;
	return sites < grows ? sites / grows : 1;
}

int judge(const struct evidence *e, struct report *r, struct report_process *p)
{
	double run_s = (double)(e->now_ns - e->start_ns) / 1e9;
	int err;

	*p = e->seen;
	judge_curves(&e->memory, p);
	err = sites_judge(e, r, p, run_s);
	if (!err)
		err = fds_judge(e, r, p, run_s);
	if (err)
		return err;
	report_sort(p);
	if (p->n_sites > MAX_SITES)
		p->n_sites = MAX_SITES;
	holders_tell(e, r, p);
	report_sort(p);
	/* Who holds the memory says more than who took it. */
	for (size_t i = 0; i < p->n_sites; i++)
		if (p->sites[i].verdict <= CLASS_GROWING)
			report_native_hint(r, &p->sites[i]);
	p->explained = explained(&e->memory, p);
	verdict_process(r, p);
	memory_judge(e, r, p);
	return 0;
}
