/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From survivors to rates.
 *
 * For a size class c of pymalloc: its live blocks grow by g(c) per second, read from outside. The
 * survivors of a stack own blocks in it: their bodies, and their satellites. Let w be the number of
 * survivors per second of the run that a sample stands for; D(c) = sum of w over all blocks in c of
 * all survivors. Then g(c) / D(c) is what one survivor stands for, and a stack's rate is its w
 * times that, with c the class of the body. */
#include "track/estimate.h"

#include <math.h>

#include "base/map64.h"
#include "track/coverage.h"

const double ladder_age_s[LADDER_RUNGS] = {0.2, 1, 3, 10, 30, 60};

#define YOUNGEST  LADDER_SURVIVED
#define ENOUGH	  5   /* survivors that make an older rung trustworthy */
#define RUNG_PART 0.6 /* of the time watched: an older rung leaves too little of it */
/* What the collector could still free is waited for: a full collection, or so long. */
#define GC_WAIT_S 20

/* A stretch that began late: births from before it say nothing about what grows in it. */
#define LATE_PART 0.5 /* of the run */
#define LATE_S	  20  /* and long enough to have survivors of its own */

struct classes {
	struct curve *curve;		     /* HEAP_CLASSES + 1 */
	uint64_t since_ns[HEAP_CLASSES + 1]; /* born earlier: does not count */
	double held[HEAP_CLASSES + 1];	     /* blocks gained for one survivor */
	int rung[HEAP_CLASSES + 1];	 /* survivors must have passed it; the last one is malloc */
	bool weak[HEAP_CLASSES + 1];	 /* nothing but ambiguous survivors */
	double factor[HEAP_CLASSES + 1]; /* blocks per second for one survivor per second */
};

static double age_s(const struct sample *s, const struct estimate_opts *o)
{
	return (double)(o->now_ns - s->born_ns) / 1e9;
}

static bool seen(const struct sample *s, const struct estimate_opts *o)
{
	return s->addr && s->rung >= YOUNGEST && s->parts && s->bytes >= o->min_size &&
	       s->bytes <= o->max_size && age_s(s, o) >= o->older_s;
}

static bool wanted(const struct sample *s, const struct estimate_opts *o)
{
	return !s->stopped && seen(s, o);
}

static unsigned body_class(const struct sample *s)
{
	return heap_class_index(s->part[0].cls);
}

/* An object with the content of others may have been replaced by one of them, unseen. Each later
 * burst was a chance to see such a birth at its address, which would have killed it. A line whose
 * objects come r times a second, seen with coverage c, leaves r c (1 - c)^(r t) such impostors of
 * age t per second: with 3 % and 10 s never more than one in half a minute, whatever r is. */
#define CHANCES 12
static bool is_weak(const struct sample *s, const struct estimate_opts *o)
{
	return s->ambiguous && !(s->rung >= 4 && o->burst >= s->burst + CHANCES);
}

static double window_s(const struct classes *c, unsigned cls, const struct estimate_opts *o)
{
	uint64_t from = c->since_ns[cls] > o->start_ns ? c->since_ns[cls] : o->start_ns;

	return (double)(o->now_ns - from) / 1e9;
}

/* The oldest rung that enough survivors have passed: age is what tells a leak from a cache. But
 * enough of the run must be left to see that they keep coming. */
static void choose_rungs(const struct sample *v, size_t n, const struct estimate_opts *o,
			 struct classes *c)
{
	unsigned passed[HEAP_CLASSES + 1][LADDER_RUNGS + 1] = {{0}};
	unsigned weak[HEAP_CLASSES + 1][LADDER_RUNGS + 1] = {{0}};

