/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts rows of one cause together. A row's cause is the one it has in B; a row that is in A only
 * has its cause of A. */
#include "compare/causes.h"

#include <math.h>

struct side {
	const struct report_process *p;
	size_t *whole, *row; /* for each site: the first site of its cause; its row */
};

static bool begin(struct side *s, const struct report_process *p)
{
	s->p = p;
	s->whole = p ? report_wholes(p) : NULL;
	s->row = p ? calloc(p->n_sites + 1, sizeof(*s->row)) : NULL;
	return !p || (s->whole && s->row);
}

static void end(struct side *s)
{
	free(s->whole);
	free(s->row);
}

static void note(struct side *s, const struct report_site *site, size_t row)
{
	if (site)
		s->row[site - s->p->sites] = row;
}

/* The row of the first site of this site's cause. */
static size_t first_of(const struct side *s, const struct report_site *site)
{
	return s->row[s->whole[site - s->p->sites]];
}

static size_t cause_of(const struct compare *c, const struct side *a, const struct side *b,
		       size_t i)
{
	if (!c->rows[i].b)
		i = first_of(a, c->rows[i].a);
	return c->rows[i].b ? first_of(b, c->rows[i].b) : i;
}

static double unlisted(const struct report_site *s, const struct compare_watch *w)
{
	return s ? compare_mean((double)s->unlisted_bytes_per_s, s, w) : 0;
}

static void add(const struct compare *c, const struct compare_row *row, struct compare_cause *to)
{
	bool has_bytes = !strcmp(row->unit, "bytes");
	uint64_t a = row->a ? row->a->unlisted : 0, b = row->b ? row->b->unlisted : 0;

	to->places += 1 + (a > b ? a : b);
	to->a_per_s += (has_bytes ? row->a_per_s : 0) + unlisted(row->a, &c->a);
	to->b_per_s += (has_bytes ? row->b_per_s : 0) + unlisted(row->b, &c->b);
}

/* Adds up rows of one cause in its first row, and moves them behind it. @first[i]: the first row of
 * the cause of row @i. @from: a copy of the rows. @n: zeroed room. */
static void put_together(struct compare *c, const size_t *first, struct compare_row *from,
			 size_t *n)
{
	size_t next = 0;

	for (size_t i = 0; i < c->n_rows; i++) {
		struct compare_row *top = &from[first[i]];

		add(c, &from[i], &top->cause);
		from[i].part_of = top != &from[i] ? top->site->id : NULL;
		n[first[i]]++;
	}
	for (size_t i = 0; i < c->n_rows; i++) {
		size_t rows = n[i];

		n[i] = next; /* where the cause's next row goes */
		next += rows;
		if (from[i].cause.places == 1)
			from[i].cause = (struct compare_cause){0};
	}
	for (size_t i = 0; i < c->n_rows; i++)
		c->rows[n[first[i]]++] = from[i];
}

int causes_find(struct compare *c)
{
	auto_free size_t *first = calloc(c->n_rows + 1, sizeof(*first));
	auto_free size_t *at = calloc(c->n_rows + 1, sizeof(*at));
	auto_free size_t *room = calloc(c->n_rows + 1, sizeof(*room));
	auto_free struct compare_row *from = calloc(c->n_rows + 1, sizeof(*from));
	struct side a = {0}, b = {0};
	bool has_room = begin(&a, c->a.all) && begin(&b, c->b.all) && first && at && room && from;

	for (size_t i = 0; i < c->n_rows && has_room; i++) {
		note(&a, c->rows[i].a, i);
		note(&b, c->rows[i].b, i);
		from[i] = c->rows[i];
	}
	for (size_t i = 0; i < c->n_rows && has_room; i++) {
		size_t of = cause_of(c, &a, &b, i);

		at[of] = at[of] ? at[of] : i + 1;
		first[i] = at[of] - 1;
	}
	if (has_room)
		put_together(c, first, from, room);
	end(&a);
	end(&b);
	return has_room ? 0 : fail(-ENOMEM, "out of memory");
}
