/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * In such a build _PyEval_EvalFrameDefault only enters the first handler, and each handler jumps to
 * the next through a table of 256 addresses (instruction_funcptr_handler_table). The table is found
 * by the instruction that loads its address, in the evaluator or in a function that it calls.
 */
#include "places/handlers.h"

#include <stdlib.h>

#include "places/insns.h"
#include "py/versions.h"

#define OPCODES	     256
#define MIN_HANDLERS 100 /* distinct handlers of a table; unknown opcodes share one */
#define MAX_CALLED   32
#define MAX_TRIED    64
#define PADDING	     16 /* bytes: functions begin at multiples of it */

struct search {
	const struct py_runtime *rt;
	struct code_range called[MAX_CALLED]; /* in the file; [0] is the evaluator itself */
	size_t n_called;
	uint64_t tried[MAX_TRIED];
	size_t n_tried;
	uint64_t handler[OPCODES]; /* in the file */
	bool found;
};

static int by_address(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool begins_function(const struct dso *d, uint64_t addr)
{
	struct dso_range fn;
	uint64_t depth;

	return !dso_frame_at(d, addr, &fn, &depth) && fn.addr == addr;
}

static bool is_constant(const struct dso *d, uint64_t at)
{
	/* BOLT writes new ones and leaves the old one where it is used */
	static const char *const sections[] = {".data.rel.ro", ".rodata", ".bolt.org.rodata"};
	struct dso_range r;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (!dso_section(d, sections[i], &r) && at - r.addr < r.size)
			return true;
	return false;
}

static bool is_new(struct search *s, uint64_t at)
{
	for (size_t i = 0; i < s->n_tried; i++)
		if (s->tried[i] == at)
			return false;
	if (s->n_tried == MAX_TRIED)
		return false;
	s->tried[s->n_tried++] = at;
	return true;
}

/* Takes it for the table if a function begins at each entry: a table of labels, as for a switch or
 * computed gotos, has none such. */
static void try_table(struct search *s, uint64_t at)
{
	uint64_t *v = s->handler;
	size_t n_distinct = 0;

	if (s->found || at % 8 || !is_constant(s->rt->dso, at) || !is_new(s, at) ||
	    proc_read(s->rt->proc, at + s->rt->bias, v, sizeof(s->handler)))
		return;
	qsort(v, OPCODES, sizeof(*v), by_address);
	for (size_t i = 0; i < OPCODES; i++) {
		v[i] -= s->rt->bias;
		if (i && v[i] == v[i - 1])
			continue;
		n_distinct++;
		if (!begins_function(s->rt->dso, v[i]))
			return;
	}
	s->found = n_distinct >= MIN_HANDLERS;
}

static void see_called(struct search *s, uint64_t to)
{
	struct dso_range fn;
	uint64_t depth;

	if (s->n_called == MAX_CALLED || dso_frame_at(s->rt->dso, to, &fn, &depth))
		return;
	for (size_t i = 0; i < s->n_called; i++)
		if (s->called[i].start == fn.addr)
			return;
	s->called[s->n_called++] = (struct code_range){fn.addr, fn.addr + fn.size};
}

static void look_for_table(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op,
			   uint64_t at, void *ctx)
{
	struct search *s = ctx;
	uint64_t to;

	if (insns_jump(insn, op, at, &to) || insns_call(insn, op, at, &to)) {
		see_called(s, to);
		return;
	}
	for (int i = 0; i < insn->operand_count_visible; i++) {
		const ZydisDecodedOperand *o = &op[i];

		if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && o->size >= 32)
			try_table(s, o->imm.value.u); /* mov $table, %r: not position independent */
		else if (o->type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		else if (o->mem.base == ZYDIS_REGISTER_RIP &&
			 ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(insn, o, at, &to)))
			try_table(s, to);
		else if (o->mem.index != ZYDIS_REGISTER_NONE && o->mem.scale == 8)
			try_table(s, (uint64_t)o->mem.disp.value); /* jmp *table(,%r,8) */
	}
}

struct handlers {
	const struct dso *d;
	struct code_ranges at;
};

static void add_function(struct handlers *h, uint64_t addr)
{
	struct dso_range fn;
	uint64_t depth;

	if (!dso_frame_at(h->d, addr, &fn, &depth))
		code_ranges_add(&h->at, fn.addr, fn.size);
}

/* Adds the function that a handler jumps to: shared code for errors and returns, or a cold part.
 * Handlers never jump out of the evaluator, for they have a calling convention of their own. */
static void add_target(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op,
		       uint64_t at, void *ctx)
{
	struct handlers *h = ctx;
	uint64_t to;

	if (insns_jump(insn, op, at, &to) && !code_ranges_hold(&h->at, to))
		add_function(h, to);
}

static int by_start(const void *a, const void *b)
{
	const struct code_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static size_t join(struct code_range *v, size_t n)
{
	size_t kept = 0;

	qsort(v, n, sizeof(*v), by_start);
	for (size_t i = 0; i < n; i++)
		if (kept && v[i].start - v[kept - 1].end < PADDING)
			v[kept - 1].end = v[i].end;
		else
			v[kept++] = v[i];
	return kept;
}

size_t places_handlers(const struct py_runtime *rt, struct code_range eval, struct code_range *out,
		       size_t max)
{
	struct handlers h = {rt->dso, {out, 0, max}};
	struct search *s = py_may_have_handlers(rt) ? calloc(1, sizeof(*s)) : NULL;

	if (!s)
		return 0;
	s->rt = rt;
	s->called[s->n_called++] = eval;
	insns_each(rt->dso, eval, look_for_table, s);
	for (size_t i = 1, n = s->n_called; i < n && !s->found; i++)
		insns_each(rt->dso, s->called[i], look_for_table, s);
	for (size_t i = 0; s->found && i < OPCODES; i++)
		add_function(&h, s->handler[i]);
	free(s);
	for (size_t i = 0; i < h.at.n; i++) /* grows meanwhile */
		insns_each(rt->dso, h.at.v[i], add_target, &h);
	h.at.n = join(out, h.at.n);
	for (size_t i = 0; i < h.at.n; i++) {
		out[i].start += rt->bias;
		out[i].end += rt->bias;
	}
	return h.at.n;
}