	for (size_t i = 0; i < n; i++) {
		unsigned cls;

		if (!wanted(&v[i], o))
			continue;
		cls = body_class(&v[i]);
		if (v[i].born_ns < c->since_ns[cls])
			continue;
		for (unsigned r = YOUNGEST; r <= v[i].rung && r <= LADDER_RUNGS; r++)
			(is_weak(&v[i], o) ? weak : passed)[cls][r]++;
	}
	for (unsigned k = 0; k <= HEAP_CLASSES; k++) {
		unsigned(*count)[LADDER_RUNGS + 1] = passed[k][YOUNGEST] ? &passed[k] : &weak[k];

		c->weak[k] = !passed[k][YOUNGEST];
		c->rung[k] = YOUNGEST;
		for (int r = LADDER_RUNGS; r > YOUNGEST; r--)
			if ((*count)[r] >= ENOUGH &&
			    ladder_age_s[r - 1] < RUNG_PART * window_s(c, k, o)) {
				c->rung[k] = r;
				break;
			}
	}
}

static bool counts(const struct sample *s, const struct classes *c, const struct estimate_opts *o)
{
	unsigned cls;

	if (!wanted(s, o))
		return false;
	cls = body_class(s);
	return s->rung >= c->rung[cls] && is_weak(s, o) == c->weak[cls] &&
	       s->born_ns >= c->since_ns[cls];
}

/* Survivors per second of the run that one sample stands for: those younger than its rung cannot
 * have been counted yet. */
static double per_second(const struct sample *s, const struct classes *c,
			 const struct estimate_opts *o)
{
	unsigned cls = body_class(s);
	double span = window_s(c, cls, o) - fmax(ladder_age_s[c->rung[cls] - 1], o->older_s);

	return (double)s->weight / (span > 0.5 ? span : 0.5);
}

/* Blocks that are bodies of survivors themselves: an instance owns its dict, and the dict may have
 * been seen being born too. Such a block must not count twice. */
static void note_bodies(const struct sample *v, size_t n, const struct classes *c,
			const struct estimate_opts *o, struct map64 *bodies)
{
	for (size_t i = 0; i < n; i++)
		if (counts(&v[i], c, o))
			map64_put(bodies, v[i].part[0].addr);
}

/* A leak of objects that all look alike takes over addresses at which the same content has just
 * been born and dropped elsewhere: those births seem to survive too, a few each. Among survivors of
 * one content only stacks count that have a fair part of what the strongest stack has. */
#define FAIR_PART 0.15

static uint64_t content_key(const struct sample *s)
{
	return (s->fp.content ^ (s->stack * 0x9e3779b97f4a7c15ull)) | 1;
}

static void drop_impostors(struct sample *v, size_t n, const struct estimate_opts *o)
{
	struct map64 own = {0}, most = {0};

	for (size_t i = 0; i < n; i++) {
		uint64_t *mine, *top;

		if (!v[i].ambiguous || !wanted(&v[i], o))
			continue;
		mine = map64_put(&own, content_key(&v[i]));
		top = map64_put(&most, v[i].fp.content);
		if (mine && top && ++*mine > *top)
			*top = *mine;
	}
	for (size_t i = 0; i < n; i++) {
		const uint64_t *mine, *top;

		if (!v[i].ambiguous)
			continue;
		mine = map64_get(&own, content_key(&v[i]));
		top = map64_get(&most, v[i].fp.content);
		if (mine && top && (double)*mine < FAIR_PART * (double)*top)
			v[i].addr = 0; /* in our copy */
	}
	map64_free(&own);
	map64_free(&most);
}

/* Births of a stack that were frequent and then stopped (threads being started, a cache that
 * filled) are what was gained, but say nothing about what grows now: no birth for four times the
 * usual gap, and some seconds at least. */
#define QUIET_GAPS 4
#define QUIET_S	   5

struct births_seen {
	double n, youngest_s, oldest_s;
};

static void see_birth(struct births_seen *b, double age)
{
	if (!(b->n > 0) || age < b->youngest_s)
		b->youngest_s = age;
	if (age > b->oldest_s)
		b->oldest_s = age;
	b->n++;
}

