/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ladder/relief.h"

#define MOST 8192 /* reliefs of a window, and in all: a line does the same again */

void reliefs_begin(struct reliefs *r)
{
	map64_clear(&r->known);
	r->v.n = 0;
}

void reliefs_free(struct reliefs *r)
{
	map64_free(&r->known);
	vec_free(&r->v);
}

void reliefs_add(struct reliefs *r, const struct pl_birth *b, const struct sample *look, size_t i)
{
	uint64_t *known;
	struct relief *to;

	if (look[i].type != b->type || evidence_kernel_stack(look[i].stack) == b->stack ||
	    r->v.n >= MOST)
		return;
	known = map64_put(&r->known, evidence_likes(b->stack, i));
	if (!known || (*known)++)
		return;
	to = vec_push(&r->v);
	if (to)
		*to = (struct relief){b->stack ? b->stack : EVIDENCE_NO_FRAME, i};
}

static uint64_t id_of(struct stacks *st, uint64_t stack)
{
	const struct stack *known = stacks_current(st, stack);

	return known ? known->id : stack;
}

static void count(struct map64 *to, uint64_t stack, const struct sample *heir,
		  const struct contents *c, float n)
{
	uint64_t *at, likes = evidence_likes(stack, heir->fp.content);

	if (!heir->addr || !heir->fp.content || !contents_often(c, heir->fp.content))
		return;
	at = to->n < MOST ? map64_put(to, likes) : map64_get(to, likes);
	if (at)
		*at += (uint64_t)n;
}

void reliefs_count(const struct reliefs *r, const struct sample *look, size_t n,
		   const struct contents *c, struct stacks *st, struct map64 *to)
{
	for (size_t i = 0; i < r->v.n && r->v.v[i].heir < n; i++)
		count(to, id_of(st, r->v.v[i].stack), &look[r->v.v[i].heir], c, 1);
}

void reliefs_count_late(const struct sample *dead, const struct sample *heir,
			const struct contents *c, struct map64 *to)
{
	/* its own births count, too: of a line that keeps what it makes no object ends */
	if (dead->type == heir->type && dead->fp.content == heir->fp.content)
		count(to, dead->stack, heir, c, dead->weight);
}
