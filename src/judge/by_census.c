/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rates of sites against the census of types. A site's rate is its share of what its size class
 * grows by. Where the objects that grow were never seen being born, others of their size are told
 * with all of that; but of the types of those the census counts how many more there are. Where it
 * finds far fewer, its number is told.
 *
 * A census looks at some moments of the watch, so only what grew for most of the time between the
 * first and the last is compared. Of a type whose number fell meanwhile, and after a few censuses,
 * one thing alone is known: that no more can have come since the start than there are. Objects of
 * one type have many sizes: a line pays only for what is claimed of its own size class. */
#include <math.h>
#include <string.h>
#include <xxhash.h>

#include "base/thresholds.h"
#include "judge/sites_priv.h"

struct census_type {
	const struct report_class_row *row;
	double gain, from_s;		  /* it has so many more since then, at most */
	double told[EVIDENCE_MALLOC + 1]; /* objects by which the sites say it grew, by class */
	double per_s;			  /* by which the sites say it grows */
	double limit;			  /* of that: what a size class may claim and be believed */
	double factor;			  /* of what is claimed of the others, so much is told */
};

struct census_bound {
	struct map64 index; /* hash of a name -> place + 1 */
	VEC(struct census_type) types;
	double from_s, to_s; /* of the run: the censuses */
};

static uint64_t key(const char *name)
{
	return XXH64(name, strlen(name), 0) | 1;
}

/* Outside of the pools a census finds what the collector tracks, and some of the others. */
static bool is_counted(const struct report_class_row *row, unsigned cls)
{
	return cls < EVIDENCE_MALLOC ||
	       (row->tracked != REPORT_UNKNOWN && row->tracked == row->count);
}

static struct census_type *type_of(const struct census_bound *b, const struct joined_type *t)
{
	const uint64_t *at = t->by_class > 0 ? map64_get(&b->index, key(t->name)) : NULL;
	struct census_type *type = at && *at ? &b->types.v[*at - 1] : NULL;

	return type && is_counted(type->row, t->cls) ? type : NULL;
}

/* For how much of the time that type @t was counted has it grown? 0: too little to compare. */
static double compared_s(const struct census_bound *b, const struct census_type *t,
			 const struct joiner *j, const struct joined *to)
{
	double since = to->evidence.curve.since_s, span = b->to_s - t->from_s;
	double begin = since > 0 && since < j->run_s ? j->run_s - since : 0;
	double first = to->evidence.oldest_s > 0 ? j->run_s - to->evidence.oldest_s : 0;
	double s = b->to_s - fmax(fmax(begin, first), t->from_s);

	return s >= CENSUS_PART * span ? s : 0;
}

static int index_rows(struct census_bound *b, const struct report_process *p)
{
	for (size_t i = 0; i < p->n_classes; i++) {
		const struct report_class_row *row = &p->classes[i];
		struct census_type *t;
		uint64_t *at;

		if (!row->name || row->count == REPORT_UNKNOWN)
			continue;
		at = map64_put(&b->index, key(row->name));
		t = vec_push(&b->types);
		if (!at || !t)
			return -ENOMEM;
		*t = (struct census_type){.row = row, .gain = row->gain, .from_s = b->from_s};
		if (isnan(row->gain))
			*t = (struct census_type){.row = row, .gain = (double)row->count};
		*at = b->types.n;
	}
	return 0;
}

static void add_told(struct census_bound *b, const struct joiner *j)
{
	for (size_t i = 0; i < j->v.n; i++) {
		const struct joined *to = &j->v.v[i];

		for (size_t k = 0; k < to->types.n; k++) {
			struct census_type *t = type_of(b, &to->types.v[k]);

			if (!t)
				continue;
			t->per_s += to->types.v[k].by_class;
			t->told[to->types.v[k].cls] +=
				to->types.v[k].by_class * compared_s(b, t, j, to);
		}
	}
}

/* The number of a type's objects goes up and down as the program works. */
static void find_factors(struct census_bound *b)
{
	for (size_t i = 0; i < b->types.n; i++) {
		struct census_type *t = &b->types.v[i];
		double gain = fmax(t->gain, 0), believed = 0, others = 0;

		t->limit = CENSUS_APART * gain + CENSUS_NOISE * (double)t->row->count + CENSUS_FEW;
		for (size_t k = 0; k <= EVIDENCE_MALLOC; k++)
			*(t->told[k] > t->limit ? &others : &believed) += t->told[k];
		t->factor = others > 0 ? fmax(gain - believed, 0) / others : 1;
	}
}