static void mark_stopped(struct sample *v, size_t n, const struct estimate_opts *o)
{
	auto_free struct births_seen *history = calloc(n + 1, sizeof(*history));
	struct map64 index = {0};
	double latest_s = INFINITY; /* of all stacks: a target that rests has no births at all */
	size_t stacks = 0;

	if (!history)
		return;
	for (size_t i = 0; i < n; i++) {
		uint64_t *place = seen(&v[i], o) ? map64_put(&index, v[i].stack) : NULL;

		if (!place)
			continue;
		if (!*place)
			*place = ++stacks;
		see_birth(&history[*place - 1], age_s(&v[i], o));
		latest_s = fmin(latest_s, age_s(&v[i], o));
	}
	for (size_t i = 0; i < n; i++) {
		const uint64_t *place = seen(&v[i], o) ? map64_get(&index, v[i].stack) : NULL;
		const struct births_seen *b = place && *place ? &history[*place - 1] : NULL;
		double quiet = b ? b->youngest_s - latest_s : 0;

		v[i].stopped = b && quiet > QUIET_S &&
			       quiet > QUIET_GAPS * (b->oldest_s - b->youngest_s) / b->n;
	}
	map64_free(&index);
}

/* Of a line that keeps what it makes no survivor dies. Where many do, the others may be what a leak
 * elsewhere has put in their place, unseen: that is likely when most of the class's survivors are
 * of stacks none of whose have died. And a few beside a great many are nearly always that. */
#define MORTAL	  0.3
#define MOST_PART 0.5
#define FEW_PART  0.01

static void mark_doubtful(struct sample *v, size_t n, const struct classes *c,
			  const struct estimate_opts *o)
{
	double all[HEAP_CLASSES + 1] = {0}, mortal[HEAP_CLASSES + 1] = {0};
	struct map64 lives = {0};

	for (size_t i = 0; i < n && o->deaths; i++) {
		uint64_t *at = seen(&v[i], o) ? map64_put(&lives, v[i].stack) : NULL;

		if (at)
			*at += (uint64_t)v[i].weight;
	}
	for (size_t i = 0; i < n && o->deaths; i++) {
		const uint64_t *live = map64_get(&lives, v[i].stack);
		const uint64_t *died = map64_get(o->deaths, v[i].stack);

		v[i].doubtful = live && died && (double)*died > MORTAL * (double)(*died + *live);
		if (!counts(&v[i], c, o))
			continue;
		all[body_class(&v[i])] += (double)v[i].weight;
		if (v[i].doubtful)
			mortal[body_class(&v[i])] += (double)v[i].weight;
	}
	for (size_t i = 0; i < n && o->deaths; i++) {
		const uint64_t *live = map64_get(&lives, v[i].stack);
		unsigned k = body_class(&v[i]);

		v[i].doubtful &= mortal[k] < MOST_PART * all[k];
		v[i].doubtful |= live && (double)*live < FEW_PART * all[k];
	}
	map64_free(&lives);
}

static bool is_growing(const struct curve *c)
{
	return c->shape == CURVE_RISING || c->shape == CURVE_SLOWING;
}

#define ROOF_PART 0.5 /* of what survivors stand for where memory grows: less is none */

/* What the survivors own in each class, each block once. @roof: how many a survivor of a class
 * stands for at most; NULL = all count. */
static void find_owned(const struct sample *v, size_t n, const struct estimate_opts *o,
		       const struct classes *c, const struct map64 *bodies, const double *roof,
		       double *owned)
{
	memset(owned, 0, (HEAP_CLASSES + 1) * sizeof(*owned));
	for (size_t i = 0; i < n; i++) {
		if (!counts(&v[i], c, o))
			continue;
		for (unsigned p = 0; p < v[i].parts; p++) {
			unsigned cls = heap_class_index(v[i].part[p].cls);

			if (p && map64_get(bodies, v[i].part[p].addr))
				continue;
			if (p && roof && roof[body_class(&v[i])] < ROOF_PART * c->factor[cls])
				continue;
			owned[cls] += per_second(&v[i], c, o) *
				      (cls == HEAP_MALLOC ? v[i].part[p].bytes : 1);
		}
	}
}

