/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Limits rates of sites by the census of types. A site's rate is its share of what its size class
 * grows by: where the objects that grow were never seen being born, others of that size get all of
 * it. Where the census counts fewer objects of a type than the sites say, beyond the errors of
 * both, the census is told.
 *
 * Only growth that lasted for most of the time between the first and the last census is compared.
 * Where a type's number fell meanwhile, and after a few censuses, no more is known than that no
 * more objects came than there are. A site is cut only for what is claimed of its own size class.
 */
#include <math.h>
#include <string.h>
#include <xxhash.h>

#include "base/lost.h"
#include "base/thresholds.h"
#include "judge/sites_priv.h"

struct census_type {
	const struct report_class_row *row;
	double gain, from_s;		  /* objects that it gained, at most, since from_s */
	double told[EVIDENCE_MALLOC + 1]; /* objects that sites say it gained, by class */
	double per_s, stopped;	 /* growth by all sites; objects of sites that do not grow */
	double compared, square; /* per_s of the sites in told; squared error of told */
	double limit;		 /* objects: a size class that claims more is cut */
	/* shares that are kept: of what those cut claim; of what all claim */
	double factor, all;
};

struct census_bound {
	struct map64 index; /* hash of a name -> place + 1 */
	VEC(struct census_type) types;
	double from_s, to_s; /* first and last census, since the run began */
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

static struct census_type *named(const struct census_bound *b, const struct joined_type *t)
{
	const uint64_t *at = map64_get(&b->index, key(t->name));

	return at && *at ? &b->types.v[*at - 1] : NULL;
}

static struct census_type *counted(const struct census_bound *b, const struct joined_type *t)
{
	struct census_type *type = named(b, t);

