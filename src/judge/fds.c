/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Descriptors, threads and children that pile up: a site for each line that opens them. */
#include <math.h>

#include "base/thresholds.h"
#include "judge/sites_priv.h"
#include "report/descriptors.h"

/* Things a second. Since growth began no more can have come than there are, but a line through few
 * looks may be steeper. */
static double rate_of(const struct fd_fact *f)
{
	double since_s = f->curve.since_s > 0 ? f->curve.since_s : f->oldest_s;

	return since_s > 0 ? fmin(f->rate, (double)f->n / since_s) : f->rate;
}

static bool judge_one(const struct evidence *e, struct report *r, const struct fd_fact *f,
		      double run_s, struct report_site *out)
{
	const struct evidence_stack *st = evidence_stack(e, f->stack);
	double rate = rate_of(f) * f->scale;
	struct verdict_evidence v = {
		.curve = f->curve,
		.curve_bytes_per_s = f->curve_rate,
		.bursts = f->moments,
		.quarters = f->quarters,
		.oldest_s = f->oldest_s,
		.run_s = run_s,
		.samples = f->n,
		/* The weight of a descriptor is not known; the judge wants to see that something
		 * grows. */
		.growth_bytes_per_s = rate,
	};

	*out = (struct report_site){
		.kind = f->kind,
		.samples = f->n,
		.estimated = f->scale > 1,
		.outstanding_count = (double)f->n * f->scale,
		.growth_count_per_s = rate,
		.outstanding_bytes = NAN,
		.waste_bytes = NAN,
		.independent = NAN,
		.growth_bytes_per_s = NAN,
		.oldest_s = f->oldest_s,
	};
	if (!st || f->n < SITE_FEWEST_FDS)
		return false;
	out->n_frames = join_frames_of(r, st, &out->stack);
	out->truncated = st->truncated;
	report_site_id(out->stack, out->n_frames, out->kind, out->id);
	out->id_by = report_id_by(out->stack, out->n_frames);
	verdict_site(r, &v, out);
	if (!out->n_frames || out->verdict > CLASS_GROWING)
		return false;
	out->types = (struct report_type *)f->types;
	out->n_types = f->n_types;
	report_fd_hint(r, &f->facts, out);
	return true;
}

int fds_judge(const struct evidence *e, struct report *r, struct report_process *p, double run_s)
{
	struct report_site *v = report_alloc(r, (p->n_sites + e->n_fds + 1) * sizeof(*v));

	if (!v)
		return fail(-ENOMEM, "out of memory");
	if (p->n_sites)
		memcpy(v, p->sites, p->n_sites * sizeof(*v));
	p->sites = v;
	if (p->exited) /* it meets no limit any more */
		p->fds.eta_s = NAN;
	for (size_t i = 0; i < e->n_fds; i++)
		p->n_sites += judge_one(e, r, &e->fd[i], run_s, &v[p->n_sites]);
	return 0;
}