static void divide(const struct trend_set *t, const struct estimate_opts *o, const double *owned,
		   struct classes *c)
{
	for (unsigned k = 0; k < HEAP_CLASSES; k++) {
		c->factor[k] = 0;
		if (!t)
			c->factor[k] = o->coverage > 0 ? 1 / o->coverage : 0;
		else if (is_growing(&c->curve[k]) && owned[k] > 0)
			c->factor[k] = c->curve[k].slope / owned[k];
	}
	c->factor[HEAP_MALLOC] =
		owned[HEAP_MALLOC] > 0 ? o->malloc_bytes_per_s / owned[HEAP_MALLOC] : 0;
}

/* Where a class does not grow, its survivors have taken the place of others, and what they own
 * elsewhere has, too: it gets no share of what grows there. How many a survivor stands for is much
 * the same in all classes; in a flat one it is no more than the interval of its slope has room for.
 */
static void find_factors(const struct sample *v, size_t n, const struct trend_set *t,
			 const struct estimate_opts *o, struct classes *c)
{
	double owned[HEAP_CLASSES + 1], roof[HEAP_CLASSES + 1];
	struct map64 bodies = {0};

	note_bodies(v, n, c, o, &bodies);
	find_owned(v, n, o, c, &bodies, NULL, owned);
	divide(t, o, owned, c);
	for (unsigned k = 0; t && k <= HEAP_CLASSES; k++) {
		const struct curve *curve = &c->curve[k];
		bool flat = k < HEAP_CLASSES &&
			    (curve->shape == CURVE_FLAT || curve->shape == CURVE_LEVELLED);

		roof[k] = flat && owned[k] > 0 ? fmax(curve->high, 0) / owned[k] : INFINITY;
	}
	if (t) {
		find_owned(v, n, o, c, &bodies, roof, owned);
		divide(t, o, owned, c);
	}
	map64_free(&bodies);
}

/* What a class has gained in all is shared out by all survivors, those of stacks that have stopped
 * too: how much each stack holds. */
static void find_held(const struct sample *v, size_t n, const struct estimate_opts *o,
		      struct classes *c)
{
	double owned[HEAP_CLASSES + 1] = {0};
	struct map64 bodies = {0};

	for (size_t i = 0; i < n; i++)
		if (seen(&v[i], o))
			map64_put(&bodies, v[i].part[0].addr);
	for (size_t i = 0; i < n; i++)
		for (unsigned p = 0; seen(&v[i], o) && p < v[i].parts; p++)
			if (!p || !map64_get(&bodies, v[i].part[p].addr))
				owned[heap_class_index(v[i].part[p].cls)] += (double)v[i].weight;
	map64_free(&bodies);
	for (unsigned k = 0; k < HEAP_CLASSES; k++)
		if (owned[k] > 0 && c->curve[k].gain > 0)
			c->held[k] = c->curve[k].gain / owned[k];
}

/* Floors lag behind: the unfinished one does not count, and a floor is that of its beginning. */
#define LAG_MAX_S 5
static double since_last(const struct curve *c, const struct estimate_opts *o)
{
	double lag = o->trend_s - c->span_s;

	return o->trend_s > 0 && lag > 0 && lag < LAG_MAX_S ? lag : 0;
}

/* Two points more than nothing: a young run has no shape yet, but may well grow. */
static void judge_classes(const struct trend_set *t, const struct estimate_opts *o,
			  struct classes *c)
{
	double run_s = (double)(o->now_ns - o->start_ns) / 1e9;

	for (unsigned k = 0; t && k < HEAP_CLASSES; k++) {
		struct curve *curve = &c->curve[k];
		struct trend_fit fit;

		trend_set_judge(t, k, curve);
		if (curve->shape == CURVE_UNKNOWN) {
			trend_set_fit(t, k, &fit);
			curve->slope = fit.slope;
			curve->shape = fit.growing ? CURVE_SLOWING : CURVE_UNKNOWN;
			if (fit.growing) {
				curve->gain = fit.slope * fit.span_s;
				curve->span_s = fit.span_s;
			}
		}
		if (is_growing(curve) && curve->slope > 0)
			curve->gain += curve->slope * since_last(curve, o);
		if (is_growing(curve) && curve->since_s >= LATE_S &&
		    curve->since_s < LATE_PART * run_s)
			c->since_ns[k] = o->now_ns - (uint64_t)(curve->since_s * 1e9);
	}
}

