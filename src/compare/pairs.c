/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compare/pairs.h"

#include "base/map64.h"

/* Indexes rows that are in A only by their lines. */
static int index_lines(struct map64 *lines, const struct compare_row *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t *at = v[i].b ? NULL : map64_put(lines, report_site_key(v[i].a, true));

		if (!v[i].b && !at)
			return fail(-ENOMEM, "out of memory");
		if (at && !*at)
			*at = i + 1;
	}
	return 0;
}

/* Joins rows that are in B only, which begin at @from, with rows of the same lines that are in A
 * only. */
static int join_by_line(struct compare_row *v, size_t from, size_t *n)
{
	struct map64 lines = {0};
	int err = index_lines(&lines, v, from);
	size_t kept = from;

	for (size_t i = from; i < *n && !err; i++) {
		const uint64_t *at = map64_get(&lines, report_site_key(v[i].b, true));
		struct compare_row *row = at ? &v[*at - 1] : NULL;

		if (row && !row->b && report_ids_differ_in_kind(row->a, v[i].b)) {
			row->b = row->site = v[i].b;
			row->by_line = true;
		} else {
			v[kept++] = v[i];
		}
	}
	map64_free(&lines);
	*n = kept;
	return err;
}

int pairs_find(const struct report_process *a, const struct report_process *b,
	       struct compare_row **out, size_t *n)
{
	size_t n_a = a ? a->n_sites : 0, n_b = b ? b->n_sites : 0;
	auto_free struct compare_row *v = calloc(n_a + n_b + 1, sizeof(*v));
	struct map64 index = {0};
	int err = v ? 0 : fail(-ENOMEM, "out of memory");

	*n = n_a;
	for (size_t i = 0; i < n_a && !err; i++) {
		uint64_t *at = map64_put(&index, report_site_key(&a->sites[i], false));

		if (!at)
			err = fail(-ENOMEM, "out of memory");
		else
			*at = i + 1;
		v[i].a = v[i].site = &a->sites[i];
	}
	for (size_t i = 0; i < n_b && !err; i++) {
		const struct report_site *s = &b->sites[i];
		const uint64_t *at = map64_get(&index, report_site_key(s, false));

		if (at && !v[*at - 1].b)
			v[*at - 1].b = v[*at - 1].site = s;
		else
			v[(*n)++] = (struct compare_row){.b = s, .site = s};
	}
	map64_free(&index);
	if (!err)
		err = join_by_line(v, n_a, n);
	*out = err ? NULL : take(v);
	*n = err ? 0 : *n;
	return err;
}
