/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Chooses the survivors that count: not one that may be another object in the same place, nor one
 * that takes the place of another. */
#include <math.h>

#include "base/coverage.h"
#include "base/map64.h"
#include "base/thresholds.h"
#include "judge/estimate_priv.h"

/* share of the time; a survivor born where less was watched gets no more weight */
#define LEAST_WATCHED 1e-6

uint64_t sample_key(uint64_t stack, uint64_t detail)
{
	return (stack ^ (detail * 0x9e3779b97f4a7c15ull)) | 1;
}

uint64_t sample_moment(const struct survivor *s)
{
	return sample_key(s->born_ns / SAMPLE_MOMENT_NS, s->burst);
}

double sample_age_s(const struct survivor *s, const struct estimate_opts *o)
{
	return (double)(o->now_ns - s->born_ns) / 1e9;
}

const struct coverage *sample_watched(const struct survivor *s, const struct estimate_opts *o)
{
	return s->often > 1 && o->aimed ? o->aimed : o->watched;
}

/* Sets stands_for: less where its type was watched more often, or where more of the time was
 * watched when it was born. */
void samples_weigh(struct survivor *v, size_t n, const struct estimate_opts *o)
{
	double all = o->watched ? coverage_share(o->watched, o->start_ns, o->now_ns) : 0;
	double aimed = o->aimed ? coverage_share(o->aimed, o->start_ns, o->now_ns) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct coverage *c = sample_watched(&v[i], o);
		double here = c ? coverage_at(c, o->start_ns, v[i].born_ns) : 0;
		double usual = c == o->aimed ? aimed : all;

		v[i].stands_for = (double)v[i].weight / fmax(v[i].often, 1);
		if (here > 0 && usual > 0)
			v[i].stands_for *= usual / fmax(here, LEAST_WATCHED);
	}
}

bool sample_seen(const struct survivor *s, const struct estimate_opts *o)
{
	return s->addr && s->rung >= SURVIVED_RUNGS && s->parts && s->bytes >= o->min_size &&
	       s->bytes <= o->max_size && sample_age_s(s, o) >= o->older_s;
}

bool sample_wanted(const struct survivor *s, const struct estimate_opts *o)
{
	return !s->stopped && sample_seen(s, o);
}

unsigned sample_class(const struct survivor *s)
{
	return survivor_class_index(s->part[0].cls);
}

/* An object whose content others have may have been replaced by one of them, unseen. Each later
 * burst was a chance to see a birth at its address, which would have killed it. A line whose
 * objects come r times a second, seen with coverage c, leaves r c (1 - c)^(r t) such impostors of
 * age t per second: at 10 s never more than one in half a minute, whatever r and c are. But each
 * stands for 1 / c births: where little is watched TWIN_FAIR_PART keeps them out. */
bool sample_weak(const struct survivor *s, const struct estimate_opts *o)
{
	return s->ambiguous && !(s->rung >= 4 && o->burst >= s->burst + TWIN_CHANCES);
}

bool sample_counts(const struct survivor *s, const struct estimate_classes *c,
		   const struct estimate_opts *o)
{
	unsigned cls;

	if (!sample_wanted(s, o))
		return false;
	cls = sample_class(s);
	return s->rung >= c->rung[cls] && sample_weak(s, o) == c->weak[cls] &&
	       s->born_ns >= c->since_ns[cls];
}

bool sample_holds(const struct survivor *s, const struct estimate_classes *c,
		  const struct estimate_opts *o)
{
	bool may_be_another = s->doubtful || (sample_weak(s, o) && !c->weak[sample_class(s)]);

	return sample_seen(s, o) && !(s->stopped && may_be_another);
}

/* Key of one stack's survivors of one content. A leak of objects that all look alike takes over
 * addresses where another line has just dropped an object of the same content: a few births of that
 * line seem to survive. So of the survivors of one content only those of stacks count that have a
 * fair part of what the strongest has, and that windows went on to meet: a leak that begins at a
 * line without probes would be taken for another. */
static uint64_t content_key(const struct survivor *s)
{
	return evidence_likes(s->stack, s->content);
}

struct twin {
	struct survivor *s;
	size_t window; /* number of the window, among those that met this content */
};

static int by_content_and_window(const void *a, const void *b)
{
	const struct survivor *x = ((const struct twin *)a)->s, *y = ((const struct twin *)b)->s;

	if (x->content != y->content)
		return x->content < y->content ? -1 : 1;
	return (x->burst > y->burst) - (x->burst < y->burst);
}

