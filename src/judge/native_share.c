/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Totals from memory, shares from windows. How much memory outside of the pools grows is known
 * well; of whose blocks that are, windows on malloc tell. A sum of few windows is off by its
 * chance, and one over windows in which the target crawls is too low: it is brought to what memory
 * says, as far as these two account for it.
 */
#include "base/thresholds.h"
#include "judge/sites_priv.h"
#include "verdict/verdict.h"

static bool is_mortal(const struct native_site *n)
{
	return n->mortality > SITE_MORTAL;
}

/* Blocks of a queue or a cache that take each other's place may look like ones that stay, and what
 * windows tell of cannot be more than what memory has gained. But some of those are found out:
 * whose blocks do not die comes first. A sample is not exact, so that a little too much is not held
 * against it. */
static void make_room(struct joiner *j, double grows)
{
	double told[2] = {0}, room = NATIVE_TOO_MUCH * grows, share[2];

	for (size_t i = 0; i < j->e->native.n; i++)
		told[is_mortal(&j->e->native.v[i])] += j->fit[i].told;
	if (!(told[0] + told[1] > 0))
		return;
	for (int mortal = 0; mortal < 2; mortal++) {
		share[mortal] = told[mortal] > room ? room / told[mortal] : 1;
		room -= told[mortal] * share[mortal];
	}
	log_debug("windows: %.0f and %.0f B/s, %.0f %% and %.0f %% of it in memory", told[0],
		  told[1], 100 * share[0], 100 * share[1]);
	for (size_t i = 0; i < j->e->native.n; i++)
		if (j->e->native.v[i].estimated)
			j->fit[i].room = share[is_mortal(&j->e->native.v[i])];
}

/* How fast it would grow had no window slowed the target, with what blocks take beyond their size.
 */
static double unslowed(const struct native_site *n)
{
	double taken = n->waste_bytes > 0 && n->live_bytes > 0 ? n->waste_bytes / n->live_bytes : 0;

	return n->most_bytes_per_s * (1 + taken);
}

/* How fast it may grow: by one error more windows than met it (Gehrels' limit of a count). */
static double most_of(const struct native_site *n)
{
	double met = n->met ? n->met : 1;

	return unslowed(n) * (1 + (1 + sqrt(met + 0.75)) / met);
}

double native_likely(const struct native_site *n, const struct native_fit *fit, double per_s)
{
	return fit->told > 0 ? fmin(per_s, fmax(fit->told * fit->room, fit->may * unslowed(n)))
			     : per_s;
}

double native_most(const struct evidence_native *e)
{
	double sum = 0;

	for (size_t i = 0; i < e->n; i++)
		if (!is_mortal(&e->v[i]))
			sum += most_of(&e->v[i]);
	return sum;
}

/* By how much more than it was told to. */
static double may_more(const struct native_site *n, const struct native_fit *fit)
{
	return fit->told > 0 && !is_mortal(n) ? fmax(fit->may * most_of(n) - fit->told, 0) : 0;
}

void join_native_share(struct joiner *j, double grows)
{
	double sum = 0, more = 0, part;

	make_room(j, grows);
	for (size_t i = 0; i < j->e->native.n; i++) {
		sum += j->fit[i].told * j->fit[i].room;
		more += may_more(&j->e->native.v[i], &j->fit[i]);
	}
	/* Where it slows down, what was told before is not held against that. */
	if (!curve_grows(&j->malloc) || (sum > grows && j->malloc.shape != CURVE_RISING) ||
	    !(sum > 0) || !(grows > 0))
		return;
	part = more > 0 ? fmin((grows - sum) / more, 1) : 0;
	for (size_t i = 0; i < j->e->native.n; i++)
		if (sum > grows && j->fit[i].told > 0)
			j->fit[i].times = grows / sum;
		else if (j->fit[i].told > 0)
			j->fit[i].times +=
				part * may_more(&j->e->native.v[i], &j->fit[i]) / j->fit[i].told;
	log_debug("windows: %.0f B/s of %.0f in memory, at most %.0f", sum, grows, sum + more);
}

void native_tell_few(const struct evidence *e, struct report *r, struct report_process *p)
{
	struct curve c;
	char rate[32];

	trend_memory_judge(&e->memory.malloced, &c);
	if (e->memory.has_mimalloc || c.shape != CURVE_RISING || !verdict_outgrows(p, &c))
		return;
	for (size_t i = 0; i < p->n_sites; i++) {
		struct report_site *s = &p->sites[i];

		if (s->kind == KIND_HEAP && s->estimated && s->verdict <= CLASS_GROWING)
			s->reason =
				report_printf(r,
					      "%s; few of such blocks were met: memory of C "
					      "code grows by %s/s",
					      s->reason, fmt_bytes(rate, sizeof(rate), c.slope));
	}
}
