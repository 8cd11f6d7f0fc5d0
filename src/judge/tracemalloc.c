/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds tracemalloc's own tables: while it is on they have an entry for each live block, so they
 * grow at every line whose memory is kept. */
#include "base/thresholds.h"
#include "judge/sites_priv.h"

/* Is it memory of C code that only CPython's own data points to, and only its own code took? */
static bool is_table(const struct report_holder *h, const struct report_site *site)
{
	bool is_own = h->n && site->n_frames && site->stack[0].native && report_holder_is_own(h) &&
		      h->share >= HOLDER_MOST;

	for (size_t i = 0; i < h->n; i++)
		is_own &= h->step[i].type && !strcmp(h->step[i].type, "memory of C code");
	for (size_t i = 0; i < site->n_frames && site->stack[i].native; i++)
		is_own &= site->stack[i].minor;
	return is_own;
}

const char *tracemalloc_tell(const struct evidence *e, struct report *r, struct report_process *p)
{
	double sum = 0;
	char rate[32];

	if (!e->native.has_tracemalloc)
		return NULL;
	for (size_t i = 0; i < p->n_sites; i++) {
		struct report_site *site = &p->sites[i];
		const struct holder_fact *f = holders_find(e, site->id, KIND_HEAP);

		if (site->kind != KIND_HEAP || !holders_is_worth(site) || !f || !f->is_known ||
		    !is_table(&f->holder, site))
			continue;
		verdict_excused(
			r, "tables of tracemalloc, which has an entry for each block that lives",
			site);
		sum += site->growth_bytes_per_s;
	}
	return sum > 0 ? report_printf(r, "tracemalloc is on: its own tables grow by %s/s",
				       fmt_bytes(rate, sizeof(rate), sum))
		       : "tracemalloc is on: its own tables grow with what the program keeps, "
			 "at the lines that allocate";
}
