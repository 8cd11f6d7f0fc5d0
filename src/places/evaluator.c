/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the code of the evaluator lies: its exported symbol covers the hot part; compilers put what
 * rarely runs elsewhere, as a function without a name that is entered by jumps. Such a jump differs
 * from a tail call: at its target the evaluator's C frame is still there.
 */
#include "places/evaluator.h"

#include <Zydis/Zydis.h>

#include "places/handlers.h"

#define CALLED 8 /* only the return address lies between the stack pointers */

static bool add_range(struct code_range *out, size_t *n, size_t max, uint64_t start, uint64_t size)
{
	for (size_t i = 0; i < *n; i++)
		if (out[i].start == start)
			return true;
	if (*n == max)
		return false;
	out[(*n)++] = (struct code_range){start, start + size};
	return true;
}

static bool inside(const struct code_range *v, size_t n, uint64_t addr)
{
	for (size_t i = 0; i < n; i++)
		if (addr - v[i].start < v[i].end - v[i].start)
			return true;
	return false;
}

/* Addresses in the file. */
static void follow_jumps(const struct dso *d, struct code_range *out, size_t *n, size_t max)
{
	uint64_t at = out[0].start, end = out[0].end;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	ZydisDecoder decoder;
	size_t avail;
	const uint8_t *p = dso_bytes(d, at, &avail);

	if (!p || avail < end - at ||
	    !ZYAN_SUCCESS(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return;
	while (at < end) {
		struct dso_range fn;
		uint64_t to, depth;

		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, p, end - at, &insn, op))) {
			at++; /* a jump table: in step again after a few bytes */
			p++;
			continue;
		}
		if ((insn.meta.category == ZYDIS_CATEGORY_COND_BR ||
		     insn.meta.category == ZYDIS_CATEGORY_UNCOND_BR) &&
		    op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
		    ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&insn, &op[0], at, &to)) &&
		    !inside(out, *n, to) && !dso_frame_at(d, to, &fn, &depth) && depth != CALLED &&
		    !add_range(out, n, max, fn.addr, fn.size))
			return;
		at += insn.length;
		p += insn.length;
	}
}

size_t places_evaluator(const struct py_runtime *rt, struct code_range *out, size_t max)
{
	struct dso_sym sym;
	size_t n = 0;

	if (!max || dso_symbol(rt->dso, "_PyEval_EvalFrameDefault", &sym) || !sym.size)
		return 0;
	/* Where there are handlers the function called so stays below them, and runs nothing. */
	n = places_handlers(rt, (struct code_range){sym.addr, sym.addr + sym.size}, out, max);
	if (n)
		return n;
	add_range(out, &n, max, sym.addr, sym.size);
	follow_jumps(rt->dso, out, &n, max);
	for (size_t i = 0; i < n; i++) {
		out[i].start += rt->bias;
		out[i].end += rt->bias;
	}
	return n;
}
