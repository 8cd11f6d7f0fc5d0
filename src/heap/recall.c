/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts pools that are swapped out as when they were last read, so that swapping does not look
 * like freeing. One that was swapped out from the beginning counts from its first reading on, so
 * that its return is no growth. */
#include "heap/recall.h"

enum { NEVER_READ = 0xff, WAS_OUT = 0xfe };

bool recall_begin(struct recall *r, size_t n)
{
	__typeof__(r->arena) before = r->arena;

	r->arena = r->before;
	r->before = before;
	r->arena.n = 0;
	r->at = 0;
	/* all at once: elements that were handed out must not move */
	return vec_reserve(&r->arena, n + 1);
}

struct recall_arena *recall_next(struct recall *r, uint64_t start)
{
	struct recall_arena *a = vec_push(&r->arena);

	while (r->at < r->before.n && r->before.v[r->at].start < start)
		r->at++;
	if (r->at < r->before.n && r->before.v[r->at].start == start) {
		*a = r->before.v[r->at];
		return a;
	}
	a->start = start;
	for (size_t i = 0; i < RECALL_POOLS; i++)
		a->pool[i].cls = NEVER_READ;
	return a;
}

void recall_free(struct recall *r)
{
	vec_free(&r->arena);
	vec_free(&r->before);
}

void recall_note(struct recall_pool *p, uint32_t cls, uint32_t live)
{
	uint32_t late = p->cls == WAS_OUT ? live : p->cls == cls ? p->late : 0;

	*p = (struct recall_pool){(uint16_t)live, (uint16_t)late, (uint8_t)cls};
}

bool recall_missed(struct recall_pool *p)
{
	if (p->cls == NEVER_READ)
		p->cls = WAS_OUT;
	return p->cls != WAS_OUT;
}
