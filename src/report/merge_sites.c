/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sites of many processes, joined by id and kind: the same Python stack has the same id on every
 * host. Of each the stack and the holder are those of its largest part, the sentence and the hint
 * those of the worst. */
#include <math.h>

#include "base/map64.h"
#include "report/merge_priv.h"
#include "report/shape.h"

#define TYPES_KEPT 16

static uint64_t key_of(const struct report_site *s)
{
	/* A descriptor and an object of one stack are two sites. */
	uint64_t key = strtoull(s->id, NULL, 16) ^ ((uint64_t)s->kind << 60);

	return key ? key : 1; /* 0 is no key */
}

/* Types by share of the objects: shares weigh by how many each process holds. */
static void add_types(struct report_site *to, const struct report_site *s, double before)
{
	double more = isfinite(s->outstanding_count) ? s->outstanding_count : 0;
	double all = before + more, old = all > 0 ? before / all : 0.5, new = 1 - old;

	for (size_t i = 0; i < to->n_types; i++)
		to->types[i].share *= old;
	for (size_t i = 0; i < s->n_types; i++) {
		size_t k = 0;

		while (k < to->n_types && strcmp(to->types[k].name, s->types[i].name) != 0)
			k++;
		if (k < to->n_types)
			to->types[k].share += new * s->types[i].share;
		else if (k < TYPES_KEPT)
			to->types[to->n_types++] =
				(struct report_type){s->types[i].name, new * s->types[i].share};
	}
}

static int by_share(const void *pa, const void *pb)
{
	const struct report_type *a = pa, *b = pb;

	return (a->share < b->share) - (a->share > b->share);
}

/* The first of its id: a copy with room for more types. */
static int begin(struct report *r, struct report_site *to, const struct report_site *s)
{
	struct report_type *types = report_alloc(r, TYPES_KEPT * sizeof(*types));

	if (!types)
		return fail(-ENOMEM, "out of memory");
	*to = *s;
	to->n_types = s->n_types < TYPES_KEPT ? s->n_types : TYPES_KEPT;
	if (to->n_types)
		memcpy(types, s->types, to->n_types * sizeof(*types));
	to->types = types;
	if (!to->processes)
		to->processes = 1;
	return 0;
}

/* The sentence goes with the word. */
static void add_verdict(struct report_site *to, const struct report_site *s, bool is_larger)
{
	bool is_worse = s->verdict < to->verdict;

	if (is_worse) {
		to->verdict = s->verdict;
		to->confidence = s->confidence;
		to->reason = s->reason;
	} else if (s->verdict == to->verdict) {
		to->confidence = fmax(to->confidence, s->confidence);
	}
	if (s->hint.code &&
	    (!to->hint.code || is_worse || (is_larger && s->verdict == to->verdict)))
		to->hint = s->hint;
}

static void add(struct report_site *to, const struct report_site *s, double *largest)
{
	double before = isfinite(to->outstanding_count) ? to->outstanding_count : 0;
	bool is_larger = s->growth_bytes_per_s > *largest || !isfinite(*largest);

	add_types(to, s, before);
	add_verdict(to, s, is_larger);
	if (is_larger) {
		*largest = s->growth_bytes_per_s;
		to->stack = s->stack;
		to->n_frames = s->n_frames;
		to->truncated = s->truncated;
		to->held_by = s->held_by.path ? s->held_by : to->held_by;
	}
	shape_merge(&shape_site, to, s, false);
	to->processes += s->processes ? s->processes : 1;
}

/* @index: where a key's site is in to->sites; @largest: the largest growth added to it. */
static int join(struct report *r, struct report_process *to, const struct merge_part *part,
		struct map64 *index, double *largest)
{
	for (size_t i = 0; i < part->process->n_sites; i++) {
		struct report_site s = part->process->sites[i];
		uint64_t *at = map64_get(index, key_of(&s));
		int err;

		if (part->is_over) {
			s.growth_bytes_per_s = isfinite(s.growth_bytes_per_s) ? 0 : NAN;
			s.growth_count_per_s = 0;
		}
		if (at) {
			add(&to->sites[*at], &s, &largest[*at]);
			continue;
		}
		at = map64_put(index, key_of(&s));
		if (!at)
			return fail(-ENOMEM, "out of memory");
		*at = to->n_sites;
		largest[to->n_sites] = s.growth_bytes_per_s;
		err = begin(r, &to->sites[to->n_sites++], &s);
		if (err)
			return err;
	}
	return 0;
}

int merge_sites(struct report *r, struct report_process *to, const struct merge_parts *parts)
{
	auto_free double *largest = NULL;
	struct map64 index = {0};
	size_t n = 1;
	int err = 0;

	for (size_t i = 0; i < parts->n; i++)
		n += parts->v[i].process->n_sites;
	largest = calloc(n, sizeof(*largest));
	to->sites = report_alloc(r, n * sizeof(*to->sites));
	if (!largest || !to->sites)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < parts->n && !err; i++)
		err = join(r, to, &parts->v[i], &index, largest);
	map64_free(&index);
	for (size_t i = 0; i < to->n_sites; i++)
		if (to->sites[i].n_types)
			qsort(to->sites[i].types, to->sites[i].n_types, sizeof(*to->sites[i].types),
			      by_share);
	report_sort(to);
	return err;
}
