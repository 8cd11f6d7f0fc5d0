/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Judges objects that are entries of a container: they come as its entries do. */
#include <math.h>

#include "base/thresholds.h"
#include "judge/sites_priv.h"

/* Most of the objects are @deep steps below the container, an entry being 1. */
static bool are_below(const struct holder_fact *f, size_t deep)
{
	const struct report_holder *h = &f->holder;
	size_t i = report_holder_container(h);

	return i < h->n && i + deep + 1 == h->n && h->share >= HOLDER_MOST &&
	       h->step[i].entries == f->fill.last;
}

bool holders_are_entries(const struct holder_fact *f)
{
	return f->is_one && are_below(f, 1);
}

bool holders_come_as_entries(const struct holder_fact *f)
{
	const struct report_holder *h = &f->holder;

	return are_below(f, 1) || (are_below(f, 2) && !h->is_chain && h->step[h->n - 2].type &&
				   !strcmp(h->step[h->n - 2].type, "tuple"));
}

bool holders_come_as_outer_entries(const struct holder_fact *f)
{
	size_t i = report_holder_container(&f->holder);

	for (size_t k = 0; k < i && k < f->holder.n; k++)
		if (f->holder.step[k].entries && f->holder.step[k].entries != REPORT_UNKNOWN)
			return false;
	return holders_come_as_entries(f);
}

void holders_bound_count(const struct evidence *e, const struct holder_fact *f,
			 struct report_site *s)
{
	size_t i = report_holder_container(&f->holder);
	double since_s, most;

	if (s->kind != KIND_OBJECT || !holders_are_entries(f) || f->holder.share < HOLDER_ALL)
		return;
	since_s = e->now_ns > f->fill.last_ns ? (double)(e->now_ns - f->fill.last_ns) / 1e9 : 0;
	most = (double)f->fill.last + fmax(f->holder.step[i].growth_per_s, 0) * since_s;
	if (!(s->outstanding_count > most))
		return;
	s->outstanding_bytes *= most / s->outstanding_count;
	s->outstanding_count = most;
}

/* Did the objects of @s come with entries of the container, and slow down? */
static bool slows_with(const struct evidence *e, const struct report_site *s, uint64_t container)
{
	const struct holder_fact *f =
		s->ends && s->verdict == CLASS_GROWING ? holders_find(e, s->id, s->kind) : NULL;

	return f && f->is_known && f->is_one && f->has_new_entries && f->fill.addr == container;
}

const char *holders_slow(const struct evidence *e, struct report *r, const struct report_process *p,
			 const struct holder_fact *f, const struct report_site *site)
{
	if (!f || !f->is_known || !f->fill.addr || site->verdict != CLASS_LEAK ||
	    !holders_are_entries(f))
		return NULL;
	for (size_t i = 0; i < p->n_sites; i++)
		if (p->sites[i].growth_bytes_per_s > site->growth_bytes_per_s &&
		    slows_with(e, &p->sites[i], f->fill.addr))
			return report_printf(r, "what comes with them into the %s slows down",
					     f->fill.what);
	return NULL;
}
