/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds how many blocks one survivor stands for in each size class, from how the class grows and
 * who owns blocks in it. */
#include <math.h>

#include "base/map64.h"
#include "base/thresholds.h"
#include "judge/estimate_priv.h"

double class_window_s(const struct estimate_classes *c, unsigned cls, const struct estimate_opts *o)
{
	uint64_t from = c->since_ns[cls] > o->start_ns ? c->since_ns[cls] : o->start_ns;

	return (double)(o->now_ns - from) / 1e9;
}

/* Drops the beginning of a class's last stretch where no survivor was born since, unless there
 * should have been some by now: too few births were met to say so. */
static void forget_beginnings(const struct survivor *v, size_t n, const struct estimate_opts *o,
			      struct estimate_classes *c)
{
	double run_s = (double)(o->now_ns - o->start_ns) / 1e9;
	uint64_t youngest[EVIDENCE_CLASSES + 1] = {0};
	unsigned all[EVIDENCE_CLASSES + 1] = {0};

	for (size_t i = 0; i < n; i++) {
		unsigned cls = sample_class(&v[i]);

		if (!sample_wanted(&v[i], o) || v[i].rung < SURVIVED_RUNGS)
			continue;
		all[cls]++;
		youngest[cls] = v[i].born_ns > youngest[cls] ? v[i].born_ns : youngest[cls];
	}
	for (unsigned k = 0; k < EVIDENCE_CLASSES; k++) {
		double silent_s = (double)(o->now_ns - youngest[k]) / 1e9 -
				  survivor_age_s[SURVIVED_RUNGS - 1];

		if (all[k] && youngest[k] < c->since_ns[k] &&
		    all[k] * silent_s < LATE_FEWEST * run_s)
			c->since_ns[k] = 0;
	}
}

/* Chooses the rung that survivors of a class must have passed to count: the oldest that enough of
 * them have passed, since age tells a leak from a cache. But enough of the run must be left to see
 * that they keep coming. Types that are watched more often began to be so later: enough of those
 * must have passed it, too. */
void classes_choose_rungs(const struct survivor *v, size_t n, const struct estimate_opts *o,
			  struct estimate_classes *c)
{
	unsigned passed[EVIDENCE_CLASSES + 1][SURVIVOR_RUNGS + 1] = {{0}};
	unsigned weak[EVIDENCE_CLASSES + 1][SURVIVOR_RUNGS + 1] = {{0}};
	unsigned often[EVIDENCE_CLASSES + 1][SURVIVOR_RUNGS + 1] = {{0}};

	forget_beginnings(v, n, o, c);
	for (size_t i = 0; i < n; i++) {
		unsigned cls;

		if (!sample_wanted(&v[i], o))
			continue;
		cls = sample_class(&v[i]);
		if (v[i].born_ns < c->since_ns[cls])
			continue;
		for (unsigned r = SURVIVED_RUNGS; r <= v[i].rung && r <= SURVIVOR_RUNGS; r++) {
			(sample_weak(&v[i], o) ? weak : passed)[cls][r]++;
			often[cls][r] += v[i].often > 1;
		}
	}
	for (unsigned k = 0; k <= EVIDENCE_CLASSES; k++) {
		bool has_often = often[k][SURVIVED_RUNGS] >= RUNG_OFTEN;
		unsigned(*count)[SURVIVOR_RUNGS + 1] =
			passed[k][SURVIVED_RUNGS] ? &passed[k] : &weak[k];

		c->weak[k] = !passed[k][SURVIVED_RUNGS];
		c->rung[k] = SURVIVED_RUNGS;
		for (int r = SURVIVOR_RUNGS; r > SURVIVED_RUNGS; r--)
			if ((*count)[r] >= RUNG_ENOUGH &&
			    (!has_often || often[k][r] >= RUNG_OFTEN) &&
			    survivor_age_s[r - 1] < RUNG_PART * class_window_s(c, k, o)) {
				c->rung[k] = r;
				break;
			}
	}
}

/* Survivors per second of the run that one sample stands for. Those born too late to reach the
 * class's rung cannot count yet: the run is taken shorter by its age. */
