/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For which sites it is asked who holds their objects: there is room for a few at a time. */
#include <stdlib.h>

#include "judge/judge.h"
#include "session/holders_priv.h"

#define FIRST_PLACES 4 /* sites that are asked for by rank alone */

static bool asks_for(const struct inquiry *in, const struct report_site *site)
{
	for (size_t i = 0; i < in->n_q; i++)
		if (in->q[i].kind == site->kind && !strcmp(in->q[i].id, site->id))
			return true;
	return false;
}

struct question *holders_question(struct inquiry *in, const char *id, enum report_kind kind)
{
	struct question *q = &in->q[in->n_q++];

	memcpy(q->id, id, sizeof(q->id));
	q->kind = kind;
	q->n = q->n_stacks = q->n_sizes = 0;
	q->min_age_ns = 0;
	return q;
}

static uint64_t vain_key(const char *id, enum report_kind kind)
{
	return (strtoull(id, NULL, 16) ^ kind) | 8;
}

/* The first few by rank, then lines of the program: who holds their objects says what the mistake
 * is. Then what was never asked for, then the others once more. */
enum { TURN_FIRST, TURN_PROGRAM, TURN_NEW, TURN_AGAIN, TURNS };

static unsigned turn_of(const struct holders *h, const struct report_site *site, size_t rank)
{
	if (holders_found(h, site->id, site->kind) ||
	    map64_get(&h->vain, vain_key(site->id, site->kind)))
		return TURN_AGAIN;
	return rank < FIRST_PLACES	    ? TURN_FIRST
	       : report_program_frame(site) ? TURN_PROGRAM
					    : TURN_NEW;
}

static bool ask_sites(struct holders *h, const struct report_process *p, unsigned turn)
{
	struct inquiry *in = &h->inquiry;
	bool blocks = false;

	for (size_t i = 0; i < p->n_sites && in->n_q < INQUIRY_SITES; i++) {
		const struct report_site *s = &p->sites[i];
		struct question *q;

		if (!holders_is_worth(s) || s->samples < HOLDERS_FEWEST ||
		    turn_of(h, s, i) != turn || asks_for(in, s))
			continue;
		q = holders_question(in, s->id, s->kind);
		/* Blocks come in no order: half of a line that grows is older than this. */
		q->min_age_ns = q->kind == KIND_HEAP ? (uint64_t)(s->oldest_s / 2 * 1e9) : 0;
		blocks |= q->kind == KIND_HEAP;
	}
	return blocks;
}

bool holders_ask_sites(struct holders *h, const struct report_process *p)
{
	bool blocks = false;

	for (unsigned turn = 0; turn < TURNS; turn++)
		blocks |= ask_sites(h, p, turn);
	return blocks;
}

void holders_asked_in_vain(struct holders *h, const struct question *q)
{
	map64_put(&h->vain, vain_key(q->id, q->kind));
}
