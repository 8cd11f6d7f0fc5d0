/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds stacks whose births were frequent and then stopped (threads being started, a cache that
 * filled): they are part of what was gained, but not of what grows now. The silence since the last
 * birth must be longer than chance explains, by the clock and by watched time: more is watched at
 * the start, and before the tool stood still. */
#include <math.h>

#include "base/coverage.h"
#include "base/map64.h"
#include "base/thresholds.h"
#include "judge/estimate_priv.h"

struct births_seen {
	double moments; /* births within a moment count as one, since one call may make them */
	double youngest_s, oldest_s;
	double longest_s;		/* longest time between two births */
	const struct coverage *watched; /* when births of this type were watched; NULL: not known */
};

/* Adds a birth to a history; births come in order. */
static void see_birth(struct births_seen *b, double age, bool is_new_moment)
{
	if (b->moments > 0)
		b->longest_s = fmax(b->longest_s, b->youngest_s - age);
	if (!(b->moments > 0) || age < b->youngest_s)
		b->youngest_s = age;
	if (age > b->oldest_s)
		b->oldest_s = age;
	b->moments += is_new_moment;
}

/* Watched seconds between two ages. */
static double watched_s(const struct births_seen *b, const struct estimate_opts *o, double older_s,
			double younger_s)
{
	double span = older_s - younger_s;

	if (!b->watched)
		return span;
	return span * coverage_share(b->watched, o->now_ns - (uint64_t)(older_s * 1e9),
				     o->now_ns - (uint64_t)(younger_s * 1e9));
}

/* Is a silence of @quiet seconds longer than chance explains, after @gaps gaps in @span seconds?
 * Where births come at random, a silence is @quiet or longer in (span / (span + quiet)) ^ gaps of
 * all cases. The limit, e ^ -QUIET_GAPS, is four usual gaps where there were many, and far more
 * where there were few. */
static bool is_long(double quiet, double span, double gaps)
{
	return quiet > 0 && gaps * log1p(quiet / span) > QUIET_GAPS;
}

/* Has a stack been silent for longer than chance explains, until @latest_s, the age of the last
 * birth of any stack? Births of one moment have no gap but that since the start. */
static bool is_quiet(const struct births_seen *b, double latest_s, const struct estimate_opts *o)
{
	double run_s = (double)(o->now_ns - o->start_ns) / 1e9;
	double from_s = b->moments > 1 ? b->oldest_s : fmax(run_s, b->oldest_s);
	double gaps = fmax(b->moments - 1, 1), quiet = b->youngest_s - latest_s;

	/* a job that runs now and then is silent in between */
	return quiet > QUIET_S && quiet > CURVE_PAUSES * b->longest_s &&
	       is_long(quiet, from_s - b->youngest_s, gaps) &&
	       is_long(watched_s(b, o, b->youngest_s, latest_s),
		       watched_s(b, o, from_s, b->youngest_s), gaps);
}

struct birth {
	size_t of; /* index of the stack's history */
	uint64_t born_ns;
	double age_s;
};

static int by_stack_and_time(const void *a, const void *b)
{
	const struct birth *x = a, *y = b;

	if (x->of != y->of)
		return x->of < y->of ? -1 : 1;
	return (x->born_ns > y->born_ns) - (x->born_ns < y->born_ns);
}

/* Adds @n births to the histories of their stacks; births within SAMPLE_MOMENT_NS of the first are
 * one moment. */
static void see_births(struct births_seen *history, struct birth *v, size_t n)
{
	uint64_t began_ns = 0;

	if (n)
		qsort(v, n, sizeof(*v), by_stack_and_time);
	for (size_t i = 0; i < n; i++) {
		bool is_new =
			!i || v[i].of != v[i - 1].of || v[i].born_ns - began_ns > SAMPLE_MOMENT_NS;

		if (is_new)
			began_ns = v[i].born_ns;
		see_birth(&history[v[i].of], v[i].age_s, is_new);
	}
}

void samples_mark_stopped(struct survivor *v, size_t n, const struct estimate_opts *o)
{
	auto_free struct births_seen *history = calloc(n + 1, sizeof(*history));
	auto_free struct birth *births = calloc(n + 1, sizeof(*births));
	struct map64 index = {0};
	/* age of the last birth of any stack: a target that rests has none at all */
	double latest_s = INFINITY;
	size_t stacks = 0, seen = 0;

	if (!history || !births)
		return;
	for (size_t i = 0; i < n; i++) {
		uint64_t *place = sample_seen(&v[i], o) ? map64_put(&index, v[i].stack) : NULL;

		if (!place)
			continue;
		if (!*place)
			*place = ++stacks;
		history[*place - 1].watched = sample_watched(&v[i], o);
		births[seen++] = (struct birth){*place - 1, v[i].born_ns, sample_age_s(&v[i], o)};
		latest_s = fmin(latest_s, sample_age_s(&v[i], o));
	}
	see_births(history, births, seen);
	for (size_t i = 0; i < n; i++) {
		const uint64_t *place =
			sample_seen(&v[i], o) ? map64_get(&index, v[i].stack) : NULL;
		const struct births_seen *b = place && *place ? &history[*place - 1] : NULL;

		v[i].stopped = b && is_quiet(b, latest_s, o);
	}
	map64_free(&index);
}