double sample_per_s(const struct survivor *s, const struct estimate_classes *c,
		    const struct estimate_opts *o)
{
	unsigned cls = sample_class(s);
	double span =
		class_window_s(c, cls, o) - fmax(survivor_age_s[c->rung[cls] - 1], o->older_s);

	return s->stands_for / (span > 0.5 ? span : 0.5);
}

/* Collects the bodies of survivors. An instance owns its dict, whose birth may have been seen as
 * well: such a block must not count twice. */
static void note_bodies(const struct survivor *v, size_t n, const struct estimate_classes *c,
			const struct estimate_opts *o, struct map64 *bodies)
{
	for (size_t i = 0; i < n; i++)
		if (sample_counts(&v[i], c, o))
			map64_put(bodies, v[i].part[0].addr);
}

/* Is this part counted as another survivor's? An instance and its dict both own the dict's values:
 * only the first of them counts. */
static bool is_anothers(struct map64 *owned, const struct survivor *v, unsigned part,
			const struct map64 *bodies)
{
	uint64_t *seen = NULL;

	if (part && !map64_get(bodies, v->part[part].addr))
		seen = map64_put(owned, v->part[part].addr);
	return part && (!seen || (*seen)++);
}

/* Does a native site of the same stack tell of this block? Then it lies outside of the pools and is
 * no body, since native sites leave out bodies. */
static bool is_traced(const struct survivor *v, unsigned part, const struct estimate_opts *o)
{
	return part && v->part[part].cls < 0 && o->traced && map64_get(o->traced, v->stack);
}

uint64_t part_takes(const struct survivor_part *p, const struct estimate_opts *o)
{
	return o->in_chunks && p->cls < 0 ? evidence_chunk(p->bytes) : p->bytes;
}

/* Counts the blocks that survivors own in each class, each once. @roof: how many blocks a survivor
 * of each class stands for at most, NULL = no limit; survivors whose roof is far below another
 * class's factor do not count there. */
static void find_owned(const struct survivor *v, size_t n, const struct estimate_opts *o,
		       const struct estimate_classes *c, const struct map64 *bodies,
		       const double *roof, double *owned)
{
	struct map64 seen = {0};

	memset(owned, 0, (EVIDENCE_CLASSES + 1) * sizeof(*owned));
	for (size_t i = 0; i < n; i++) {
		if (!sample_counts(&v[i], c, o))
			continue;
		for (unsigned p = 0; p < v[i].parts; p++) {
			unsigned cls = survivor_class_index(v[i].part[p].cls);

			if (is_anothers(&seen, &v[i], p, bodies) || is_traced(&v[i], p, o))
				continue;
			if (p && roof && roof[sample_class(&v[i])] < ROOF_PART * c->factor[cls])
				continue;
			owned[cls] += sample_per_s(&v[i], c, o) *
				      (cls == EVIDENCE_MALLOC ? part_takes(&v[i].part[p], o) : 1);
		}
	}
	map64_free(&seen);
}

static void divide(const struct trend_points *t, const struct estimate_opts *o, const double *owned,
		   struct estimate_classes *c)
{
	for (unsigned k = 0; k < EVIDENCE_CLASSES; k++) {
		c->factor[k] = 0;
		if (!t)
			c->factor[k] = o->coverage > 0 ? 1 / o->coverage : 0;
		else if (curve_grows(&c->curve[k]) && owned[k] > 0)
			c->factor[k] = c->curve[k].slope / owned[k];
	}
	c->factor[EVIDENCE_MALLOC] =
		owned[EVIDENCE_MALLOC] > 0 ? o->malloc_bytes_per_s / owned[EVIDENCE_MALLOC] : 0;
}

/* Decides on classes that grow evenly behind a corner of their curve. A full store lets go of as
 * many objects as come: it has many more survivors than its class grows by, and that growth is
 * chance, or its load. Where there are no more survivors than growth, it is they that stay: a leak,
 * once it has risen for as long as all before took; until then another cache may have filled. */
