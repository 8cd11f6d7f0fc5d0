/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps, over time, how many things of each stack are open. */
#include <math.h>

#include "track/fds_priv.h"

#define ROW_IDLE_S 120 /* a stack without anything open is forgotten after this */

static bool is_task(const struct fds_thing *x)
{
	return x->kind == FDS_THREAD || x->kind == FDS_CHILD;
}

static uint64_t key_of(uint64_t stack, bool task)
{
	return (stack ^ task) | 2;
}

const struct fds_row *fds_row_find(const struct fds_table *t, uint64_t stack, bool task)
{
	const uint64_t *at = map64_get(&t->row_index, key_of(stack, task));

	return at && *at && *at <= t->rows.n ? &t->rows.v[*at - 1] : NULL;
}

static struct fds_row *row_of(struct fds_table *t, const struct fds_thing *x)
{
	uint64_t *at = map64_put(&t->row_index, key_of(x->stack, is_task(x)));
	struct fds_row *row;

	if (at && *at)
		return &t->rows.v[*at - 1];
	row = at && t->rows.n < FDS_ROWS ? vec_push(&t->rows) : NULL;
	if (!row)
		return NULL;
	*at = t->rows.n;
	row->stack = x->stack;
	row->is_task = is_task(x);
	row->first_ns = UINT64_MAX;
	return row;
}

/* Begins the series of a row with nothing, when the oldest came. This is not just before the look:
 * that may come seconds after the last one, and all of them would have come in one. */
static void begin(const struct fds *f, struct fds_row *row, double now_s)
{
	double first_s = (double)(int64_t)(row->first_ns + f->spec.older_ns - f->start_ns) / 1e9;
	const double zero = 0;

	first_s = fmax(0, fmin(first_s, now_s - 1));
	if (!trend_set_new(1, 1.0, &row->count))
		trend_set_add(row->count, first_s, &zero);
}

/* Drops rows of stacks that have had nothing open for long. */
static void drop_idle(struct fds_table *t, double now_s)
{
	size_t kept = 0;

	if (!t->rows.v)
		return;
	for (size_t i = 0; i < t->rows.n; i++) {
		struct fds_row *r = &t->rows.v[i];

		if (r->n)
			r->idle_since_s = 0;
		else if (r->idle_since_s == 0)
			r->idle_since_s = now_s;
		if (!r->n && now_s - r->idle_since_s > ROW_IDLE_S)
			trend_set_free(r->count);
		else
			t->rows.v[kept++] = *r;
	}
	if (kept == t->rows.n)
		return;
	t->rows.n = kept;
	map64_clear(&t->row_index);
	for (size_t i = 0; i < kept; i++) {
		const struct fds_row *r = &t->rows.v[i];
		uint64_t *at = map64_put(&t->row_index, key_of(r->stack, r->is_task));

		if (at)
			*at = i + 1;
	}
}

void fds_rows_count(struct fds *f, uint64_t now_ns)
{
	struct fds_table *t = &f->table;
	double now_s = (double)(now_ns - f->start_ns) / 1e9, all = (double)t->n_fds;
	double kinds[FDS_KINDS] = {0};

	for (size_t i = 0; i < t->things.n; i++)
		kinds[t->things.v[i].kind]++;
	trend_set_add(t->kinds, now_s, kinds);
	trend_set_add(t->all, now_s, &all);
	for (size_t i = 0; t->rows.v && i < t->rows.n; i++)
		t->rows.v[i].n = 0;
	for (size_t i = 0; i < t->things.n; i++) {
		const struct fds_thing *x = &t->things.v[i];
		struct fds_row *row = NULL;

		if (x->stack && x->born_ns + f->spec.older_ns <= now_ns)
			row = row_of(t, x);
		if (!row)
			continue;
		row->n++;
		if (x->born_ns < row->first_ns)
			row->first_ns = x->born_ns;
	}
	for (size_t i = 0; t->rows.v && i < t->rows.n; i++) {
		struct fds_row *row = &t->rows.v[i];
		double n = (double)row->n;

		if (!row->count)
			begin(f, row, now_s);
		if (row->count)
			trend_set_add(row->count, now_s, &n);
	}
	drop_idle(t, now_s);
}
