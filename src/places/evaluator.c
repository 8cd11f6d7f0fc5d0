/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The exported symbol covers the hot part of the evaluator. Compilers put code that rarely runs
 * elsewhere, as a function without a name that is entered by jumps. Such a jump differs from a tail
 * call: at its target the evaluator's C frame is still there.
 */
#include "places/evaluator.h"

#include "places/handlers.h"
#include "places/insns.h"
#include "places/places.h"
#include "py/versions.h"

#define CALLED 8 /* depth of the frame where a called function begins: the return address */

struct parts {
	const struct dso *d;
	struct code_ranges at; /* in the file; the first is the symbol's */
};

static void follow_jump(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op,
			uint64_t at, void *ctx)
{
	struct parts *p = ctx;
	struct dso_range fn;
	uint64_t to, depth;

	if (insns_jump(insn, op, at, &to) && !code_ranges_hold(&p->at, to) &&
	    !dso_frame_at(p->d, to, &fn, &depth) && depth != CALLED)
		code_ranges_add(&p->at, fn.addr, fn.size);
}

static bool find_function(const struct py_runtime *rt, struct dso_sym *out)
{
	return !dso_symbol(rt->dso, "_PyEval_EvalFrameDefault", out) && out->size;
}

/* Finds the handlers. Where there are some, they alone are the evaluator: the function with its
 * name stays below them on the stack, and runs no Python code. */
static size_t handlers(const struct py_runtime *rt, const struct dso_sym *sym,
		       struct code_range *out, size_t max)
{
	return places_handlers(rt, (struct code_range){sym->addr, sym->addr + sym->size}, out, max);
}

enum py_fact places_tail_calls(const struct py_runtime *rt)
{
	struct code_range one[1];
	struct dso_sym sym;

	if (!py_may_have_handlers(rt))
		return PY_NO;
	if (!find_function(rt, &sym))
		return PY_UNKNOWN;
	return handlers(rt, &sym, one, 1) ? PY_YES : PY_NO;
}

size_t places_evaluator(const struct py_runtime *rt, struct code_range *out, size_t max)
{
	struct parts p = {rt->dso, {out, 0, max}};
	struct dso_sym sym;
	size_t n;

	if (!max || !find_function(rt, &sym))
		return 0;
	n = handlers(rt, &sym, out, max);
	if (n)
		return n;
	code_ranges_add(&p.at, sym.addr, sym.size);
	insns_each(rt->dso, out[0], follow_jump, &p);
	for (size_t i = 0; i < p.at.n; i++) {
		out[i].start += rt->bias;
		out[i].end += rt->bias;
	}
	return p.at.n;
}
