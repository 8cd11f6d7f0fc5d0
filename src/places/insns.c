/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "places/insns.h"

void insns_each(const struct dso *d, struct code_range r, insns_see see, void *ctx)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	ZydisDecoder decoder;
	size_t avail;
	const uint8_t *p = dso_bytes(d, r.start, &avail);

	if (!p || avail < r.end - r.start ||
	    !ZYAN_SUCCESS(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return;
	for (uint64_t at = r.start; at < r.end;) {
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, p + (at - r.start), r.end - at,
							 &insn, op))) {
			at++;
			continue;
		}
		see(&insn, op, at, ctx);
		at += insn.length;
	}
}

static bool leads_to(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op,
		     uint64_t at, uint64_t *to)
{
	return op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
	       ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(insn, &op[0], at, to));
}

bool insns_jump(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op, uint64_t at,
		uint64_t *to)
{
	return (insn->meta.category == ZYDIS_CATEGORY_COND_BR ||
		insn->meta.category == ZYDIS_CATEGORY_UNCOND_BR) &&
	       leads_to(insn, op, at, to);
}

bool insns_call(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op, uint64_t at,
		uint64_t *to)
{
	return insn->meta.category == ZYDIS_CATEGORY_CALL && leads_to(insn, op, at, to);
}

bool code_ranges_hold(const struct code_ranges *r, uint64_t addr)
{
	for (size_t i = 0; i < r->n; i++)
		if (addr - r->v[i].start < r->v[i].end - r->v[i].start)
			return true;
	return false;
}

void code_ranges_add(struct code_ranges *r, uint64_t addr, uint64_t size)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].start == addr)
			return;
	if (r->n < r->max)
		r->v[r->n++] = (struct code_range){addr, addr + size};
}
