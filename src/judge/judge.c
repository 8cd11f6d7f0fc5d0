/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The judgement, from top to bottom. */
#include "judge/judge.h"

#include <math.h>

#include "base/step.h"
#include "base/thresholds.h"
#include "judge/sites_priv.h"
#include "report/findings.h"

void judge_rss(const struct memory_fact *f, struct curve *out)
{
	struct step_room room;
	const struct trend_points rss = step_take_out(&f->rss, &room);

	trend_memory_judge(&rss, out);
}

static void judge_curves(const struct memory_fact *f, struct report_process *p)
{
	struct step_room room;
	const struct trend_points rss = step_take_out(&f->rss, &room);
	struct trend_fit fit;

	if (p->rss_curve.shape == CURVE_UNKNOWN)
		judge_rss(f, &p->rss_curve);
	trend_judged_fit(&rss, &p->rss_curve, &fit);
	trend_points_judge(&f->live, &p->live_curve);
	p->rss_growth_bytes_per_s = fit.n >= 3 ? fit.slope : NAN;
}

/* The share of the growth that the sites account for: growth of RSS, or of live blocks where that
 * is more. */
static double explained(const struct memory_fact *f, const struct report_process *p)
{
	double grows = p->rss_growth_bytes_per_s, sites = 0;
	struct trend_fit live;

	for (size_t i = 0; i < p->n_sites; i++)
		if (isfinite(p->sites[i].growth_bytes_per_s))
			sites += p->sites[i].growth_bytes_per_s;
	trend_judged_fit(&f->live, &p->live_curve, &live);
	if (live.growing && !(grows > live.slope))
		grows = live.slope;
	if (!(grows > PROCESS_NOISE))
		return NAN;
	return sites < grows ? sites / grows : 1;
}

/* Adds a note behind the others. */
static void add_note(struct report *r, struct report_process *p, const char *text)
{
	const char **v = text ? report_alloc(r, (p->n_notes + 1) * sizeof(*v)) : NULL;

	if (!v)
		return;
	if (p->n_notes)
		memcpy(v, p->notes, p->n_notes * sizeof(*v));
	v[p->n_notes++] = text;
	p->notes = v;
}

/* Cuts the list, and notes by how much the sites that are not listed grow: they were judged with
 * the others. */
static void end_list(struct report *r, struct report_process *p)
{
	struct report_cause left = report_end_list(p, REPORT_MOST_SITES);
	char rate[32];

	if (left.places)
		add_note(r, p,
			 report_printf(
				 r, "%zu more places, which grow by %s/s together, are not listed",
				 left.places, fmt_bytes(rate, sizeof(rate), left.bytes_per_s)));
}

static double blocks_per_s(const struct evidence_objects *o)
{
	struct trend_fit fit;
	double sum = 0;

	for (size_t k = 0; o->classes && k < EVIDENCE_CLASSES; k++) {
		trend_points_fit(&o->classes[k], &fit);
		if (fit.growing)
			sum += fit.slope;
	}
	return sum;
}

/* Copies the rows of losses, with room for one: the judge adds losses of its own. */
static int copy_losses(struct report *r, struct report_process *p)
{
	struct report_lost *v = report_alloc(r, (p->n_lost + 1) * sizeof(*v));

	if (!v)
		return fail(-ENOMEM, "out of memory");
	if (p->n_lost)
		memcpy(v, p->lost, p->n_lost * sizeof(*v));
	p->lost = v;
	return 0;
}

/* Says in the reason when a site's rate is not that of its samples. */
static void tell_counts(struct report *r, struct report_process *p)
{
	char told[32], sampled[32];

	for (size_t i = 0; i < p->n_sites; i++) {
		struct report_site *s = &p->sites[i];

		if (s->by_census)
			s->reason = report_printf(r, "%s; the census of its types allows no more",
						  s->reason);
		if (s->sampled_per_s > 0)
			s->reason = report_printf(
				r, "%s; %swhat holds them count%s %s/s, %s %s/s", s->reason,
				s->sampled_per_s < s->growth_count_per_s ? "the census and " : "",
				s->sampled_per_s < s->growth_count_per_s ? "" : "s",
				fmt_count(told, sizeof(told), s->growth_count_per_s),
				s->told_by ? s->told_by : "samples",
				fmt_count(sampled, sizeof(sampled), s->sampled_per_s));
	}
}

int judge(const struct evidence *e, struct report *r, struct report_process *p)
{
	double run_s = (double)(e->now_ns - e->start_ns) / 1e9;
	int err;

	*p = e->seen;
	p->watched_from_s = (double)e->start_ns / 1e9;
	p->watched_to_s = (double)e->now_ns / 1e9;
	p->windows = e->objects.bursts;
	p->survivors = e->objects.n;
	judge_curves(&e->memory, p);
	err = copy_losses(r, p);
	if (!err)
		err = sites_judge(e, r, p, run_s);
	if (!err)
		err = fds_judge(e, r, p, run_s);
	if (err)
		return err;
	report_sort(p);
	holders_tell(e, r, p);
	add_note(r, p, tracemalloc_tell(e, r, p));
	err = causes_join(e, r, p);
	if (err)
		return err;
	causes_join_fds(r, p);
	report_sort(p);
	causes_tell(e, r, p);
	tell_counts(r, p);
	/* a hint of who holds the memory is kept: it says more than who took it; and what comes
	 * with descriptors misses no free, but their close */
	for (size_t i = 0; i < p->n_sites; i++)
		if (p->sites[i].verdict <= CLASS_GROWING && !p->sites[i].is_bounded &&
		    !causes_is_of_fds(p, &p->sites[i]))
			report_native_hint(r, &p->sites[i]);
	causes_name_owners(r, p);
	p->explained = explained(&e->memory, p);
	verdict_process(r, p, blocks_per_s(&e->objects));
	native_tell_few(e, r, p);
	native_tell_asked(r, p);
	memory_judge(e, r, p);
	end_list(r, p);
	return 0;
}
