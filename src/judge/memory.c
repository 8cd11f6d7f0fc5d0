/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Judges memory as a whole: what is kept though nobody uses it, and when a limit is met. */
#include <math.h>

#include "base/step.h"
#include "base/thresholds.h"
#include "judge/sites_priv.h"
#include "verdict/eta.h"

/* Bytes of a part that has moved by less than a quarter; else, or where not known, NAN. */
static double settled(const struct report_parts *p, enum report_part part, double watched_s)
{
	double bytes = (double)p->bytes[part], moved = fabs(p->growth[part]) * watched_s;

	return moved < bytes / 4 ? bytes : NAN;
}

/* Growth between two readings; old recordings have only the slope. */
static double between(double grew, double per_s, double watched_s)
{
	return isnan(grew) ? per_s * watched_s : grew;
}

/* Memory that mimalloc keeps: its pages have many sizes, so it is known by what of its segments is
 * resident and not live. */
static void take_mimalloc(const struct report_parts *p, struct retention_evidence *e)
{
	e->has_mimalloc = true;
	e->grew.pools = e->grew.live + p->growth[PART_PYTHON_SLACK] * e->watched_s;
	e->pools_idle = settled(p, PART_PYTHON_SLACK, e->watched_s);
}

static void judge_retention(const struct memory_fact *f, struct report *r, struct report_process *p)
{
	struct retention_evidence e = f->kept;

	if (p->parts) {
		const double *growth = p->parts->growth;

		e.malloc_slack = settled(p->parts, PART_MALLOC_SLACK, e.watched_s);
		e.trimmable = (double)p->parts->trimmable;
		e.grew.malloc_slack =
			between(e.grew.malloc_slack, growth[PART_MALLOC_SLACK], e.watched_s);
		e.grew.uncounted = between(e.grew.uncounted, growth[PART_MMAP] + growth[PART_OTHER],
					   e.watched_s);
		e.grew.malloced = between(e.grew.malloced, growth[PART_MALLOC_LIVE], e.watched_s);
		if (f->has_mimalloc)
			take_mimalloc(p->parts, &e);
	}
	retention_judge(&e, r, p);
}

/* Resident growth of objects and blocks in use. INFINITY: not known. */
static double resident_per_s(const struct report_parts *p)
{
	double sum = p ? p->growth[PART_PYTHON_LIVE] + p->growth[PART_MALLOC_LIVE] +
				     fmax(0, p->growth[PART_MMAP]) + fmax(0, p->growth[PART_OTHER])
		       : NAN;

	return isnan(sum) ? INFINITY : fmax(0, sum);
}

/* Growth by leaks. Mappings, and blocks that nobody writes to, become memory only when touched,
 * which the other slopes see: so mappings count only against a limit of the address space. */
static double leaks_per_s(const struct report_process *p)
{
	enum report_kind last = p->memory.limit_refuses ? KIND_MMAP : KIND_HEAP;
	double sum = 0;

	for (size_t i = 0; i < p->n_sites; i++)
		if (p->sites[i].verdict == CLASS_LEAK && p->sites[i].kind <= last &&
		    p->sites[i].growth_bytes_per_s > 0)
			sum += p->sites[i].growth_bytes_per_s;
	return sum;
}

/* Takes one more slope into the range of growth; one far below the fastest sees only a part of the
 * growth, and is left out. */
static void consider(struct eta_growth *g, double slope, double error)
{
	if (!(slope > 0) || slope * ETA_PARTIAL < g->fast)
		return;
	g->slow = g->slow > 0 ? fmin(g->slow, slope) : slope;
	g->error = fmax(g->error, error);
}

void judge_limit(const struct trend_fit *fit, size_t n, double idle, double leaks, double resident,
		 struct report_memory *m)
{
	struct eta_growth g = {.reusable = idle};

	for (size_t i = 0; i < n; i++)
		if (fit[i].growing)
			g.fast = fmax(g.fast, fit[i].slope);
	/* if no series grows, leaks are all that is known */
	leaks = g.fast > 0 ? fmin(leaks, resident) : leaks;
	g.fast = fmax(g.fast, leaks);
	for (size_t i = 0; i < n; i++)
		if (fit[i].growing)
			consider(&g, fit[i].slope, fit[i].error);
	consider(&g, leaks, 0);
	eta_predict(&g, m);
}

static void fit_without_step(const struct trend_points *p, struct trend_fit *out)
{
	struct step_room room;
	const struct trend_points points = step_take_out(p, &room);

	trend_points_fit(&points, out);
}

static void predict(const struct memory_fact *f, struct report_process *p)
{
	struct trend_fit fit[MEMORY_SLOPES + 1];
	double idle = f->pools_bytes > f->live_bytes ? (double)(f->pools_bytes - f->live_bytes) : 0;

	for (size_t i = 0; i < MEMORY_SLOPES; i++)
		fit_without_step(&f->slope[i], &fit[i]);
	fit_without_step(&f->room, &fit[MEMORY_SLOPES]);
	judge_limit(fit, ARRAY_SIZE(fit), idle, leaks_per_s(p),
		    p->memory.limit_refuses ? INFINITY : resident_per_s(p->parts), &p->memory);
}

/* Will nearly all growth end: is it in containers with a bound, slows down, or is emptied? Only
 * said where the sites account for most of the growth of RSS and of anonymous memory. */
static bool ends(const struct memory_fact *f, const struct report_process *p)
{
	double ending = 0, others = 0;
	struct curve anon;

	for (size_t i = 0; i < p->n_sites; i++) {
		const struct report_site *s = &p->sites[i];

		if (s->verdict > CLASS_GROWING || s->kind > KIND_MMAP ||
		    !(s->growth_bytes_per_s > 0))
			continue;
		if (s->verdict == CLASS_GROWING && (s->is_bounded || s->ends))
			ending += s->growth_bytes_per_s;
		else
			others += s->growth_bytes_per_s;
	}
	trend_points_judge(&f->slope[MEMORY_ANON], &anon);
	return ending > 0 && others < PROCESS_LEAK_PART * (ending + others) &&
	       !verdict_outgrows(p, &p->rss_curve) && !verdict_outgrows(p, &anon);
}

void memory_judge(const struct evidence *e, struct report *r, struct report_process *p)
{
	judge_retention(&e->memory, r, p);
	/* No limit is predicted for a process that levels off or swings, nor for growth that ends
	 * by itself or by a bound, unless the limit may come first. */
	if (p->exited || (p->verdict != CLASS_LEAK && p->verdict != CLASS_GROWING &&
			  p->verdict != CLASS_RETENTION))
		return;
	predict(&e->memory, p);
	if (p->memory.eta_low_s > ETA_NEAR_S && ends(&e->memory, p))
		p->memory.eta_s = p->memory.eta_low_s = p->memory.eta_high_s = NAN;
}
