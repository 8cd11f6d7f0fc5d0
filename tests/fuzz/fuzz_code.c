/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Code objects, copied out, and the lines of their instructions; records of stacks as the kernel
 * half hands them on.
 *
 * reads: src/py/code.c src/stacks/stacks.c
 */
#include "base/map64.h"
#include "fuzz/world.h"
#include "stacks/stacks.h"

static void ask_code(struct world *w, uint64_t instr)
{
	struct py_code *c;

	if (py_code_read(&w->rt, w->code, &c))
		return;
	py_code_line(&w->rt, c, instr);
	py_code_line(&w->rt, c, w->code + w->rt.layout.code_code + 6);
	py_code_line(&w->rt, c, py_code_instr(&w->rt, c, instr));
	py_code_same(&w->rt, c);
	if (!py_code_file(c) || !py_code_function(c))
		abort();
	py_code_firstline(c);
	py_code_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct world *w = world_take(&in, 24);
	uint32_t n = in_word(&in, 2), said = in_u8(&in) & 1 ? n : n % 8;
	struct pl_stack *rec;
	struct map64 keep = {0};
	struct stacks *s;
	uint64_t instr, *gone = NULL;
	size_t bytes, n_gone;

	bytes = in_u8(&in) & 1 ? in_word(&in, 2) : offsetof(struct pl_stack, frames) + 16 * said;
	instr = in_u64(&in);
	ask_code(w, instr);
	if (stacks_new(&w->rt, &s))
		return 0;
	rec = calloc(1, bytes + 1);
	for (uint64_t id = 1; id < 4; id++) {
		const struct pl_stack head = {.id = id, .n = said};
		const struct pl_frame f = {w->code | (id & 1), instr};

		memcpy(rec, &head, bytes < 16 ? bytes : 16);
		for (size_t at = 16; at + 16 <= bytes; at += 16)
			memcpy((char *)rec + at, &f, 16);
		stacks_add(s, rec, bytes);
	}
	map64_put(&keep, 1);
	if (stacks_find(s, 1))
		stacks_verify(s, stacks_find(s, 1));
	stacks_trim(s, &keep, &gone, &n_gone);
	stacks_mean_depth(s);
	stacks_unread_codes(s);
	stacks_free(s);
	map64_free(&keep);
	free(gone);
	free(rec);
	return 0;
}
