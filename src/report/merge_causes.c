/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Joins sites that one line of the program called for, in different processes: workers started by
 * different lines have different stacks, and so different sites. The container that keeps them is
 * known of one process at a time: sites that one process tells apart stay apart. */
#include <xxhash.h>

#include "report/merge_priv.h"

struct lines {
	struct map64 told;  /* line and part -> first site of its cause + 1 */
	struct map64 apart; /* lines whose sites one process tells apart */
	struct map64 first; /* line -> first site + 1 */
};

/* Key of the site's line; 0: it has none, or is not joined. */
static uint64_t line_of(const struct report_site *s)
{
	const struct report_frame *f = report_program_frame(s);
	uint64_t h;

	if (!f || !f->file || (s->kind != KIND_OBJECT && s->kind != KIND_HEAP) ||
	    s->verdict > CLASS_GROWING)
		return 0;
	h = XXH64(f->file, strlen(f->file), (uint64_t)f->line);
	h = XXH64(f->function, strlen(f->function), h);
	return h ? h : 1;
}

static int note(struct lines *l, const struct report_process *p, size_t part)
{
	auto_free size_t *whole = report_wholes(p);

	if (!whole)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_sites; i++) {
		uint64_t line = line_of(&p->sites[i]), *cause;

		if (!line)
			continue;
		cause = map64_put(&l->told, XXH64(&part, sizeof(part), line) | 1);
		if (!cause || (*cause && *cause != whole[i] + 1 && !map64_put(&l->apart, line)))
			return -ENOMEM;
		*cause = whole[i] + 1;
	}
	return 0;
}

static bool comes_first(const struct report_site *a, const struct report_site *b)
{
	if (a->verdict != b->verdict)
		return a->verdict < b->verdict;
	return a->growth_bytes_per_s + (double)a->unlisted_bytes_per_s >
	       b->growth_bytes_per_s + (double)b->unlisted_bytes_per_s;
}

static int find_first(struct lines *l, const struct report_process *p)
{
	for (size_t i = 0; i < p->n_sites; i++) {
		const struct report_site *s = &p->sites[i];
		uint64_t line = line_of(s), *first;

		if (s->part_of || !line || map64_get(&l->apart, line))
			continue;
		first = map64_put(&l->first, line);
		if (!first)
			return -ENOMEM;
		if (!*first || comes_first(s, &p->sites[*first - 1]))
			*first = i + 1;
	}
	return 0;
}

/* Tells of the places that @s does not list with its new first site: a part tells of none. */
static void move_unlisted(struct report_site *first, struct report_site *s)
{
	first->unlisted += s->unlisted;
	first->unlisted_bytes_per_s += s->unlisted_bytes_per_s;
	first->unlisted_bytes += s->unlisted_bytes;
	if (s->kind == first->kind)
		first->unlisted_count_per_s += s->unlisted_count_per_s;
	s->unlisted = s->unlisted_bytes_per_s = s->unlisted_bytes = s->unlisted_count_per_s = 0;
}

/* Moves the parts of a site that has become a part itself to its first site. */
static int follow(struct report_process *p)
{
	auto_free size_t *whole = report_wholes(p);

	if (!whole)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_sites; i++)
		if (whole[whole[i]] != whole[i])
			p->sites[i].part_of = p->sites[whole[i]].part_of;
	return 0;
}

static int join(struct lines *l, struct report *r, struct report_process *p)
{
	for (size_t i = 0; i < p->n_sites; i++) {
		struct report_site *s = &p->sites[i];
		uint64_t line = line_of(s);
		const uint64_t *first = line ? map64_get(&l->first, line) : NULL;

		if (s->part_of || !first || *first == i + 1)
			continue;
		s->part_of = report_strdup(r, p->sites[*first - 1].id);
		if (!s->part_of)
			return -ENOMEM;
		move_unlisted(&p->sites[*first - 1], s);
	}
	return follow(p);
}

int merge_causes(struct report *r, struct report_process *to, const struct merge_parts *parts)
{
	struct lines l = {0};
	int err = 0;

	for (size_t i = 0; i < parts->n && !err; i++)
		err = note(&l, parts->v[i].process, i);
	if (!err)
		err = find_first(&l, to);
	if (!err)
		err = join(&l, r, to);
	map64_free(&l.told);
	map64_free(&l.apart);
	map64_free(&l.first);
	return err ? fail(err, "out of memory") : 0;
}
