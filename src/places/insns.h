/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The instructions of a range of code, and the functions that they lead to. Addresses in the file.
 */
#ifndef PYLEAK_PLACES_INSNS_H
#define PYLEAK_PLACES_INSNS_H

#include <Zydis/Zydis.h>

#include "dso/dso.h"
#include "places/evaluator.h"

typedef void (*insns_see)(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op,
			  uint64_t at, void *ctx);
/* Each instruction of @r in turn; after bytes that are none, such as a jump table, it is in step
 * again soon. */
void insns_each(const struct dso *d, struct code_range r, insns_see see, void *ctx);
/* Does @insn jump to one address, or call it? */
bool insns_jump(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op, uint64_t at,
		uint64_t *to);
bool insns_call(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op, uint64_t at,
		uint64_t *to);

/* Ranges that are filled in: functions, each once, as long as there is room. */
struct code_ranges {
	struct code_range *v;
	size_t n, max;
};

bool code_ranges_hold(const struct code_ranges *r, uint64_t addr);
void code_ranges_add(struct code_ranges *r, uint64_t addr, uint64_t size);

#endif
