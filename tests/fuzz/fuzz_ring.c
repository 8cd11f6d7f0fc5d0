/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Births as the kernel half records them, and what is made of them: objects looked at, killed by
 * later births, looked at again. The kernel is not hostile, but what it copies is: addresses and
 * types are the target's.
 *
 * reads: src/ladder/ladder.c
 */
#include "base/map64.h"
#include "fuzz/world.h"
#include "ladder/ladder.h"

#define MAX_BIRTHS 48

static struct pl_birth ring[PL_BIRTH_SLOTS];

static void record(struct world *w, struct fuzz_in *in, uint64_t i)
{
	uint8_t which = in_u8(in), how = in_u8(in);
	const struct world_object *o = &w->object[which % w->n_objects];
	struct pl_birth *b = &ring[i & (PL_BIRTH_SLOTS - 1)];

	*b = (struct pl_birth){.object = o->addr,
			       .type = o->type,
			       .stack = 1 + (how & 3),
			       .tid = 42,
			       .lap = (uint16_t)(i / PL_BIRTH_SLOTS + 1)};
	if (how & 16)
		b->object = world_value(w, in, how >> 5, 0);
	if (how & 8)
		b->type = in_u64(in);
	if (how & 4)
		b->lap++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct world *w = world_take(&in, 160);
	uint64_t from = in_u8(&in) & 1 ? PL_BIRTH_SLOTS - 5 : 0, n = in_u8(&in) % MAX_BIRTHS;
	struct pl_stack rec = {.n = 1, .frames = {{w->code, 0}}};
	struct ladder *l = NULL;
	struct stacks *s = NULL;
	struct heap *h;
	size_t count;

	if (heap_open(&w->rt, &h))
		return 0;
	if (!stacks_new(&w->rt, &s) && !ladder_new(h, s, &l)) {
		for (rec.id = 1; rec.id < 4; rec.id++)
			stacks_add(s, &rec, offsetof(struct pl_stack, frames) + 16);
		for (uint64_t i = 0; i < n; i++)
			record(w, &in, from + i);
		ladder_look(l, ring, from, from + n, 1, 1, n & 1);
		ladder_looked_at(l, &count);
		for (uint64_t i = 0; i < n / 4; i++)
			record(w, &in, from + n + i);
		ladder_kill_new(l, ring, from + n, from + n + n / 4);
		ladder_admit(l);
		ladder_look(l, ring, from, from + n, 2, 2, false);
		ladder_kill_old(l, ring, from + n, from + n + n / 8);
		if (n & 2)
			ladder_drop_look(l, n);
		ladder_admit(l);
		count = 0;
		for (uint64_t t = clock_ns(); t && count++ < 8;)
			t = ladder_climb(l, t);
		ladder_drop_partial(l, 1, &(struct ladder_aim){.classes = ~0ull});
		ladder_samples(l, &count);
	}
	ladder_free(l);
	stacks_free(s);
	heap_close(h);
	return 0;
}