	return type && is_counted(type->row, t->cls) ? type : NULL;
}

static struct census_type *type_of(const struct census_bound *b, const struct joined_type *t)
{
	return t->by_class > 0 ? counted(b, t) : NULL;
}

/* Seconds, of those in which type @t was counted, in which site @to grew. */
static double grown_s(const struct census_bound *b, const struct census_type *t,
		      const struct joiner *j, const struct joined *to)
{
	double since = to->evidence.curve.since_s;
	double begin = since > 0 && since < j->run_s ? j->run_s - since : 0;
	double first = to->evidence.oldest_s > 0 ? j->run_s - to->evidence.oldest_s : 0;

	return b->to_s - fmax(fmax(begin, first), t->from_s);
}

/* The same; 0: too small a part of the time to compare the site with the census. */
static double compared_s(const struct census_bound *b, const struct census_type *t,
			 const struct joiner *j, const struct joined *to)
{
	double s = grown_s(b, t, j, to);

	return s >= CENSUS_PART * (b->to_s - t->from_s) ? s : 0;
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

/* Adds a type's growth in @s seconds, with its error: each type has the relative error of the
 * site's number of independent births. */
static void add_compared(struct census_type *t, const struct joined *to,
			 const struct joined_type *v, double s)
{
	double births = to->births * to->births, n = v->by_class * s;

	t->told[v->cls] += n;
	t->compared += s > 0 ? v->by_class : 0;
	if (births > 0)
		t->square += n * to->site.growth_count_per_s * s * to->variance / births;
}

static void add_told(struct census_bound *b, const struct joiner *j)
{
	for (size_t i = 0; i < j->v.n; i++) {
		const struct joined *to = &j->v.v[i];

		for (size_t k = 0; k < to->types.n; k++) {
			const struct joined_type *v = &to->types.v[k];
			struct census_type *t = named(b, v);

			if (t && v->is_held) {
				t->stopped += v->count;
			} else if (t && is_counted(t->row, v->cls)) {
				/* native blocks have a rate of their own, and none by class */
				t->per_s += v->count;
				add_compared(t, to, v, compared_s(b, t, j, to));
			}
		}
	}
}

/* The census counts a type in all sizes: while objects of one size come, others may leave. */
static bool has_many_sizes(const char *name)
{
	static const char *const many[] = {"str", "bytes", "tuple", "int"};

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		if (!strcmp(name, many[i]))
			return true;
	return false;
}

/* The share that is kept of what all sites tell of a type: 1, unless @told exceeds what the
 * censuses count beyond the errors of both. @s: seconds in which the sites grew, in which all of
 * the gain may have come, unless they are nearly all the time. */
static double part_of_all(const struct census_bound *b, const struct census_type *t, double told,
			  double s)
{
	const struct report_class_row *row = t->row;
	double part = s / (b->to_s - t->from_s);
	bool all_along = part >= CENSUS_WHOLE;
	double most = row->gain * fmax(part * fmax(2 * row->late, 1), all_along ? 0 : 1);
	bool even = all_along && fabs(row->late - 0.5) <= CENSUS_EVEN;
	double few = even ? 0 : CENSUS_FEW;
	double error = CENSUS_NOISE * (double)row->count + few + sqrt(t->square + most);

	return told > most + error && !has_many_sizes(row->name) ? most / told : 1;
}

/* Finds by how much to cut the sites of each type. The limits leave room, since the number of a
 * type's objects goes up and down as the program works. */
static void find_factors(struct census_bound *b)
{
	for (size_t i = 0; i < b->types.n; i++) {
		struct census_type *t = &b->types.v[i];
		double gain = fmax(t->gain, 0), believed = 0, others = 0;

		t->limit = CENSUS_APART * gain + CENSUS_NOISE * (double)t->row->count + CENSUS_FEW;
		for (size_t k = 0; k <= EVIDENCE_MALLOC; k++)
			*(t->told[k] > t->limit ? &others : &believed) += t->told[k];
		t->factor = others > 0 ? fmax(gain - believed, 0) / others : 1;
		t->all = part_of_all(b, t, believed + t->factor * others,
				     (believed + others) / t->compared);
	}
}

static void bound(struct joined *to, const struct census_bound *b, const struct joiner *j)
{
	struct report_site *s = &to->site;
	double count = 0, bytes = 0, part;

	for (size_t i = 0; i < to->types.n; i++) {
		struct joined_type *t = &to->types.v[i];
		const struct census_type *c = type_of(b, t);

		if (!c || !(compared_s(b, c, j, to) > 0))
			continue;
		part = c->all * (c->told[t->cls] > c->limit ? c->factor : 1);
		count += t->by_class * (1 - part);
		bytes += t->bytes * (1 - part);
		t->count -= t->by_class * (1 - part);
		t->bytes *= part;
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
	s->told_by = "samples and the census";
}

/* A site holds at least its share, by rate, of what its types gained since the first census. From
 * its survivors alone, if few are known, less would be told. */
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

/* The type that nearly all objects of a site are of, and that no other site is known to make. */
struct own_type {
	const struct census_type *t;
	double per_s, bytes_per_s; /* the site's growth in this type */
	bool in_one_class;	   /* all of its objects are of one size class of the pools */
};

/* False: the site has no such type, or the last census is too long ago. */
static bool own_type(const struct joined *to, const struct census_bound *b, const struct joiner *j,
		     struct own_type *out)
{
	double most = 0;
	unsigned cls = 0;

	*out = (struct own_type){.in_one_class = true};
	for (size_t i = 0; i < to->types.n; i++)
		if (to->types.v[i].by_class > most) {
			most = to->types.v[i].by_class;
			cls = to->types.v[i].cls;
			out->t = type_of(b, &to->types.v[i]);
		}
	for (size_t i = 0; out->t && i < to->types.n; i++) {
		const struct joined_type *v = &to->types.v[i];

		if (type_of(b, v) != out->t)
			continue;
		out->per_s += v->by_class;
		out->bytes_per_s += v->bytes;
		out->in_one_class &= v->cls == cls && cls < EVIDENCE_CLASSES;
	}
	return out->t && !isnan(out->t->row->gain) && out->per_s >= CENSUS_OWN * out->t->per_s &&
	       out->per_s >= CENSUS_OWN * to->site.growth_count_per_s &&
	       out->t->stopped <= (1 - CENSUS_OWN) * out->t->gain &&
	       j->run_s - b->to_s <= CENSUS_STALE * (b->to_s - b->from_s);
}

/* Does the container confirm the census where the size class gained far less than this type, as
 * others of that size left? Where both gained about the same, the type came, and ceased. */
static bool is_held(const struct joined *to, const struct own_type *own, const struct joiner *j)
{
	return to->evidence.curve.gain * GOES_ON_APART < own->t->gain &&
	       holders_keep_pace(j->e, &to->site, own->t->row->growth_count_per_s);
}

/* Gives the site the census's rate of its own type, if that came evenly all the time: within the
 * error of the site's own rate, and where it counts fewer, since objects of this size grow that no
 * window has met (unless the site grew for a part of the time only and made no more than that).
 * Where it counts more, the class may be too small, as other objects left: the container decides
 * (is_held). */
static void rate_by_census(struct joined *to, const struct census_bound *b, const struct joiner *j)
{
	struct report_site *s = &to->site;
	double error = to->births > 0 ? CENSUS_SURE * sqrt(to->variance) / to->births : 0, part;
	double apart = fmin(error, GOES_ON_APART - 1), rate, time_s;
	struct own_type own;

	if (s->by_census || !own_type(to, b, j, &own) ||
	    !(fabs(own.t->row->late - 0.5) <= CENSUS_EVEN))
		return;
	rate = own.t->row->growth_count_per_s;
	part = rate / own.per_s - 1;
	time_s = grown_s(b, own.t, j, to);
	if (!(part <= apart) ? !is_held(to, &own, j)
			     : time_s < CENSUS_WHOLE * (b->to_s - own.t->from_s) &&
				       own.per_s * time_s <= (1 + CENSUS_EVEN) * own.t->gain)
		return;
	s->by_census = part < -apart;
	s->sampled_per_s = part > apart ? s->growth_count_per_s : 0;
	s->told_by = part > apart ? NULL : "samples and the census";
	s->growth_count_per_s += part * own.per_s;
	s->growth_bytes_per_s += part * own.bytes_per_s;
	for (size_t i = 0; i < to->types.n; i++)
		if (type_of(b, &to->types.v[i]) == own.t) {
			to->types.v[i].count += part * to->types.v[i].by_class;
			to->types.v[i].bytes *= 1 + part;
		}
}

/* Tells that a site goes on when its own type comes as fast of late as before, whatever others of
 * its size do. Equal halves may also be a few at first, many, and a few at last: then the class
 * slows, to less than the type's mean rate, unless others left and the container got as many of
 * late. Where windows met the type in a short part of the time only, it came in the rest, too. */
static void pace_by_census(struct joined *to, const struct census_bound *b, const struct joiner *j)
{
	const struct curve *c = &to->evidence.curve;
	double span = b->to_s - b->from_s, rate, later, before, noise;
	struct own_type own;
	bool held;

	if (span < PACED_S || !own_type(to, b, j, &own))
		return;
	rate = own.t->row->growth_count_per_s;
	held = is_held(to, &own, j);
	later = own.t->row->late * own.t->gain;
	before = own.t->gain - later;
	noise = CENSUS_NOISE * (double)own.t->row->count;
	if (rate * GOES_ON_APART < own.per_s || (rate > GOES_ON_APART * own.per_s && !held) ||
	    fmin(before, later) < noise || !is_paced(before, later, 1, false))
		return;
	to->evidence.counted_per_s = rate;
	if (!is_paced(before, later, 1, true) ||
	    (own.in_one_class && c->shape == CURVE_SLOWING && rate > c->high && !held))
		return;
	to->evidence.paced_s = span;
	to->evidence.goes_on = to->evidence.oldest_s < span;
}

/* A site holds no more objects of a type than the last census counted and that came since. */
static double most_of(const struct census_bound *b, const struct joined_type *t, double told,
		      double since)
{
	const struct census_type *c = counted(b, t);

	return c ? fmin(told, (1 + CENSUS_NOISE) * (double)c->row->count + since) : told;
}

static void bound_total(struct joined *to, const struct census_bound *b, const struct joiner *j)
{
	struct report_site *s = &to->site;
	double since_s = j->run_s - b->to_s, all = 0, most = 0, part;

	for (size_t i = 0; i < to->types.n; i++) {
		const struct joined_type *t = &to->types.v[i], *first = to->types.v;

		/* a rate and a number have no sum, nor has a native rate with one by class: it is 0
		 * where blocks get bigger in place */
		if (t->is_held != first->is_held || (t->by_class > 0) != (first->by_class > 0))
			return;
		all += t->count;
	}
	if (s->kind != KIND_OBJECT || !(all > 0) || !(s->outstanding_count > 0) ||
	    since_s > CENSUS_STALE * (b->to_s - b->from_s) ||
	    (!(s->growth_count_per_s > 0) && to->youngest_s < since_s))
		return;
	for (size_t i = 0; i < to->types.n; i++) {
		part = to->types.v[i].count / all;
		most += most_of(b, &to->types.v[i], part * s->outstanding_count,
				part * s->growth_count_per_s * since_s);
	}
	part = most / s->outstanding_count;
	s->outstanding_count *= part;
	s->outstanding_bytes *= part;
	to->evidence.levelled_bytes *= part;
}

/* Without the pools a census counts some types in part, and knows nothing of the others. */
static bool has_pools(const struct report_process *p)
{
	for (size_t i = 0; i < p->n_lost; i++)
		if (p->lost[i].n && !strcmp(p->lost[i].key, CENSUS_POOLS_KEY))
			return false;
	return true;
}

void join_bound_by_census(struct joiner *j)
{
	const struct report_process *p = &j->e->seen;
	double start_s = (double)j->e->start_ns / 1e9;
	struct census_bound b = {.from_s = fmax(p->counted_from_s - start_s, 0),
				 .to_s = p->counted_to_s - start_s};

	if (!(b.to_s > 0) || !has_pools(p) || index_rows(&b, p))
		goto out;
	add_told(&b, j);
	find_factors(&b);
	for (size_t i = 0; i < j->v.n; i++) {
		if (!(j->v.v[i].evidence.levelled_bytes > 0)) {
			bound(&j->v.v[i], &b, j);
			pace_by_census(&j->v.v[i], &b, j);
			rate_by_census(&j->v.v[i], &b, j);
			raise_to_census(&j->v.v[i], &b);
		}
		bound_total(&j->v.v[i], &b, j);
	}
out:
	map64_free(&b.index);
	vec_free(&b.types);
}