static void find_leaks_of_full(const struct estimate_opts *o, const double *owned,
			       struct estimate_classes *c)
{
	for (unsigned k = 0; k < EVIDENCE_CLASSES; k++) {
		struct curve *curve = &c->curve[k];

		if (curve->is_past_corner && owned[k] > 0 &&
		    curve->slope * o->coverage >= FULL_STAYS * owned[k])
			curve->shape =
				2 * curve->since_s >= curve->span_s ? CURVE_RISING : CURVE_SLOWING;
	}
}

/* Finds how many blocks a survivor stands for, in two passes. Where a class does not grow, its
 * survivors have taken the place of others, and so have the blocks that they own in other classes:
 * these get no share of growth there. A survivor stands for much the same number in all classes; in
 * a flat class that is at most the upper end of its slope's interval (@roof). */
void classes_find_factors(const struct survivor *v, size_t n, const struct trend_points *t,
			  const struct estimate_opts *o, struct estimate_classes *c)
{
	double owned[EVIDENCE_CLASSES + 1], roof[EVIDENCE_CLASSES + 1];
	struct map64 bodies = {0};

	note_bodies(v, n, c, o, &bodies);
	find_owned(v, n, o, c, &bodies, NULL, owned);
	find_leaks_of_full(o, owned, c);
	divide(t, o, owned, c);
	for (unsigned k = 0; t && k <= EVIDENCE_CLASSES; k++) {
		const struct curve *curve = &c->curve[k];
		bool flat = k < EVIDENCE_CLASSES &&
			    (curve->shape == CURVE_FLAT || curve->shape == CURVE_LEVELLED);

		roof[k] = flat && owned[k] > 0 ? fmax(curve->high, 0) / owned[k] : INFINITY;
	}
	if (t) {
		find_owned(v, n, o, c, &bodies, roof, owned);
		divide(t, o, owned, c);
	}
	map64_free(&bodies);
}

/* Shares out what each class has gained among all survivors, also those of stacks that have
 * stopped: this says how much each stack holds. */
void classes_find_held(const struct survivor *v, size_t n, const struct estimate_opts *o,
		       struct estimate_classes *c)
{
	double owned[EVIDENCE_CLASSES + 1] = {0};
	struct map64 bodies = {0}, seen = {0};

	for (size_t i = 0; i < n; i++)
		if (sample_holds(&v[i], c, o))
			map64_put(&bodies, v[i].part[0].addr);
	for (size_t i = 0; i < n; i++)
		for (unsigned p = 0; sample_holds(&v[i], c, o) && p < v[i].parts; p++)
			if (!is_anothers(&seen, &v[i], p, &bodies))
				owned[survivor_class_index(v[i].part[p].cls)] += v[i].stands_for;
	map64_free(&bodies);
	map64_free(&seen);
	for (unsigned k = 0; k < EVIDENCE_CLASSES; k++)
		if (owned[k] > 0 && c->curve[k].gain > 0)
			c->held[k] = c->curve[k].gain / owned[k];
}

/* Seconds from the last floor to the last reading: the unfinished bucket has no floor yet, and a
 * floor has the time of its bucket's beginning. */
static double since_last(const struct curve *c, const struct estimate_opts *o)
{
	double lag = o->trend_s - c->span_s;

	return o->trend_s > 0 && lag > 0 && lag < LAG_MAX_S ? lag : 0;
}

/* Judges the curve of each class. A young run has no shape yet, but two points may show that it
 * grows. */
void classes_judge(const struct trend_points *t, const struct estimate_opts *o,
		   struct estimate_classes *c)
{
	double run_s = (double)(o->now_ns - o->start_ns) / 1e9;

	for (unsigned k = 0; t && k < EVIDENCE_CLASSES; k++) {
		struct curve *curve = &c->curve[k];
		struct trend_fit fit;

		trend_points_judge(&t[k], curve);
		if (o->work)
			work_judge(o->work, &t[k], curve);
		if (curve->shape == CURVE_UNKNOWN) {
			trend_points_fit(&t[k], &fit);
			curve->slope = fit.slope;
			curve->shape = fit.growing ? CURVE_SLOWING : CURVE_UNKNOWN;
			if (fit.growing) {
				curve->gain = fit.slope * fit.span_s;
				curve->span_s = fit.span_s;
			}
		}
		if (curve_grows(curve) && curve->slope > 0)
			curve->gain += curve->slope * since_last(curve, o);
		if (curve_grows(curve) && curve->since_s >= LATE_S &&
		    curve->since_s < LATE_PART * run_s)
			c->since_ns[k] = o->now_ns - (uint64_t)(curve->since_s * 1e9);
	}
}