/* A survivor that counts stands for as many births as were not watched, and for some more where the
 * program crawls while it is. */
#define CRAWLS 10

/* Could the survivors of other lines be all of what grows in this class? Outside of the pools no
 * live blocks are counted: what grows there may be holes. */
static bool others_explain(double others, unsigned cls, const struct classes *c,
			   const struct estimate_opts *o)
{
	double span = window_s(c, cls, o) - ladder_age_s[YOUNGEST - 1];

	return cls == HEAP_MALLOC || !is_growing(&c->curve[cls]) ||
	       others / fmax(span, 0.5) * CRAWLS >= c->curve[cls].slope * o->coverage;
}

/* What takes the place of others does not count, as long as something else may be what grows. */
static void drop_replaced(struct sample *v, size_t n, const struct classes *c,
			  const struct estimate_opts *o)
{
	double others[HEAP_CLASSES + 1] = {0};

	if (!o->replaced || !o->replaced->n)
		return;
	for (size_t i = 0; i < n; i++) {
		unsigned k = body_class(&v[i]);

		if (seen(&v[i], o) && !is_weak(&v[i], o) && !map64_get(o->replaced, v[i].stack))
			others[k] += (double)v[i].weight;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned k = body_class(&v[i]);

		if (map64_get(o->replaced, v[i].stack) && others_explain(others[k], k, c, o))
			v[i].addr = 0; /* in our copy */
	}
}

struct builder {
	VEC(struct estimate_site) site;
	struct map64 index; /* stack -> place + 1 */
	struct map64 burst; /* stack ^ burst seen */
	const struct classes *c;
};

static struct estimate_site *site_of(struct builder *b, uint64_t stack)
{
	uint64_t *place = map64_put(&b->index, stack);
	struct estimate_site *s;

	if (!place)
		return NULL;
	if (*place)
		return &b->site.v[*place - 1];
	s = vec_push(&b->site);
	if (!s)
		return NULL;
	*place = b->site.n;
	s->stack = stack;
	s->weak = true;
	s->waits_for_gc = true;
	return s;
}

static struct estimate_type *type_of(struct estimate_site *s, uint64_t type)
{
	struct estimate_type *grown;

