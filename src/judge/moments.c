/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When the survivors of a site were born: what its stacks say of that, put together. */
#include "base/thresholds.h"
#include "judge/sites_priv.h"

void join_windows(struct joiner *j)
{
	const struct evidence_objects *o = &j->e->objects;
	struct map64 met = {0};

	for (size_t i = 0; i < o->n; i++) {
		const struct survivor *s = &o->v[i];
		bool stays = s->addr && s->rung >= SURVIVED_RUNGS;
		const uint64_t *at = stays ? map64_get(&j->site_of, s->stack) : NULL;
		double age = (double)(j->e->now_ns - s->born_ns) / 1e9;
		struct joined *to;
		uint64_t *seen;

		if (!at || !*at)
			continue;
		to = &j->v.v[*at - 1];
		if (age < to->youngest_s || age > to->evidence.oldest_s)
			continue;
		seen = map64_put(&met, *at << 32 | s->burst);
		if (seen && !(*seen)++)
			to->windows++;
	}
	map64_free(&met);
	for (size_t i = 0; i < j->v.n; i++)
		if (j->v.v[i].evidence.bursts > j->v.v[i].windows)
			j->v.v[i].evidence.bursts = j->v.v[i].windows;
}

/* As if both were of one stack: the greater part says what is not a sum. */
static void add_ages(struct estimate_site *all, const struct estimate_site *e)
{
	double was = all->lived / (1 - all->mortality), is = e->lived / (1 - e->mortality);
	struct estimate_site sum = all->lived > e->lived ? *all : *e;

	sum.samples = all->samples + e->samples;
	sum.variance = all->variance + e->variance;
	sum.lived = all->lived + e->lived;
	sum.mortality = 1 - sum.lived / (was + is);
	sum.mean_age_s = (all->lived * all->mean_age_s + e->lived * e->mean_age_s) / sum.lived;
	sum.since = all->since + e->since;
	sum.before = all->before + e->before;
	sum.before_samples = all->before_samples + e->before_samples;
	*all = sum;
}

/* Are the survivors of this part older than the others, beyond what chance makes of what dies at
 * any age? */
static bool is_older(const struct estimate_site *e, const struct estimate_site *all)
{
	double others = all->lived - e->lived, n = (double)e->samples;
	double their_s = (all->lived * all->mean_age_s - e->lived * e->mean_age_s) / others;
	double error = YOUNG_SURE * sqrt(e->variance) / n;

	return others > 0 && e->mean_age_s - e->least_s > (their_s - e->least_s) * (1 + error);
}

static void tell_ages(const struct joiner *j, const struct estimate_site *e,
		      struct verdict_evidence *v)
{
	const struct trend_points *classes = j->e->objects.classes;
	bool is_dated;

	v->mean_age_s = e->mean_age_s;
	v->least_s = e->least_s;
	v->watched_age_s = e->watched_age_s;
	v->undying = e->mortality < SITE_MORTAL;
	v->weak = e->weak && (v->weak || !v->undying);
	v->before = !v->undying && e->before_samples >= BEFORE_FEWEST ? e->before / e->since : 0;
	is_dated = v->before > 0 && classes && e->cls < EVIDENCE_CLASSES;
	v->rose = is_dated &&
		  estimate_rose(&classes[e->cls], &j->estimate, e, j->e->objects.coverage);
	v->beside = is_dated && estimate_is_beside(&classes[e->cls], &j->estimate, e);
}

void join_ages(struct joiner *j)
{
	const struct estimate *e = &j->estimate;

	for (size_t i = 0; i < e->n; i++) {
		uint64_t at = place_of(j, e->sites[i].stack);

		if (at)
			add_ages(&j->v.v[at - 1].all, &e->sites[i]);
	}
	for (size_t i = 0; i < e->n; i++) {
		uint64_t at = place_of(j, e->sites[i].stack);

		if (at && e->sites[i].mortality < j->v.v[at - 1].all.mortality)
			add_ages(&j->v.v[at - 1].lasting, &e->sites[i]);
	}
	for (size_t i = 0; i < j->v.n; i++) {
		struct joined *to = &j->v.v[i];
		bool is_two = to->all.mortality >= SITE_MORTAL && is_older(&to->lasting, &to->all);

		if (to->all.samples)
			tell_ages(j, is_two ? &to->lasting : &to->all, &to->evidence);
	}
}
