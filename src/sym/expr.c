/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Evaluates the DWARF expressions of call frame information. They use registers, the canonical
 * frame address, words of the copied stack, and arithmetic (in PLT stubs). */
#include "sym/sym_priv.h"

#include <dwarf.h>

#define STACK 32
#define STEPS 512 /* operations at most: an expression may branch back */

struct machine {
	struct sym_eval *e;
	uint64_t v[STACK];
	size_t n;
};

bool sym_read_word(const struct sym_copy *c, uint64_t addr, uint64_t *out)
{
	if (addr < c->start || c->len < 8 || addr - c->start > c->len - 8)
		return false;
	memcpy(out, c->data + (addr - c->start), 8);
	return true;
}

static bool push(struct machine *m, uint64_t v)
{
	if (m->n == STACK)
		return false;
	m->v[m->n++] = v;
	return true;
}

static bool pop(struct machine *m, uint64_t *v)
{
	if (!m->n)
		return false;
	*v = m->v[--m->n];
	return true;
}

static bool push_reg(struct machine *m, uint64_t reg, uint64_t offset)
{
	if (reg >= SYM_REGS || !(m->e->regs->known & 1u << reg))
		return false;
	return push(m, m->e->regs->v[reg] + offset);
}

static bool deref(struct machine *m, uint64_t size)
{
	uint64_t addr, v;

	if (size < 1 || size > 8 || !pop(m, &addr))
		return false;
	if (!sym_read_word(m->e->memory, addr, &v)) {
		m->e->is_outside = true;
		return false;
	}
	return push(m, size == 8 ? v : v & ((1ull << 8 * size) - 1));
}

static bool binary(struct machine *m, unsigned op)
{
	uint64_t a, b;

	if (!pop(m, &b) || !pop(m, &a))
		return false;
	switch (op) {
	case DW_OP_and:
		return push(m, a & b);
	case DW_OP_or:
		return push(m, a | b);
	case DW_OP_xor:
		return push(m, a ^ b);
	case DW_OP_plus:
		return push(m, a + b);
	case DW_OP_minus:
		return push(m, a - b);
	case DW_OP_mul:
		return push(m, a * b);
	case DW_OP_shl:
		return push(m, b < 64 ? a << b : 0);
	case DW_OP_shr:
		return push(m, b < 64 ? a >> b : 0);
	case DW_OP_shra:
		b = b < 64 ? b : 63;
		return push(m, a >> 63 ? ~(~a >> b) : a >> b);
	case DW_OP_eq:
		return push(m, a == b);
	case DW_OP_ne:
		return push(m, a != b);
	case DW_OP_ge:
		return push(m, (int64_t)a >= (int64_t)b);
	case DW_OP_gt:
		return push(m, (int64_t)a > (int64_t)b);
	case DW_OP_le:
		return push(m, (int64_t)a <= (int64_t)b);
	case DW_OP_lt:
		return push(m, (int64_t)a < (int64_t)b);
	default:
		return false;
	}
}

static bool arrange(struct machine *m, const Dwarf_Op *op)
{
	uint64_t a, b, c;

	switch (op->atom) {
	case DW_OP_dup:
		return m->n >= 1 && push(m, m->v[m->n - 1]);
	case DW_OP_drop:
		return pop(m, &a);
	case DW_OP_over:
		return m->n >= 2 && push(m, m->v[m->n - 2]);
	case DW_OP_pick:
		return op->number < m->n && push(m, m->v[m->n - 1 - op->number]);
	case DW_OP_swap:
		return pop(m, &a) && pop(m, &b) && push(m, a) && push(m, b);
	case DW_OP_rot:
		return pop(m, &a) && pop(m, &b) && pop(m, &c) && push(m, a) && push(m, c) &&
		       push(m, b);
	case DW_OP_neg:
		return pop(m, &a) && push(m, -a);
	case DW_OP_not:
		return pop(m, &a) && push(m, ~a);
	default:
		return binary(m, op->atom);
	}
}

static bool step(struct machine *m, const Dwarf_Op *op)
{
	unsigned a = op->atom;

	if (a >= DW_OP_lit0 && a <= DW_OP_lit31)
		return push(m, a - DW_OP_lit0);
	if (a >= DW_OP_breg0 && a <= DW_OP_breg31)
		return push_reg(m, a - DW_OP_breg0, op->number);
	switch (a) {
	case DW_OP_bregx:
		return push_reg(m, op->number, op->number2);
	case DW_OP_addr:
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		return push(m, op->number);
	case DW_OP_plus_uconst:
		return m->n && (m->v[m->n - 1] += op->number, true);
	case DW_OP_call_frame_cfa:
		return m->e->has_cfa && push(m, m->e->cfa);
	case DW_OP_deref:
		return deref(m, 8);
	case DW_OP_deref_size:
		return deref(m, op->number);
	case DW_OP_nop:
		return true;
	default:
		return arrange(m, op);
	}
}

/* Returns the index of the operation that the branch @i leads to; @n: it leads to none. */
static size_t target(const Dwarf_Op *ops, size_t n, size_t i)
{
	Dwarf_Word to = ops[i].offset + 3 + (Dwarf_Word)(int16_t)ops[i].number;

	for (size_t k = 0; k < n; k++)
		if (ops[k].offset == to)
			return k;
	return n;
}

/* Does the operation name a register, rather than an address in memory? */
static bool is_register(const Dwarf_Op *op, uint64_t *reg)
{
	if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31) {
		*reg = op->atom - DW_OP_reg0;
		return true;
	}
	*reg = op->number;
	return op->atom == DW_OP_regx;
}

bool sym_eval(struct sym_eval *e, const Dwarf_Op *ops, size_t n, bool as_location, uint64_t *out)
{
	struct machine m = {.e = e};
	uint64_t reg, cond;
	size_t i = 0;

	for (int steps = 0; i < n; steps++) {
		if (steps == STEPS)
			return false;
		if (is_register(&ops[i], &reg)) {
			as_location = false;
			if (!push_reg(&m, reg, 0))
				return false;
			i++;
		} else if (ops[i].atom == DW_OP_stack_value) {
			as_location = false;
			i++;
		} else if (ops[i].atom == DW_OP_skip || ops[i].atom == DW_OP_bra) {
			bool jump = ops[i].atom == DW_OP_skip || (pop(&m, &cond) && cond);

			i = jump ? target(ops, n, i) : i + 1;
		} else if (!step(&m, &ops[i++])) {
			return false;
		}
	}
	if (as_location && !deref(&m, 8))
		return false;
	return pop(&m, out);
}
