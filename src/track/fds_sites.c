/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes sites and totals of what is open. */
#include <math.h>

#include "base/thresholds.h"
#include "track/fds_priv.h"

#define QUARTERS    4
#define QUARTERS_NS (LEAK_QUARTERS_S * 1000000000ull)
#define LATE_ENOUGH \
	0.4 /* part of its share that the last quarter must bring, else growth is over */

static int by_site(const void *a, const void *b)
{
	const struct fds_thing *x = *(const struct fds_thing *const *)a;
	const struct fds_thing *y = *(const struct fds_thing *const *)b;
	bool xt = x->kind >= FDS_THREAD, yt = y->kind >= FDS_THREAD;

	if (x->stack != y->stack)
		return x->stack < y->stack ? -1 : 1;
	if (xt != yt)
		return xt - yt;
	return (x->born_ns > y->born_ns) - (x->born_ns < y->born_ns);
}

/* The time from which quarters are counted: the start, or when growth began, if late. */
static uint64_t begun_ns(const struct fds *f, const struct fds_site *s, uint64_t now_ns)
{
	uint64_t run = now_ns - f->start_ns, since = (uint64_t)(s->curve.since_s * 1e9);

	since = since < QUARTERS_NS ? QUARTERS_NS : since;
	return curve_grows(&s->curve) && since < run ? now_ns - since : f->start_ns;
}

/* Sets the age, and in how many seconds and quarters since @from things were opened; they are
 * sorted by birth. Returns how many are of the last quarter. */
static size_t spread(struct fds_site *s, uint64_t from, uint64_t now_ns)
{
	uint64_t run = now_ns - from + 1, last_second = UINT64_MAX;
	size_t late = 0;
	unsigned seen = 0;

	for (size_t i = 0; i < s->n; i++) {
		uint64_t at = s->things[i]->born_ns - from;
		unsigned quarter = s->things[i]->born_ns > from && at < run
					   ? (unsigned)(at * QUARTERS / run)
					   : 0;

		seen |= s->things[i]->born_ns >= from ? 1u << quarter : 0;
		late += quarter == QUARTERS - 1;
		s->moments += at / 1000000000 != last_second;
		last_second = at / 1000000000;
	}
	s->quarters = (unsigned)__builtin_popcount(seen);
	s->oldest_ns = s->n ? now_ns - s->things[0]->born_ns : 0;
	return late;
}

static enum fds_kind most_of(const struct fds_site *s)
{
	size_t count[FDS_KINDS] = {0}, most = 0;

	for (size_t i = 0; i < s->n; i++)
		count[s->things[i]->kind]++;
	for (size_t k = 1; k < FDS_KINDS; k++)
		if (count[k] > count[most])
			most = k;
	return (enum fds_kind)most;
}

/* Number of things without a known line that have gone since @then_s. */
static double gone_since(const struct fds_gone *g, enum fds_kind kind, double then_s)
{
	size_t i = 0;

	/* points are far apart in a long run: rather one too many than one too few */
	while (i + 1 < g->n && g->t_s[i + 1] <= then_s)
		i++;
	return g->n ? (double)(g->total[kind] - g->v[i][kind]) : 0;
}

/* Do these only replace things from before the watch, as when a pool renews its connections? It is
 * growth if far more come than go in as long a time, or if all of the kind grow. */
static bool replaces(const struct fds *f, const struct fds_site *s, double run_s)
{
	double late_s = s->curve.since_s > 0 ? fmin(s->curve.since_s, run_s / 2) : run_s / 2;
	enum fds_kind kind = most_of(s);
	struct trend_fit all;

	if (s->fit.slope * late_s > 2 * gone_since(&f->table.gone, kind, run_s - late_s) + 2)
		return false;
	trend_set_fit(f->table.kinds, kind, &all);
	return !all.growing || all.slope < s->fit.slope / 2;
}

/* Sets the growth of a site: none if it has stopped, as a pool that is full, whatever the slope
 * over the whole run. */
static void judge(const struct fds *f, struct fds_site *s, uint64_t now_ns)
{
	const struct fds_row *row = fds_row_find(&f->table, s->stack, s->is_task);
	double run_s = (double)(now_ns - f->start_ns) / 1e9, span_s;
	uint64_t from = f->start_ns;
	size_t late;

	if (row && row->count) {
		trend_set_fit(row->count, 0, &s->fit);
		trend_set_judge(row->count, 0, &s->curve);
		from = begun_ns(f, s, now_ns);
	}
	late = spread(s, from, now_ns);
	span_s = (double)(now_ns - from) / 1e9;
	if (s->fit.growing && (double)late >= LATE_ENOUGH * s->fit.slope * span_s / QUARTERS &&
	    !replaces(f, s, run_s))
		s->rate = s->fit.slope;
}

static size_t collect(const struct fds *f, const struct fds_thing **out, uint64_t now_ns)
{
	size_t n = 0;

	for (size_t i = 0; i < f->table.things.n; i++) {
		const struct fds_thing *x = &f->table.things.v[i];

		if (x->stack && x->born_ns + f->spec.older_ns <= now_ns)
			out[n++] = x;
	}
	return n;
}

int fds_sites(struct fds *f, struct fds_sites *out)
{
	uint64_t now_ns = f->looked_ns;
	size_t n = f->table.things.n;

	memset(out, 0, sizeof(*out));
	out->things = calloc(n + 1, sizeof(void *));
	out->v = calloc(n + 1, sizeof(*out->v));
	if (!out->things || !out->v) {
		fds_sites_free(out);
		return fail(-ENOMEM, "out of memory");
	}
	n = collect(f, out->things, now_ns);
	qsort(out->things, n, sizeof(void *), by_site);
	for (size_t i = 0; i < n; i++) {
		const struct fds_thing *x = out->things[i];
		struct fds_site *s = out->n ? &out->v[out->n - 1] : NULL;

		if (!s || s->stack != x->stack || s->is_task != (x->kind >= FDS_THREAD)) {
			s = &out->v[out->n++];
			s->stack = x->stack;
			s->is_task = x->kind >= FDS_THREAD;
			s->things = &out->things[i];
		}
		s->n++;
	}
	for (size_t i = 0; i < out->n; i++)
		judge(f, &out->v[i], now_ns);
	return 0;
}

void fds_sites_free(struct fds_sites *s)
{
	free(s->things);
	free(s->v);
	memset(s, 0, sizeof(*s));
}

void fds_totals(const struct fds *f, struct fds_totals *out)
{
	struct trend_fit fit;

	*out = (struct fds_totals){.limit = f->table.limit};
	for (size_t i = 0; i < f->table.things.n; i++) {
		const struct fds_thing *x = &f->table.things.v[i];

		out->threads += x->kind == FDS_THREAD;
		out->children += x->kind == FDS_CHILD;
		if (x->kind >= FDS_THREAD)
			continue;
		out->open++;
		out->before += x->is_before;
		out->unknown += !x->is_before && !x->stack;
	}
	trend_set_fit(f->table.all, 0, &fit);
	out->growth_per_s = fit.growing ? fit.slope : 0;
}

double fds_scale(const struct fds *f, bool is_task)
{
	struct fds_totals t;
	double named;

	if (is_task || !f->was_in_windows)
		return 1;
	fds_totals(f, &t);
	named = (double)(t.open - t.before - t.unknown);
	return named > 0 ? (named + (double)t.unknown) / named : 1;
}

void fds_keep_stacks(const struct fds *f, struct map64 *keep)
{
	for (size_t i = 0; i < f->table.things.n; i++)
		if (f->table.things.v[i].stack)
			map64_put(keep, f->table.things.v[i].stack);
}