	for (size_t i = 0; i < s->n_types; i++)
		if (s->types[i].type == type)
			return &s->types[i];
	grown = reallocarray(s->types, s->n_types + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	s->types = grown;
	memset(&grown[s->n_types], 0, sizeof(*grown));
	grown[s->n_types].type = type;
	return &grown[s->n_types++];
}

static void note_birth(struct builder *b, struct estimate_site *s, const struct sample *v,
		       const struct estimate_opts *o)
{
	double run_s = (double)(o->now_ns - o->start_ns) / 1e9 - ladder_age_s[1], age = age_s(v, o);
	double born_s = run_s + ladder_age_s[1] - age;
	unsigned q = run_s > 0 ? (unsigned)(4 * born_s / run_s) : 0;
	uint64_t *seen = map64_put(&b->burst, (v->stack ^ (v->burst * 0x9e3779b97f4a7c15ull)) | 1);

	if (seen && !(*seen)++)
		s->bursts++;
	s->quarters |= 1u << (q > 3 ? 3 : q);
	if (age > s->oldest_s)
		s->oldest_s = age;
	if (!is_weak(v, o) && !v->doubtful)
		s->weak = false;
	if (o->collections > v->collections + s->collections)
		s->collections = o->collections - v->collections;
	if (!v->gc || o->collections > v->collections || age >= GC_WAIT_S)
		s->waits_for_gc = false;
}

/* Every survivor, whether it counts or not. */
static void add_seen(struct builder *b, const struct sample *v, const struct estimate_opts *o)
{
	struct estimate_site *s = site_of(b, v->stack);
	double count = (double)v->weight * b->c->held[body_class(v)];
	struct estimate_type *t;

	if (!s)
		return;
	s->stopped = v->stopped;
	s->held_count += count;
	s->held_bytes += count * (double)v->bytes;
	s->seen++;
	t = type_of(s, v->type);
	if (t)
		t->held_count += count;
	if (!s->samples) {
		s->cls = body_class(v);
		s->oldest_s = fmax(s->oldest_s, age_s(v, o));
	}
}

static int add_sample(struct builder *b, const struct sample *v, const struct classes *c,
		      const struct estimate_opts *o)
{
	struct estimate_site *s = site_of(b, v->stack);
	struct estimate_type *t = s ? type_of(s, v->type) : NULL;
	unsigned cls = heap_class_index(v->part[0].cls);
	double rate = per_second(v, c, o) * c->factor[cls];

	if (!t)
		return fail(-ENOMEM, "out of memory");
	s->samples++;
	s->cls = cls;
	s->weight += (double)v->weight;
	s->mean_age_s += (double)v->weight * age_s(v, o);
	s->least_s = fmax(ladder_age_s[c->rung[cls] - 1], o->older_s);
	if (o->watched && !s->watched_age_s)
		s->watched_age_s = coverage_age_s(
			o->watched, c->since_ns[cls] > o->start_ns ? c->since_ns[cls] : o->start_ns,
			o->now_ns, s->least_s);
	t->count_per_s += rate;
	t->bytes_per_s += rate * (double)v->bytes;
	for (unsigned p = 0; p < v->parts; p++)
		if (v->part[p].cls < 0)
			s->malloc_bytes += (double)v->weight * (double)v->part[p].bytes;
	s->count_per_s += rate;
	s->bytes_per_s += rate * (double)v->bytes;
	note_birth(b, s, v, o);
	return 0;
}

static double mortality_of(const struct estimate_site *s, const struct estimate_opts *o)
{
	const uint64_t *died = o->deaths ? map64_get(o->deaths, s->stack) : NULL;

	if (!o->deaths)
		return NAN;
	return died ? (double)*died / ((double)*died + s->weight) : 0;
}

/* Sites with survivors that count, and those that have stopped. */
static void finish(struct builder *b, const struct estimate_opts *o, struct estimate *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->site.n; i++) {
		struct estimate_site *s = &b->site.v[i];

		if (!s->samples && !s->stopped) {
			free(s->types);
			continue;
		}
		s->quarters = (unsigned)__builtin_popcount(s->quarters);
		if (s->samples) {
			s->malloc_bytes /= s->weight;
			s->mean_age_s /= s->weight;
			s->mortality = mortality_of(s, o);
		}
		b->site.v[kept++] = *s;
	}
	out->sites = b->site.v;
	out->n = kept;
}

int estimate_sites(const struct sample *samples, size_t n, const struct trend_set *classes,
		   const struct estimate_opts *o, struct estimate *out)
{
	auto_free struct sample *v = malloc((n ? n : 1) * sizeof(*v));
	struct classes c = {.curve = out->curve};
	struct builder b = {.c = &c};
	int err = 0;

	memset(out, 0, sizeof(*out));
	if (!v)
		return fail(-ENOMEM, "out of memory");
	if (n)
		memcpy(v, samples, n * sizeof(*v));
	judge_classes(classes, o, &c);
	drop_replaced(v, n, &c, o);
	drop_impostors(v, n, o);
	mark_stopped(v, n, o);
	choose_rungs(v, n, o, &c);
	mark_doubtful(v, n, &c, o);
	find_factors(v, n, classes, o, &c);
	find_held(v, n, o, &c);
	for (size_t i = 0; i < n && !err; i++)
		if (counts(&v[i], &c, o))
			err = add_sample(&b, &v[i], &c, o);
	for (size_t i = 0; i < n; i++)
		if (seen(&v[i], o))
			add_seen(&b, &v[i], o);
	finish(&b, o, out);
	map64_free(&b.index);
	map64_free(&b.burst);
	if (err)
		estimate_free(out);
	return err;
}

void estimate_free(struct estimate *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->sites[i].types);
	free(e->sites);
	e->sites = NULL;
	e->n = 0;
}
