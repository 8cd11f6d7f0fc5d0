/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Joins sites of processes by id and kind: the same Python stack has the same id on every host. Ids
 * made in different ways are never equal: such sites are joined by the lines of their stacks. Stack
 * and holder are those of the largest part, sentence and hint those of the worst. */
#include <math.h>

#include "base/fit.h"
#include "base/map64.h"
#include "report/merge_priv.h"
#include "report/shape.h"

#define TYPES_KEPT 16

/* Adds types: their shares weigh by how many objects each process holds. */
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

/* Begins a merged site: a copy, with room for more types. */
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
	to->of_processes = 0;
	to->of_on_s = 0;
	return 0;
}

/* Takes the worse verdict, with its sentence. */
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
	bool is_counted = to->samples != REPORT_UNKNOWN && s->samples != REPORT_UNKNOWN;

	add_types(to, s, before);
	add_verdict(to, s, is_larger);
	if (is_larger) {
		*largest = s->growth_bytes_per_s;
		to->stack = s->stack;
		to->n_frames = s->n_frames;
		to->truncated = s->truncated;
		to->held_by = s->held_by.path ? s->held_by : to->held_by;
	}
	to->stays = (struct report_stays){0}; /* of one process */
	/* A number of one part alone is nothing to judge the rate of both by. */
	to->samples = is_counted ? to->samples + s->samples : REPORT_UNKNOWN;
	to->independent = fit_samples(to->growth_count_per_s, to->independent,
				      s->growth_count_per_s, s->independent);
	shape_merge(&shape_site, to, s, false);
	if (!s->part_of || (to->part_of && strcmp(to->part_of, s->part_of) != 0))
		to->part_of = NULL;
	to->processes += s->processes ? s->processes : 1;
}

/* Finds sites in to->sites. */
struct joiner {
	struct report *r;
	struct report_process *to;
	struct merge_programs programs;
	struct map64 index; /* by id */
	struct map64
		lines; /* by the lines of its stack, + 1: filled where ids are of several kinds */
	bool is_mixed;
	double *largest; /* the largest growth that was added to each */
};

/* The merged site of @s; NULL: there is none yet. */
static struct report_site *find(const struct joiner *j, const struct report_site *s)
{
	const uint64_t *at = map64_get(&j->index, report_site_key(s, false));

	if (at)
		return &j->to->sites[*at];
	at = j->is_mixed ? map64_get(&j->lines, report_site_key(s, true)) : NULL;
	if (!at || !report_ids_differ_in_kind(&j->to->sites[*at - 1], s))
		return NULL;
	return &j->to->sites[*at - 1];
}

static int add_new(struct joiner *j, const struct report_site *s)
{
	uint64_t *at = map64_put(&j->index, report_site_key(s, false));
	uint64_t *line = j->is_mixed ? map64_put(&j->lines, report_site_key(s, true)) : at;

	if (!at || !line)
		return fail(-ENOMEM, "out of memory");
	*at = j->to->n_sites;
	if (j->is_mixed && !*line)
		*line = j->to->n_sites + 1;
	j->largest[j->to->n_sites] = s->growth_bytes_per_s;
	return begin(j->r, &j->to->sites[j->to->n_sites++], s);
}

static int join(struct joiner *j, const struct merge_part *part, bool is_over)
{
	const struct report_process *p = part->process;
	int err = 0;

	for (size_t i = 0; i < p->n_sites && !err; i++) {
		struct report_site s = p->sites[i], *to;
		size_t at;

		if (is_over) {
			s.growth_bytes_per_s = isfinite(s.growth_bytes_per_s) ? 0 : NAN;
			s.growth_count_per_s = 0;
			s.unlisted_bytes_per_s = s.unlisted_count_per_s = 0;
		}
		to = find(j, &s);
		if (to)
			add(to, &s, &j->largest[to - j->to->sites]);
		else
			err = add_new(j, &s);
		if (err)
			break;
		at = to ? (size_t)(to - j->to->sites) : j->to->n_sites - 1;
		err = merge_programs_meet(&j->programs, part, &s, at, &j->to->sites[at]);
	}
	return err;
}

/* Are ids made in several ways, as by different versions, or where a source cannot be read? */
static bool is_mixed(const struct merge_parts *parts)
{
	const struct report_site *first = NULL;

	for (size_t i = 0; i < parts->n; i++)
		for (size_t k = 0; k < parts->v[i].process->n_sites; k++) {
			first = first ? first : &parts->v[i].process->sites[k];
			if (report_ids_differ_in_kind(first, &parts->v[i].process->sites[k]))
				return true;
		}
	return false;
}

int merge_sites(struct report *r, struct report_process *to, struct merge_parts *parts)
{
	struct joiner j = {.r = r, .to = to, .is_mixed = is_mixed(parts)};
	size_t n = 1;
	int err = 0;

	for (size_t i = 0; i < parts->n; i++)
		n += parts->v[i].process->n_sites;
	j.largest = calloc(n, sizeof(*j.largest));
	to->sites = report_alloc(r, n * sizeof(*to->sites));
	if (!j.largest || !to->sites)
		err = fail(-ENOMEM, "out of memory");
	if (!err)
		err = merge_programs(&j.programs, to, parts);
	for (size_t i = 0; i < parts->n && !err; i++)
		err = join(&j, &parts->v[i], parts->stops_ended && parts->v[i].process->exited);
	merge_programs_absent(&j.programs, parts, to);
	if (!err)
		err = merge_causes(r, to, parts);
	merge_programs_free(&j.programs);
	map64_free(&j.index);
	map64_free(&j.lines);
	free(j.largest);
	for (size_t i = 0; i < to->n_sites; i++)
		if (to->sites[i].n_types)
			qsort(to->sites[i].types, to->sites[i].n_types, sizeof(*to->sites[i].types),
			      by_share);
	report_sort(to);
	return err;
}