static void bound(struct joined *to, const struct census_bound *b, const struct joiner *j)
{
	struct report_site *s = &to->site;
	double count = 0, bytes = 0, part;

	for (size_t i = 0; i < to->types.n; i++) {
		struct joined_type *t = &to->types.v[i];
		const struct census_type *c = type_of(b, t);

		if (!c || !(c->told[t->cls] > c->limit) || !(c->factor < 1) ||
		    !(compared_s(b, c, j, to) > 0))
			continue;
		count += t->by_class * (1 - c->factor);
		bytes += t->bytes * (1 - c->factor);
		t->count -= t->by_class * (1 - c->factor);
		t->bytes *= c->factor;
	}
	if (!(count > 0))
		return;
	part = fmax(1 - count / s->growth_count_per_s, 0);
	s->growth_count_per_s *= part;
	s->outstanding_count *= part;
	part = fmax(1 - bytes / s->growth_bytes_per_s, 0);
	s->growth_bytes_per_s *= part;
	s->outstanding_bytes *= part;
	s->by_census = true;
}

/* There are so many more of a type than at the first census: those are the sites' that make it,
 * each by its rate. A site of which few survivors are known would be told with less. */
static void raise_to_census(struct joined *to, const struct census_bound *b)
{
	struct report_site *s = &to->site;
	double least = 0;

	for (size_t i = 0; i < to->types.n; i++) {
		const struct joined_type *t = &to->types.v[i];
		const struct census_type *c = type_of(b, t);
		double rate = c ? c->row->growth_count_per_s : 0;

		if (c && !isnan(c->row->gain) && rate > 0)
			least += c->gain * fmin(t->count / rate, 1);
	}
	if (least > s->outstanding_count && s->outstanding_count > 0) {
		s->outstanding_bytes *= least / s->outstanding_count;
		s->outstanding_count = least;
	}
}

/* The type that the objects of this site are of, and that no other site makes; NULL: there is none.
 * @per_s: by which the site says it grows. */
static struct census_type *only_type(struct joined *to, const struct census_bound *b, double *per_s)
{
	struct census_type *own = NULL;
	double most = 0;

	*per_s = 0;
	for (size_t i = 0; i < to->types.n; i++)
		if (to->types.v[i].by_class > most) {
			most = to->types.v[i].by_class;
			own = type_of(b, &to->types.v[i]);
		}
	for (size_t i = 0; own && i < to->types.n; i++)
		if (type_of(b, &to->types.v[i]) == own)
			*per_s += to->types.v[i].by_class;
	return own && *per_s >= CENSUS_OWN * own->per_s &&
			       *per_s >= CENSUS_OWN * to->site.growth_count_per_s
		       ? own
		       : NULL;
}

/* Of a type that came evenly all the time the census knows the rate; a site's own is as sure as the
 * samples by which it has its share of a size class. Within that error the census is believed. */
static void rate_by_census(struct joined *to, const struct census_bound *b, const struct joiner *j)
{
	struct report_site *s = &to->site;
	double per_s, part,
		error = to->births > 0 ? ETA_SIGMAS * sqrt(to->variance) / to->births : 0;
	const struct census_type *t = only_type(to, b, &per_s);

	if (!t || s->by_census || isnan(t->row->gain) || !(compared_s(b, t, j, to) > 0) ||
	    !(fabs(t->row->late - 0.5) <= CENSUS_EVEN))
		return;
	part = t->row->growth_count_per_s / per_s;
	if (!(fabs(part - 1) <= error))
		return;
	s->growth_count_per_s *= part;
	s->growth_bytes_per_s *= part;
}

/* A curve of memory is that of all objects of a size. The census counts those of one type: where
 * they come as fast of late as before, it is others that have slowed down. Where windows met them
 * in a short part of the time alone, they came in the rest of it, too. */
static void pace_by_census(struct joined *to, const struct census_bound *b)
{
	double per_s, span = b->to_s - b->from_s;
	const struct census_type *t = only_type(to, b, &per_s);
	double rate = t ? t->row->growth_count_per_s : 0, late = t ? t->row->late * t->gain : 0;

	if (!t || span < PACED_S || rate * GOES_ON_APART < per_s || rate > GOES_ON_APART * per_s ||
	    !is_paced(t->gain - late, late, 1))
		return;
	to->evidence.paced_s = span;
	to->evidence.goes_on = to->evidence.oldest_s < span;
}

void join_bound_by_census(struct joiner *j)
{
	const struct report_process *p = &j->e->seen;
	double start_s = (double)j->e->start_ns / 1e9;
	struct census_bound b = {.from_s = fmax(p->counted_from_s - start_s, 0),
				 .to_s = p->counted_to_s - start_s};

	if (!(b.to_s > 0) || index_rows(&b, p))
		goto out;
	add_told(&b, j);
	find_factors(&b);
	for (size_t i = 0; i < j->v.n; i++)
		if (!(j->v.v[i].evidence.levelled_bytes > 0)) {
			bound(&j->v.v[i], &b, j);
			rate_by_census(&j->v.v[i], &b, j);
			raise_to_census(&j->v.v[i], &b);
			pace_by_census(&j->v.v[i], &b);
		}
out:
	map64_free(&b.index);
	vec_free(&b.types);
}
