/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Scales what windows tell of blocks to what memory gains. It is known well how much memory outside
 * of the pools grows; whose blocks those are, windows on malloc tell. A sum of few windows is off
 * by chance, and windows in which the target crawls tell too little. */
#include "base/thresholds.h"
#include "judge/sites_priv.h"
#include "verdict/verdict.h"

static bool is_mortal(const struct native_site *n)
{
	return n->mortality > SITE_MORTAL;
}

/* Memory's growth is given to sites in this order. MORTAL: blocks of a queue or a cache that
 * replace each other may look like ones that stay, but some are seen to die. SILENT: a burst of
 * long ago may look like one that goes on. */
enum { STAYING, SILENT, MORTAL, RANKS };

static int rank_of(const struct joiner *j, size_t i)
{
	return is_mortal(&j->e->native.v[i]) ? MORTAL : j->fit[i].is_silent ? SILENT : STAYING;
}

static double told_by(const struct joiner *j, int rank)
{
	double told = 0;

	for (size_t i = 0; i < j->e->native.n; i++)
		if (rank_of(j, i) == rank)
			told += j->fit[i].told * j->fit[i].room;
	return told;
}

/* Cuts what windows tell of to what memory gains; a little more is allowed, since samples are not
 * exact. */
static void make_room(struct joiner *j, double grows)
{
	double room = NATIVE_TOO_MUCH * grows, share[RANKS];

	for (int rank = 0; rank < RANKS; rank++) {
		double told = told_by(j, rank);

		share[rank] = told > room ? room / told : 1;
		room -= told * share[rank];
	}
	for (size_t i = 0; i < j->e->native.n; i++)
		if (j->e->native.v[i].estimated)
			j->fit[i].room = share[rank_of(j, i)];
}

/* Growth as it would be had no window slowed the target, with the memory that blocks take beyond
 * their size. */
static double unslowed(const struct native_site *n)
{
	double taken = n->waste_bytes > 0 && n->live_bytes > 0 ? n->waste_bytes / n->live_bytes : 0;

	return n->most_bytes_per_s * (1 + taken);
}

/* Upper limit of its growth: that of the number of windows that met it, plus one error (Gehrels'
 * limit of a count). */
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

bool native_goes_on(const struct native_fit *fit)
{
	return fit->bytes.growing &&
	       (curve_grows(&fit->curve) || fit->curve.shape == CURVE_UNKNOWN);
}

bool native_may_be_silent(const struct joiner *j, double bytes)
{
	double all = 0, known = 0;

	for (size_t i = 0; i < j->e->native.n; i++) {
		const struct native_site *n = &j->e->native.v[i];

		if (is_mortal(n) || !n->estimated)
			continue;
		all += most_of(n);
		if (native_goes_on(&j->fit[i]))
			known += fmax(most_of(n), j->fit[i].bytes.slope);
	}
	return known < bytes && all >= bytes;
}

/* By how much more it may grow than windows told. */
static double may_more(const struct native_site *n, const struct native_fit *fit)
{
	return fit->told > 0 && !is_mortal(n) ? fmax(fit->may * most_of(n) - fit->told, 0) : 0;
}

/* Brings the sites of one rank to what memory gains: @left, after the ranks before. They are raised
 * only by what exceeds @others, the growth that windows told of ranks behind. Returns what is left.
 */
static double share_rank(struct joiner *j, int rank, double left, double others)
{
	double told = told_by(j, rank);
	double more = 0, part;

	for (size_t i = 0; i < j->e->native.n; i++)
		if (rank_of(j, i) == rank)
			more += may_more(&j->e->native.v[i], &j->fit[i]);
	part = left > told + others && more > 0 ? fmin((left - told - others) / more, 1) : 0;
	for (size_t i = 0; i < j->e->native.n; i++) {
		struct native_fit *fit = &j->fit[i];

		if (!(fit->told > 0) || rank_of(j, i) != rank)
			continue;
		fit->times = told > left ? left / told
					 : 1 + part * may_more(&j->e->native.v[i], fit) / fit->told;
	}
	log_debug("windows: of rank %d %.0f B/s of %.0f in memory, at most %.0f", rank, told, left,
		  told + more);
	return fmax(0, left - told - part * more);
}

void join_native_share(struct joiner *j, double grows)
{
	double sum = 0, dying;

	make_room(j, grows);
	for (int rank = 0; rank < RANKS; rank++)
		sum += told_by(j, rank);
	/* where memory slows down, sites that told more before are not cut */
	if (!curve_grows(&j->malloc) || (sum > grows && j->malloc.shape != CURVE_RISING) ||
	    !(sum > 0) || !(grows > 0))
		return;
	/* where memory has no room for all, blocks that die need not be left any */
	dying = sum > grows ? 0 : told_by(j, MORTAL);
	for (int rank = 0; rank < RANKS; rank++)
		grows = share_rank(j, rank, grows, rank == MORTAL ? 0 : dying);
}

void native_tell_few(const struct evidence *e, struct report *r, struct report_process *p)
{
	const struct curve *c = &p->malloc_curve;
	char rate[32];

	if (e->memory.has_mimalloc || c->shape != CURVE_RISING || !verdict_outgrows(p, c))
		return;
	for (size_t i = 0; i < p->n_sites; i++) {
		struct report_site *s = &p->sites[i];

		if (s->kind == KIND_HEAP && s->estimated && s->verdict <= CLASS_GROWING)
			s->reason =
				report_printf(r,
					      "%s; few of such blocks were met: memory of C "
					      "code grows by %s/s",
					      s->reason, fmt_bytes(rate, sizeof(rate), c->slope));
	}
}

void native_tell_asked(struct report *r, struct report_process *p)
{
	const struct report_site *lead = p->sites;
	double asked = 0, grows = p->rss_growth_bytes_per_s;
	char rate[2][32];

	for (size_t i = 0; i < p->n_sites; i++) {
		const struct report_site *s = &p->sites[i];

		if (s->kind == KIND_HEAP && !s->estimated && s->verdict <= CLASS_GROWING &&
		    s->growth_bytes_per_s > 0)
			asked += s->growth_bytes_per_s;
	}
	/* a slow moment of RSS says nothing against lines that have grown for longer */
	if (!(asked > 0) || lead->kind != KIND_HEAP || lead->verdict != p->verdict ||
	    p->memory.swap || !curve_grows(&p->rss_curve) || p->rss_curve.since_s < LEAK_RUN_S ||
	    !(grows < PROCESS_MOST * asked))
		return;
	p->reason = report_printf(r, "%s; %s/s are asked for, and the process grows by %s/s",
				  p->reason, fmt_bytes(rate[0], sizeof(rate[0]), asked),
				  fmt_bytes(rate[1], sizeof(rate[1]), grows));
}
