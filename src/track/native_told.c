/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Beside the blocks of a site, windows tell how many of them died later, and how fast it may grow.
 * A window slows who calls malloc all the time so much that it sees a twentieth of what is done in
 * as long a time, and the next may have to be saved for for ten seconds: so here each window counts
 * as much as another, and by the time which the target had for itself. */
#include "track/native_priv.h"

#define MOST_BEFORE 20 /* windows before the first that met a site count, up to so many */

void native_add_most(struct native *n, uint64_t now_ns)
{
	for (size_t i = 0; n->state == NATIVE_BURST && i < n->burst.samples.n; i++) {
		const struct burst_sample *s = &n->burst.samples.v[i];
		struct pl_native_key key = {s->stack, s->caller, PL_KIND_HEAP, s->depth};
		struct site_row *r = NULL;

		if (!s->dead && s->rung >= BURST_SURVIVED &&
		    s->born_ns + n->spec.older_ns <= now_ns)
			r = native_row(&n->table, &key);
		if (!r)
			continue;
		r->most_per_s += s->per_s * (double)s->size;
		if (s->nth < r->first)
			r->first = s->nth;
	}
}

/* Mean over the windows since the first that met the site, and some before. */
static double most_per_s(const struct native_burst *b, const struct site_row *r)
{
	uint64_t told = b->telling - b->n_young, before = r->first - 1;
	uint64_t since = told > r->first ? told - r->first : 0;

	if (!(r->most_per_s > 0))
		return 0;
	if (before > MOST_BEFORE)
		before = MOST_BEFORE;
	return r->most_per_s / (double)(before + 1 + since);
}

static double died_of(const struct native_burst *b, const struct pl_native_key *maker)
{
	const uint64_t *at = map64_get(&b->died, native_key_hash(maker));

	return at ? (double)*at : 0;
}

void native_told(const struct native *n, struct site_row *r)
{
	double died;

	r->estimated = n->state == NATIVE_BURST && r->key.kind == PL_KIND_HEAP;
	died = r->estimated ? died_of(&n->burst, &r->key) : 0;
	r->mortality = died > 0 ? died / (died + r->count) : 0;
	r->most = r->estimated ? most_per_s(&n->burst, r) : 0;
}
