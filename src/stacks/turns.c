/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Notes calls of code that a program compiles for each use. Such code comes and goes at one
 * address, so what was told of one may be true of the next, which was never seen there. Its names
 * are trusted as long as no other code is known to be called by the same stack, at the same
 * instruction. */
#include <xxhash.h>

#include "stacks/stacks_priv.h"

#define VARIOUS 1     /* stands for several values */
#define MANY	65536 /* keys: with more, all are forgotten and learnt again */

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
	return XXH64(p, n, h);
}

static uint64_t mix_text(uint64_t h, const char *s)
{
	return mix(h, s, strlen(s) + 1);
}

void turn_add(struct turn *t, const struct pl_frame *raw, const struct stack_frame *f,
	      bool is_pointer)
{
	uint64_t at = raw->instr - (is_pointer ? raw->code & ~PL_FRAME_ENTRY : 0);
	uintptr_t code = (uintptr_t)f->code;

	t->is_unknown |= !f->code || !f->line;
	if (t->is_unknown)
		return;
	if (!py_code_may_go(f->code)) {
		t->by = mix(t->by, &code, sizeof(code));
		t->by = mix(t->by, &f->line, sizeof(f->line));
		return;
	}
	t->by = mix(t->by, &at, sizeof(at));
	t->files = mix_text(t->files, py_code_file(f->code));
	t->lines = mix_text(t->lines, py_code_function(f->code));
	t->lines = mix(t->lines, &f->line, sizeof(f->line));
	t->may_go = true;
}

static void note(struct map64 *m, uint64_t by, uint64_t told)
{
	uint64_t *v = map64_put(m, by);

	if (v && *v != told)
		*v = *v ? VARIOUS : told;
}

/* Two keys of a call: for lines and for files. */
static uint64_t of_lines(uint64_t by)
{
	return by | 2;
}

static uint64_t of_files(uint64_t by)
{
	return by & ~2ull;
}

uint64_t turn_note(struct stacks *s, const struct turn *t)
{
	uint64_t by = t->by | 1;

	if (!t->may_go || t->is_unknown)
		return 0;
	if (s->turns.n > MANY)
		map64_clear(&s->turns);
	note(&s->turns, of_files(by), t->files | 2);
	note(&s->turns, of_lines(by), (t->lines ^ t->files) | 2);
	return by;
}

static bool is_various(const struct stacks *s, uint64_t key)
{
	const uint64_t *v = map64_get(&s->turns, key);

	return v && *v == VARIOUS;
}

bool turns_in_lines(const struct stacks *s, const struct stack *st, uint32_t i)
{
	return st->turn && py_code_may_go(st->frame[i].code) && is_various(s, of_lines(st->turn));
}

bool turns_in_files(const struct stacks *s, const struct stack *st)
{
	return st->turn && is_various(s, of_files(st->turn));
}
