/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds what one survivor stands for: how each size class grows, and who owns blocks in it. */
#include <math.h>

#include "base/map64.h"
#include "base/thresholds.h"
#include "judge/estimate_priv.h"

double class_window_s(const struct estimate_classes *c, unsigned cls, const struct estimate_opts *o)
{
	uint64_t from = c->since_ns[cls] > o->start_ns ? c->since_ns[cls] : o->start_ns;

	return (double)(o->now_ns - from) / 1e9;
}

/* A stretch of which no survivor is known begins a class anew only when it should have had some. */
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

/* The oldest rung that enough survivors have passed: age is what tells a leak from a cache. But
 * enough of the run must be left to see that they keep coming. Types that were looked at more often
 * began to be so later: of those there must be enough as well. */
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

/* Survivors per second of the run that one sample stands for: those younger than its rung cannot
 * have been counted yet. */
double sample_per_s(const struct survivor *s, const struct estimate_classes *c,
		    const struct estimate_opts *o)
{
	unsigned cls = sample_class(s);
	double span =
		class_window_s(c, cls, o) - fmax(survivor_age_s[c->rung[cls] - 1], o->older_s);

	return s->stands_for / (span > 0.5 ? span : 0.5);
}

/* Blocks that are bodies of survivors themselves: an instance owns its dict, and the dict may have
 * been seen being born too. Such a block must not count twice. */
static void note_bodies(const struct survivor *v, size_t n, const struct estimate_classes *c,
			const struct estimate_opts *o, struct map64 *bodies)
{
	for (size_t i = 0; i < n; i++)
		if (sample_counts(&v[i], c, o))
			map64_put(bodies, v[i].part[0].addr);
}

/* An instance owns the values of its dict, and so does the dict: only the first of them counts. */
static bool is_anothers(struct map64 *owned, const struct survivor *v, unsigned part,
			const struct map64 *bodies)
{
	uint64_t *seen = NULL;

	if (part && !map64_get(bodies, v->part[part].addr))
		seen = map64_put(owned, v->part[part].addr);
	return part && (!seen || (*seen)++);
}

/* Does it lie outside of the pools, where native sites tell of what this stack takes? They leave
 * out bodies. */
static bool is_traced(const struct survivor *v, unsigned part, const struct estimate_opts *o)
{
	return part && v->part[part].cls < 0 && o->traced && map64_get(o->traced, v->stack);
}

uint64_t part_takes(const struct survivor_part *p, const struct estimate_opts *o)
{
	return o->in_chunks && p->cls < 0 ? evidence_chunk(p->bytes) : p->bytes;
}

/* Counts the blocks that the survivors own in each class, each once. @roof: how many a survivor of
 * a class stands for at most; NULL = all count. */
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

/* A full store lets go of as many as come: its survivors are many more than its class grows by, and
 * that is chance, or its load. Where they are no more than that, it is they that stay: a leak, once
 * it has risen for as long as all before took; until then a cache may have filled beside. */
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

/* Where a class does not grow, its survivors have taken the place of others, and what they own
 * elsewhere has, too: it gets no share of what grows there. How many a survivor stands for is much
 * the same in all classes; in a flat one it is no more than the interval of its slope has room for.
 */
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

/* All that a class has gained is shared out by all survivors, those of stacks that have stopped
 * too: how much each stack holds. */
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

/* Floors lag behind: the unfinished one does not count, and a floor is that of its beginning. */
static double since_last(const struct curve *c, const struct estimate_opts *o)
{
	double lag = o->trend_s - c->span_s;

	return o->trend_s > 0 && lag > 0 && lag < LAG_MAX_S ? lag : 0;
}

/* Two points more than nothing: a young run has no shape yet, but may well grow. */
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

/* The floor at that time, of two and more that may be far apart; of before the first, that. */
static double floor_at(const struct trend_points *t, double when)
{
	size_t i = 1;
	double part;

	while (i + 1 < t->n && t->t[i] < when)
		i++;
	part = (when - t->t[i - 1]) / (t->t[i] - t->t[i - 1]);
	return t->v[i - 1] + (t->v[i] - t->v[i - 1]) * fmin(fmax(part, 0), 1);
}

/* By how much did the floors rise per second for so long before @until? */
static double pace(const struct trend_points *t, double until, double for_s)
{
	return (floor_at(t, until) - floor_at(t, until - for_s)) / for_s;
}

/* When its last stretch began; 0: at the first point, or it is not known. */
static double stretch_began(const struct trend_points *t, const struct curve *c)
{
	double began = t->n >= 2 ? t->t[t->n - 1] - c->since_s : 0;

	return t->n >= 2 && c->since_s > 0 && began > t->t[0] ? began : 0;
}

/* So much of the pace of now was there before by lines that keep all, if those of @s make place. */
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

/* A leak's rise is that of all the time before, and of the end of it. A store's load may have risen
 * twice, or it was not full yet; and another line of its class may leak all the time. */
bool estimate_rose(const struct trend_points *t, const struct estimate *e,
		   const struct estimate_site *s, double coverage)
{
	const struct curve *c = &e->curve[s->cls];
	double since = c->since_s, began = stretch_began(t, c), rise;
	double then = e->lasting_before[s->cls], now = e->lasting_since[s->cls];
	double born = (s->before + then / coverage) / coverage, others = lasting_pace(e, s);
	/* There was so much of the pace of now before if its survivors stay. */
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
