/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rates of sites against the census of types. A site's rate is its share of what its size class
 * grows by. Where the objects that grow were never seen being born, others of their size are told
 * with all of that; but of the types of those the census counts how many more there are. Where it
 * finds far fewer, its number is told.
 *
 * A census looks at some moments of the watch, so only what grew for most of the time between the
 * first and the last is compared. */
#include <math.h>
#include <string.h>
#include <xxhash.h>

#include "base/thresholds.h"
#include "judge/sites_priv.h"

struct census_type {
	const struct report_class_row *row;
	double told;   /* objects by which the sites say it grew between the censuses */
	double factor; /* of what they say, so much is told */
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

static struct census_type *type_of(const struct census_bound *b, const char *name)
{
	const uint64_t *at = map64_get(&b->index, key(name));

	return at && *at ? &b->types.v[*at - 1] : NULL;
}

/* For how much of the time between the censuses it has grown; 0: too little to compare. */
static double compared_s(const struct census_bound *b, const struct joiner *j,
			 const struct joined *to)
{
	double since = to->evidence.curve.since_s, span = b->to_s - b->from_s;
	double begin = since > 0 && since < j->run_s ? j->run_s - since : 0;
	double s = b->to_s - fmax(begin, b->from_s);

	return s >= CENSUS_PART * span ? s : 0;
}

static int index_rows(struct census_bound *b, const struct report_process *p)
{
	for (size_t i = 0; i < p->n_classes; i++) {
		uint64_t *at = map64_put(&b->index, key(p->classes[i].name));
		struct census_type *t = vec_push(&b->types);

		if (!at || !t)
			return -ENOMEM;
		*t = (struct census_type){.row = &p->classes[i], .factor = 1};
		*at = b->types.n;
	}
	return 0;
}

static void add_told(struct census_bound *b, const struct joiner *j)
{
	for (size_t i = 0; i < j->v.n; i++) {
		const struct joined *to = &j->v.v[i];
		double s = compared_s(b, j, to);

		for (size_t k = 0; k < to->types.n; k++) {
			struct census_type *t = type_of(b, to->types.v[k].name);

			if (t)
				t->told += to->types.v[k].pooled * s;
		}
	}
}

/* The number of a type's objects goes up and down as the program works. */
static void find_factors(struct census_bound *b)
{
	for (size_t i = 0; i < b->types.n; i++) {
		struct census_type *t = &b->types.v[i];
		double gained = t->row->growth_count_per_s * (b->to_s - b->from_s);
		double noise = CENSUS_NOISE * (double)t->row->count + CENSUS_FEW;

		if (t->told > CENSUS_APART * fmax(gained, 0) + noise)
			t->factor = fmax(gained, 0) / t->told;
	}
}

static void bound(struct joined *to, const struct census_bound *b)
{
	struct report_site *s = &to->site;
	double count = 0, bytes = 0, left;

	for (size_t i = 0; i < to->types.n; i++) {
		struct joined_type *t = &to->types.v[i];
		const struct census_type *c = t->pooled > 0 ? type_of(b, t->name) : NULL;

		if (!c || !(c->factor < 1))
			continue;
		count += t->pooled * (1 - c->factor);
		bytes += t->bytes * (1 - c->factor);
		t->count -= t->pooled * (1 - c->factor);
		t->bytes *= c->factor;
	}
	if (!(count > 0))
		return;
	left = fmax(1 - count / s->growth_count_per_s, 0);
	s->growth_count_per_s *= left;
	s->outstanding_count *= left;
	left = fmax(1 - bytes / s->growth_bytes_per_s, 0);
	s->growth_bytes_per_s *= left;
	s->outstanding_bytes *= left;
	s->by_census = true;
}

void join_bound_by_census(struct joiner *j)
{
	const struct report_process *p = &j->e->seen;
	double start_s = (double)j->e->start_ns / 1e9;
	struct census_bound b = {.from_s = fmax(p->counted_from_s - start_s, 0),
				 .to_s = p->counted_to_s - start_s};

	if (!(b.to_s - b.from_s >= CENSUS_SPAN_S) || index_rows(&b, p))
		goto out;
	add_told(&b, j);
	find_factors(&b);
	for (size_t i = 0; i < j->v.n; i++)
		if (compared_s(&b, j, &j->v.v[i]) > 0)
			bound(&j->v.v[i], &b);
out:
	map64_free(&b.index);
	vec_free(&b.types);
}