/* Drops, of @n survivors of one content in the order of windows, those whose stack was not met for
 * longer than chance explains. */
static void drop_silent(struct twin *t, size_t n)
{
	struct map64 last = {0}, met = {0};

	for (size_t i = 0; i < n; i++) {
		uint64_t *at = map64_put(&last, t[i].s->stack);
		uint64_t *windows = map64_put(&met, t[i].s->stack);

		t[i].window = i ? t[i - 1].window + (t[i].s->burst != t[i - 1].s->burst) : 1;
		if (at && windows && *at != t[i].window) {
			*at = t[i].window;
			++*windows;
		}
	}
	for (size_t i = 0; i < n; i++) {
		const uint64_t *at = map64_get(&last, t[i].s->stack);
		const uint64_t *windows = map64_get(&met, t[i].s->stack);

		if (at && windows &&
		    (double)*windows * (double)(t[n - 1].window - *at) > QUIET_GAPS * (double)*at)
			t[i].s->addr = 0; /* in our copy */
	}
	map64_free(&last);
	map64_free(&met);
}

static void drop_all_silent(struct survivor *v, size_t n, const struct estimate_opts *o)
{
	auto_free struct twin *t = calloc(n + 1, sizeof(*t));
	size_t twins = 0, from = 0;

	for (size_t i = 0; t && i < n; i++)
		if (v[i].ambiguous && sample_wanted(&v[i], o))
			t[twins++].s = &v[i];
	if (twins)
		qsort(t, twins, sizeof(*t), by_content_and_window);
	for (size_t i = 1; i <= twins; i++)
		if (i == twins || t[i].s->content != t[from].s->content) {
			drop_silent(t + from, i - from);
			from = i;
		}
}

/* Has the survivor's stack a fair part of what the strongest stack of its content has? */
static bool is_fair(const struct survivor *s, const struct map64 *own, const struct map64 *most)
{
	const uint64_t *mine = map64_get(own, content_key(s)), *top = map64_get(most, s->content);

	return !mine || !top || (double)*mine >= TWIN_FAIR_PART * (double)*top;
}

/* Does another line replace this one's objects? Windows saw survivors like this one die and an
 * object of another line being born in their place, as many as a fair part of this stack's
 * survivors. Of objects that live for T s a window of W s sees W - T of W end so, and T of W seem
 * to survive: up to T = 0.87 W all survivors may be the other line's. If they live longer, later
 * windows see them end, one by one. A line that keeps what it makes drops few. Both numbers are of
 * births in windows (a survivor's weight counts). Where all is watched none goes unseen. */
static bool is_relieved(const struct survivor *s, const struct map64 *own,
			const struct estimate_opts *o)
{
	const uint64_t *mine = map64_get(own, content_key(s));
	const uint64_t *seen = o->deaths ? map64_get(o->deaths, content_key(s)) : NULL;
	const struct coverage *c = mine && seen ? sample_watched(s, o) : NULL;
	double share = c ? coverage_share(c, o->start_ns, o->now_ns) : o->coverage;

	return mine && seen && (double)*seen * (1 - share) >= TWIN_FAIR_PART * (double)*mine;
}

/* Drops survivors that are another line's: those of stacks that are replaced by others
 * (is_relieved), where a stack of the same content that is not replaced has a fair part. */
void samples_drop_impostors(struct survivor *v, size_t n, const struct estimate_opts *o)
{
	struct map64 own = {0}, most = {0}, kept = {0};

	for (size_t i = 0; i < n; i++) {
		uint64_t *mine, *top;

		if (!v[i].ambiguous || !sample_wanted(&v[i], o))
			continue;
		mine = map64_put(&own, content_key(&v[i]));
		top = map64_put(&most, v[i].content);
		if (mine)
			*mine += (uint64_t)v[i].weight;
		if (mine && top && *mine > *top)
			*top = *mine;
	}
	for (size_t i = 0; i < n; i++)
		if (v[i].ambiguous && sample_wanted(&v[i], o) && !is_relieved(&v[i], &own, o) &&
		    is_fair(&v[i], &own, &most))
			map64_put(&kept, v[i].content);
	for (size_t i = 0; i < n; i++)
		if (v[i].ambiguous &&
		    (!is_fair(&v[i], &own, &most) ||
		     (is_relieved(&v[i], &own, o) && map64_get(&kept, v[i].content))))
			v[i].addr = 0; /* in our copy */
	map64_free(&own);
	map64_free(&most);
	map64_free(&kept);
	drop_all_silent(v, n, o);
}

