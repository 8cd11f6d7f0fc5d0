/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Chooses the sites whose holders are searched for: there is room for a few at a time. */
#include "judge/judge.h"
#include "session/holders_priv.h"

#define FIRST_PLACES 4 /* sites chosen by rank alone */

/* First a few sites by rank, then lines of the program, whose holders say what the mistake is. Then
 * new sites, then all once more: the first few, and the others in turn. */
enum { TURN_FIRST, TURN_PROGRAM, TURN_NEW, TURN_TOP, TURN_AGAIN, TURNS };

struct found *holders_found(const struct holders *h, const char *id, enum report_kind kind)
{
	for (size_t i = 0; i < h->found.n; i++)
		if (h->found.v[i].fact.kind == kind && !strcmp(h->found.v[i].fact.id, id))
			return &h->found.v[i];
	return NULL;
}

static bool asks_for(const struct inquiry *in, const struct report_site *s)
{
	size_t i = 0;

	while (i < in->n_q && (in->q[i].kind != s->kind || strcmp(in->q[i].id, s->id) != 0))
		i++;
	return i < in->n_q;
}

static unsigned turn_of(const struct holders *h, const struct report_site *site, size_t rank)
{
	if (holders_found(h, site->id, site->kind))
		return rank < FIRST_PLACES ? TURN_TOP : TURN_AGAIN;
	return rank < FIRST_PLACES	    ? TURN_FIRST
	       : report_program_frame(site) ? TURN_PROGRAM
					    : TURN_NEW;
}

static bool ask(struct holders *h, const struct report_process *p, unsigned turn)
{
	struct inquiry *in = &h->inquiry;
	size_t first = turn == TURN_AGAIN ? h->again : 0;
	bool blocks = false;

	for (size_t k = 0; k < p->n_sites && in->n_q < INQUIRY_SITES; k++) {
		size_t i = (first + k) % p->n_sites;
		const struct report_site *s = &p->sites[i];
		struct question *q;

		if (!holders_is_worth(s) || s->samples < HOLDERS_FEWEST || asks_for(in, s) ||
		    turn_of(h, s, i) != turn)
			continue;
		q = inquiry_question(in, s->id, s->kind);
		/* blocks come in no order: half of those of a line that grows are older than this
		 */
		q->min_age_ns = q->kind == KIND_HEAP ? (uint64_t)(s->oldest_s / 2 * 1e9) : 0;
		blocks |= q->kind == KIND_HEAP;
		if (turn == TURN_AGAIN)
			h->again = i + 1;
	}
	return blocks;
}

bool holders_ask_sites(struct holders *h, const struct report_process *p)
{
	bool blocks = false;

	for (unsigned turn = 0; turn < TURNS; turn++)
		blocks |= ask(h, p, turn);
	return blocks;
}

void holders_ask_young(struct holders *h)
{
	for (size_t i = 0; i < h->inquiry.n_q; i++) {
		struct question *q = &h->inquiry.q[i];
		const struct found *f = holders_found(h, q->id, q->kind);

		q->since_ns = f && f->asks_young ? f->fact.fill.calm_ns : 0;
	}
}

bool holders_ask_doubted(struct holders *h)
{
	bool any = false;

	for (size_t i = 0; i < h->inquiry.n_q; i++) {
		const struct question *q = &h->inquiry.q[i];
		struct found *f = holders_found(h, q->id, q->kind);

		if (!f || !f->is_doubted || f->asked_ns == q->since_ns)
			continue;
		f->asked_ns = q->since_ns;
		any = true;
	}
	return any;
}
