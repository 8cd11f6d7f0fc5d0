/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds objects that only renew a full store, which lets one go for each it takes. Objects in it
 * from before the watch had no birth that was seen, and those born since stay for longer than the
 * watch: they look like a leak, and beside a leak of the same size would get a part of its rate.
 * But the store's length tells. */
#include "base/thresholds.h"
#include "session/holders_priv.h"
#include "session/survivors.h"

/* How many of the entries were seen being born? Old entries that hold something new grow. */
static size_t seen_born(const struct holders *h, const struct why_answer *a)
{
	struct map64 born = {0};
	size_t n, found = 0;
	const struct sample *v = survivors_samples(h->s->survivors, &n);

	for (size_t i = 0; i < a->n_behind; i++)
		map64_put(&born, a->behind[i]);
	for (size_t i = 0; i < n; i++) {
		uint64_t *at = v[i].addr ? map64_get(&born, v[i].addr) : NULL;

		found += at && !*at;
		if (at)
			*at = 1;
	}
	map64_free(&born);
	return found;
}

double holders_share_in_c(const struct holders *h, const struct why_answer *a)
{
	return a->branch_in_c && fill_has_new_entries(a->n_behind, seen_born(h, a))
		       ? answer_share_in(a, a->branch)
		       : 0;
}

/* Notes whether objects born since the container rests must be in it, at least some, even if all
 * that were found elsewhere are among them. */
static void note_young(struct found *f, const struct question *q, const struct why_answer *a)
{
	double elsewhere = (1 - f->fact.holder.in_container) * (double)a->sampled;
	bool is_known = (double)q->n_since >= elsewhere + REPLACED_ENOUGH;

	f->known_ns = is_known ? q->youngest_ns : 0;
	f->fact.replaces &= is_known || q->n_since < REPLACED_ENOUGH;
}

void holders_note_replacing(struct holders *h, struct found *f, const struct question *q,
			    const struct why_answer *a)
{
	bool part_here = f->fact.fill.addr && f->fact.fill.addr == a->branch;

	answer_count_entries(a, seen_born(h, a), &f->fact);
	memcpy(f->stack, q->stack, sizeof(f->stack));
	f->n_stacks = q->n_stacks;
	/* some have died by now, and something else is in their place: most are enough if it was
	 * known */
	f->fact.has_new_entries =
		q->kind == KIND_OBJECT &&
		(part_here ? fill_has_new_entries(a->n_behind, f->fact.new_entries) &&
				     fill_keeps_size(q->born_s, q->bytes, q->n_sizes)
			   : f->fact.replaces && f->fact.is_one);
	f->fact.replaces &= f->fact.has_new_entries;
	note_young(f, q, a);
	log_debug("site %s: its paths part %s what holds it (%llu entries), %zu seen, %s",
		  f->fact.id, part_here ? "at" : "not at", (unsigned long long)f->fact.fill.last,
		  a->n_behind, f->fact.has_new_entries ? "new ones" : "not new");
}

/* Objects that were born since the container rests, and stay. */
struct came {
	size_t n, known; /* all; those that are known to be in the container */
	double weight;
};

static void count_survivors(const struct holders *h, const struct map64 *of, struct came *came)
{
	size_t n;
	const struct sample *v = survivors_samples(h->s->survivors, &n);

	for (size_t i = 0; i < n; i++) {
		const uint64_t *at =
			v[i].addr && v[i].rung >= SURVIVED_RUNGS ? map64_get(of, v[i].stack) : NULL;

		if (!at || v[i].born_ns < h->found.v[*at].fact.fill.calm_ns)
			continue;
		came[*at].n++;
		came[*at].known += v[i].born_ns <= h->found.v[*at].known_ns;
		came[*at].weight += (double)v[i].weight;
	}
}

static void decide(struct found *f, const struct came *came)
{
	const struct fill *fill = &f->fact.fill;
	bool did = f->fact.replaces, may = f->fact.has_new_entries && fill->addr;

	f->fact.replaces =
		may && fill_replaces(fill, did ? came->n : came->known, came->weight, did);
	f->is_doubted =
		may && !f->fact.replaces && fill_replaces(fill, came->n, came->weight, false);
	f->asks_young |= f->is_doubted;
}

void holders_find_replacing(struct holders *h)
{
	auto_free struct came *came = calloc(h->found.n + 1, sizeof(*came));
	struct map64 of = {0};

	if (!came)
		return;
	for (size_t i = 0; i < h->found.n; i++) {
		struct found *f = &h->found.v[i];

		for (size_t k = 0; f->fact.has_new_entries && k < f->n_stacks; k++) {
			uint64_t *at = map64_put(&of, f->stack[k]);

			if (at)
				*at = i;
		}
	}
	count_survivors(h, &of, came);
	map64_clear(&h->replaced);
	for (size_t i = 0; i < h->found.n; i++) {
		struct found *f = &h->found.v[i];

		decide(f, &came[i]);
		for (size_t k = 0; f->fact.replaces && k < f->n_stacks; k++)
			map64_put(&h->replaced, f->stack[k]);
	}
	map64_free(&of);
}