/* The line of a survivor's stack; without lines, the stack. */
static uint64_t line_of(const struct survivor *v, const struct estimate_opts *o)
{
	const uint64_t *line = o->lines ? map64_get(o->lines, v->stack) : NULL;

	return line ? *line : v->stack;
}

static void add_weight(struct map64 *to, uint64_t key, const struct survivor *v)
{
	uint64_t *at = to ? map64_put(to, key) : NULL;

	if (at)
		*at += (uint64_t)v->weight;
}

/* Marks survivors that may be another line's. A line that keeps what it makes has no survivor that
 * dies. Where many of a stack die, the others may be what a leak elsewhere has put in their place,
 * unseen: that is likely when most survivors of the class are of stacks whose survivors do not die.
 * And a few survivors beside a great many others of the same age are nearly always that. The few
 * are counted by line: a line may have as many stacks as there are ways to call it. */
void samples_mark_doubtful(struct survivor *v, size_t n, const struct estimate_classes *c,
			   const struct estimate_opts *o)
{
	double all[EVIDENCE_CLASSES + 1] = {0}, mortal[EVIDENCE_CLASSES + 1] = {0};
	/* of all that count */
	double weight[EVIDENCE_CLASSES + 1] = {0};
	struct map64 lives = {0}, counts = {0};

	for (size_t i = 0; i < n && o->deaths; i++) {
		add_weight(sample_seen(&v[i], o) ? &lives : NULL, v[i].stack, &v[i]);
		add_weight(sample_counts(&v[i], c, o) ? &counts : NULL, line_of(&v[i], o), &v[i]);
	}
	for (size_t i = 0; i < n && o->deaths; i++) {
		const uint64_t *live = map64_get(&lives, v[i].stack);
		const uint64_t *died = map64_get(o->deaths, v[i].stack);

		v[i].doubtful =
			live && died && (double)*died > DOUBT_MORTAL * (double)(*died + *live);
		if (!sample_counts(&v[i], c, o))
			continue;
		all[sample_class(&v[i])] += v[i].stands_for;
		weight[sample_class(&v[i])] += v[i].weight;
		if (v[i].doubtful)
			mortal[sample_class(&v[i])] += v[i].stands_for;
	}
	for (size_t i = 0; i < n && o->deaths; i++) {
		const uint64_t *own = map64_get(&counts, line_of(&v[i], o));
		unsigned k = sample_class(&v[i]);

		v[i].doubtful &= mortal[k] < DOUBT_MOST_PART * all[k];
		v[i].doubtful |= own && (double)*own < DOUBT_FEW_PART * weight[k];
	}
	map64_free(&lives);
	map64_free(&counts);
}

/* Can the survivors of other lines explain all growth of this class? Outside of the pools no live
 * blocks are counted, and what grows may be holes: then yes. */
static bool others_explain(double others, unsigned cls, const struct estimate_classes *c,
			   const struct estimate_opts *o)
{
	double span = class_window_s(c, cls, o) - survivor_age_s[SURVIVED_RUNGS - 1];

	return cls == EVIDENCE_MALLOC || !curve_grows(&c->curve[cls]) ||
	       others / fmax(span, 0.5) * CRAWLS >= c->curve[cls].slope * o->coverage;
}

/* Drops survivors of stacks that only renew a full store, as long as something else explains the
 * growth of their class. */
void samples_drop_replaced(struct survivor *v, size_t n, const struct estimate_classes *c,
			   const struct estimate_opts *o)
{
	double others[EVIDENCE_CLASSES + 1] = {0};

	if (!o->replaced || !o->replaced->n)
		return;
	for (size_t i = 0; i < n; i++) {
		unsigned k = sample_class(&v[i]);

		if (sample_seen(&v[i], o) && !sample_weak(&v[i], o) &&
		    !map64_get(o->replaced, v[i].stack))
			others[k] += v[i].stands_for;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned k = sample_class(&v[i]);

		if (map64_get(o->replaced, v[i].stack) && others_explain(others[k], k, c, o))
			v[i].addr = 0; /* in our copy */
	}
}
