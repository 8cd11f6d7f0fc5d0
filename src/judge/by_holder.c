/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Limits rates of sites by what holds their objects. A window that ends in the middle of a request
 * has met what is made at its beginning, and few windows meet few requests: of two lines that make
 * one object a request each, one may have four times the samples of the other. Where the objects
 * come with the entries of a container, as many in each, its length tells how many come. */
#include <math.h>

#include "base/thresholds.h"
#include "judge/sites_priv.h"

/* Objects a second that come with the entries of the container which holds them; INFINITY: not
 * known. The entries that hold survivors were seen being born far more often than windows see what
 * is born at any time: so both are born together. */
static double comes_with_entries(const struct evidence *e, const struct report_site *s)
{
	const struct holder_fact *f = holders_find(e, s->id, s->kind);
	double least = fmax(REPLACED_NEW_PART, ENTRY_BORN_WITH * e->objects.coverage), per_s;

	if (!f || !f->is_known || !f->is_one || f->fill.most || f->holder.is_chain)
		return INFINITY;
	per_s = fill_paced_per_s(&f->fill, 0);
	if (!(per_s > 0) || f->entries < REPLACED_FEWEST || f->objects < f->entries ||
	    f->new_entries < least * f->entries)
		return INFINITY;
	return per_s * f->objects / f->entries;
}

void join_bound_by_holder(struct joiner *j)
{
	for (size_t i = 0; i < j->v.n; i++) {
		struct joined *to = &j->v.v[i];
		struct report_site *s = &to->site;
		bool is_rate = s->kind == KIND_OBJECT && s->growth_count_per_s > 0;
		double part = is_rate ? comes_with_entries(j->e, s) / s->growth_count_per_s : 1;

		/* what chance makes of as many samples as there should be is no difference */
		if (part * GOES_ON_APART >= 1 ||
		    to->births * (1 - part) <= CHANCE_SURE * sqrt(to->variance * part))
			continue;
		if (s->sampled_per_s > 0)
			s->told_by = "the census";
		s->by_census = false;
		s->sampled_per_s = s->growth_count_per_s;
		s->growth_count_per_s *= part;
		s->growth_bytes_per_s *= part;
		s->outstanding_count *= part;
		s->outstanding_bytes *= part;
		for (size_t k = 0; k < to->types.n; k++) {
			to->types.v[k].count *= part;
			to->types.v[k].bytes *= part;
		}
	}
}
