/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth per unit of work: of the births of a type, how many stay. Windows count both; a program
 * that crawls while it is watched, or has less to do, makes fewer of both.
 *
 * From one window with survivors to the next, K objects came to stay of B births. The error of
 * their ratio r is that of the residuals K - r B (large for objects in lots), but at least that of
 * a count. */
#include <math.h>

#include "base/thresholds.h"
#include "judge/sites_priv.h"

struct kept {
	size_t site; /* place + 1 */
	uint64_t type, nth;
	double weight;
	bool is_weak;
};

struct sums {
	double kept, born, kept2, both, born2; /* sums over windows: K, B, K², K B, B² */
	double least;			       /* variance of kept if objects come one by one */
	size_t windows;
};

static int by_window(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	if (x->site != y->site)
		return x->site < y->site ? -1 : 1;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->nth != y->nth)
		return x->nth < y->nth ? -1 : 1;
	return y->is_weak - x->is_weak;
}

static double share(const struct sums *s)
{
	return s->kept / s->born;
}

static double variance(const struct sums *s)
{
	double r = share(s), residuals = s->kept2 - 2 * r * s->both + r * r * s->born2;

	return fmax(residuals, s->least) / (s->born * s->born);
}

/* Adds up @n survivors of one site and type, by window. Those of the first window are left out: the
 * births that they came of are not known. */
static void add_up(const struct kept *v, size_t n, struct sums half[2])
{
	double middle = n ? ((double)v[0].nth + (double)v[n - 1].nth) / 2 : 0;

	for (size_t i = 0, end; i < n; i = end) {
		struct sums *to = &half[(double)v[i].nth > middle];
		double kept = 0, born;

		for (end = i; end < n && v[end].nth == v[i].nth; end++)
			kept += v[end].weight;
		if (!i)
			continue;
		born = (double)(v[i].nth - v[i - 1].nth);
		for (size_t k = i; k < end; k++)
			to->least += v[k].weight * v[k].weight;
		to->kept += kept;
		to->born += born;
		to->kept2 += kept * kept;
		to->both += kept * born;
		to->born2 += born * born;
		to->windows++;
	}
}

static struct sums sum(const struct sums *a, const struct sums *b)
{
	return (struct sums){a->kept + b->kept,	     a->born + b->born,	  a->kept2 + b->kept2,
			     a->both + b->both,	     a->born2 + b->born2, a->least + b->least,
			     a->windows + b->windows};
}

static void tell(struct joiner *j, const struct kept *v, size_t n, struct joined *to)
{
	struct sums half[2] = {0}, all;
	const char *type = evidence_type(j->e, v->type);
	double error, apart;
	size_t sure = 0;

	/* from the first weak one on, survivors may yet turn out to be others */
	while (sure < n && !v[sure].is_weak)
		sure++;
	add_up(v, sure, half);
	if (half[0].windows < STAYS_WINDOWS || half[1].windows < STAYS_WINDOWS || *type == '?')
		return;
	all = sum(&half[0], &half[1]);
	error = sqrt(variance(&all));
	apart = sqrt(variance(&half[0]) + variance(&half[1]));
	if (error <= STAYS_ERROR * share(&all))
		to->site.stays = (struct report_stays){
			.type = report_strdup(j->r, type),
			.per_1000 = 1000 * fmin(share(&all), 1),
			.error = 1000 * error,
			.is_even = fabs(share(&half[0]) - share(&half[1])) <= STAYS_APART * apart,
		};
}

/* Tells how much stays for the type that most of a site's survivors are of. */
static void tell_most(struct joiner *j, const struct kept *v, size_t n)
{
	size_t most = 0, from = 0;

	for (size_t i = 0, begin = 0; i < n; i++) {
		if (v[i].type != v[begin].type)
			begin = i;
		if (i + 1 - begin > most) {
			most = i + 1 - begin;
			from = begin;
		}
	}
	tell(j, &v[from], most, &j->v.v[v->site - 1]);
}

void join_stays(struct joiner *j)
{
	const struct estimate *e = &j->estimate;
	auto_free struct kept *v = calloc(e->n_births + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; v && i < e->n_births; i++) {
		const uint64_t *at = map64_get(&j->site_of, e->births[i].stack);

		if (at && *at)
			v[n++] = (struct kept){*at, e->births[i].type, e->births[i].nth,
					       e->births[i].weight, e->births[i].is_weak};
	}
	if (n)
		qsort(v, n, sizeof(*v), by_window);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && v[end].site == v[i].site; end++)
			;
		tell_most(j, &v[i], end - i);
	}
}
