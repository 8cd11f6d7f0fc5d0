/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Walks the instructions of a range of code, and collects functions that they lead to. Addresses
 * are those of the file, before bias. */
#ifndef PYLEAK_PLACES_INSNS_H
#define PYLEAK_PLACES_INSNS_H

#include <Zydis/Zydis.h>

#include "dso/dso.h"
#include "places/evaluator.h"

typedef void (*insns_see)(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op,
			  uint64_t at, void *ctx);
/* Calls @see for each instruction of @r. Bytes that are no code, such as a jump table, are decoded
 * wrongly; some instructions later it is in step again. */
void insns_each(const struct dso *d, struct code_range r, insns_see see, void *ctx);
/* Does @insn, which is at @at, jump to one address, or call it? *to gets the address. */
bool insns_jump(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op, uint64_t at,
		uint64_t *to);
bool insns_call(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op, uint64_t at,
		uint64_t *to);

/* Functions that were collected: each once, as long as there is room. */
struct code_ranges {
	struct code_range *v;
	size_t n, max;
};

bool code_ranges_hold(const struct code_ranges *r, uint64_t addr);
void code_ranges_add(struct code_ranges *r, uint64_t addr, uint64_t size);

#endif