/* The floor at time @when, between floors that may be far apart; before the first, the first. Needs
 * two. */
static double floor_at(const struct trend_points *t, double when)
{
	size_t i = 1;
	double part;

	while (i + 1 < t->n && t->t[i] < when)
		i++;
	part = (when - t->t[i - 1]) / (t->t[i] - t->t[i - 1]);
	return t->v[i - 1] + (t->v[i] - t->v[i - 1]) * fmin(fmax(part, 0), 1);
}

/* Rise of the floors per second, in the @for_s seconds before @until. */
static double pace(const struct trend_points *t, double until, double for_s)
{
	return (floor_at(t, until) - floor_at(t, until - for_s)) / for_s;
}

/* When the curve's last stretch began; 0: at the first point, or not known. */
static double stretch_began(const struct trend_points *t, const struct curve *c)
{
	double began = t->n >= 2 ? t->t[t->n - 1] - c->since_s : 0;

	return t->n >= 2 && c->since_s > 0 && began > t->t[0] ? began : 0;
}

/* The pace, before the last stretch, of lines that keep all they make: their part of the present
 * slope, scaled by their survivors then and now. */
static double lasting_pace(const struct estimate *e, const struct estimate_site *s)
{
	double then = e->lasting_before[s->cls], now = e->lasting_since[s->cls];

	return then > 0 ? e->curve[s->cls].slope * then / (fmax(s->since - s->before, 0) + now) : 0;
}

bool estimate_is_beside(const struct trend_points *t, const struct estimate *e,
			const struct estimate_site *s)
{
	double began = stretch_began(t, &e->curve[s->cls]), others = lasting_pace(e, s);

	return began > 0 && others > 0 &&
	       others >= LEAK_RISE_PART * pace(t, began, e->curve[s->cls].since_s);
}

/* A leak rises all the time before the last stretch, and at its end. Otherwise the load of a store
 * rose twice, or the store was not full yet; or another line of its class leaks all the time. */
bool estimate_rose(const struct trend_points *t, const struct estimate *e,
		   const struct estimate_site *s, double coverage)
{
	const struct curve *c = &e->curve[s->cls];
	double since = c->since_s, began = stretch_began(t, c), rise;
	double then = e->lasting_before[s->cls], now = e->lasting_since[s->cls];
	double born = (s->before + then / coverage) / coverage, others = lasting_pace(e, s);
	/* the share of the present pace that was there before, if its survivors stay */
	double all = (s->before + then) / (s->since + now);

	if (!(began > 0))
		return false;
	rise = pace(t, began, since) - others;
	return rise >= LEAK_RISE_PART * (all * c->slope - others) &&
	       rise * since >= CHANCE_SURE * sqrt(2 * born) &&
	       pace(t, began, began - t->t[0]) - others >= LEAK_RISE_PART * rise &&
	       pace(t, began, since / 4) - others >= LEAK_RISE_PART * rise;
}

static bool is_told(const struct survivor *s, const struct estimate_classes *c,
		    const struct estimate_opts *o)
{
	return sample_counts(s, c, o) || sample_holds(s, c, o);
}

void samples_part_blocks(struct survivor *v, size_t n, const struct estimate_classes *c,
			 const struct estimate_opts *o)
{
	struct map64 bodies = {0}, seen = {0};

	for (size_t i = 0; i < n; i++)
		if (is_told(&v[i], c, o))
			map64_put(&bodies, v[i].part[0].addr);
	for (size_t i = 0; i < n; i++) {
		v[i].told = v[i].bytes;
		for (unsigned p = 0; p < v[i].parts && is_told(&v[i], c, o); p++) {
			uint64_t takes = part_takes(&v[i].part[p], o);

			v[i].told += takes - v[i].part[p].bytes;
			if (v[i].told > takes && is_anothers(&seen, &v[i], p, &bodies))
				v[i].told -= takes;
		}
	}
	map64_free(&bodies);
	map64_free(&seen);
}
