/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Executes a few instructions symbolically, to know which register or stack slot of the start a
 * value comes from. A result that is not understood becomes unknown, never a guess. */
#include "places/births_priv.h"

#define RSP 4
#define RBP 5

bool births_decode(const struct births_finder *f, uint64_t addr, struct births_insn *out)
{
	size_t avail;
	const uint8_t *p = dso_bytes(f->d, addr, &avail);

	out->addr = addr;
	return p && ZYAN_SUCCESS(ZydisDecoderDecodeFull(&f->decoder, p, avail < 15 ? avail : 15,
							&out->i, out->op));
}

int births_gpr(ZydisRegister r)
{
	ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);

	return wide >= ZYDIS_REGISTER_RAX && wide <= ZYDIS_REGISTER_R15
		       ? (int)(wide - ZYDIS_REGISTER_RAX)
		       : -1;
}

void births_start(struct births_state *s)
{
	memset(s, 0, sizeof(*s));
	for (uint8_t i = 0; i < 16; i++)
		s->r[i] = (struct births_value){BIRTHS_ORIGIN, i, 0};
}

void births_restart(struct births_state *s)
{
	s->n_slots = 0;
	s->slots_lost = false;
	for (uint8_t i = 0; i < 16; i++)
		if (s->r[i].kind == BIRTHS_ORIGIN || s->r[i].kind == BIRTHS_SLOT ||
		    s->r[i].kind == BIRTHS_UNKNOWN)
			s->r[i] = (struct births_value){BIRTHS_ORIGIN, i, 0};
}

uint64_t births_relative(const struct births_insn *in)
{
	ZyanU64 target = 0;

	if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&in->i, &in->op[0], in->addr, &target)))
		return 0;
	return target;
}

bool births_is_end(const struct births_insn *in)
{
	return in->i.meta.category == ZYDIS_CATEGORY_RET ||
	       in->i.meta.category == ZYDIS_CATEGORY_INTERRUPT ||
	       in->i.mnemonic == ZYDIS_MNEMONIC_UD2 || in->i.mnemonic == ZYDIS_MNEMONIC_HLT;
}

bool births_writes_zf(const struct births_insn *in)
{
	const ZydisAccessedFlags *c = in->i.cpu_flags;

	return c && ((c->modified | c->set_0 | c->set_1 | c->undefined) & ZYDIS_CPUFLAG_ZF);
}

bool births_is_refcount_store(const struct births_insn *in)
{
	return in->i.mnemonic == ZYDIS_MNEMONIC_MOV &&
	       in->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY && in->op[0].size == 64 &&
	       in->op[0].mem.index == ZYDIS_REGISTER_NONE && births_gpr(in->op[0].mem.base) >= 0 &&
	       in->op[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && in->op[1].imm.value.s == 1;
}

static struct births_value offset_by(struct births_value v, int64_t n)
{
	if (v.kind != BIRTHS_ORIGIN && v.kind != BIRTHS_CONST)
		return (struct births_value){0};
	v.n = (int64_t)((uint64_t)v.n + (uint64_t)n);
	return v;
}

struct births_value births_mem_address(const struct births_state *s, const struct births_insn *in,
				       const ZydisDecodedOperand *op)
{
	const struct births_value unknown = {0};
	int64_t disp = op->mem.disp.value;
	int base;

	if (op->mem.segment == ZYDIS_REGISTER_FS || op->mem.segment == ZYDIS_REGISTER_GS ||
	    op->mem.index != ZYDIS_REGISTER_NONE)
		return unknown;
	if (op->mem.base == ZYDIS_REGISTER_NONE)
		return (struct births_value){BIRTHS_CONST, 0, disp};
	if (op->mem.base == ZYDIS_REGISTER_RIP)
		return (struct births_value){BIRTHS_CONST, 0,
					     (int64_t)(in->addr + in->i.length + (uint64_t)disp)};
	base = births_gpr(op->mem.base);
	return base < 0 ? unknown : offset_by(s->r[base], disp);
}

static struct births_value load_constant(const struct births_finder *f, uint64_t addr,
					 unsigned bits)
{
	const char *name;
	uint64_t target;

	if (f->word && addr == f->word && bits == (f->tracer ? 64 : 32))
		return (struct births_value){.kind = BIRTHS_WORD};
	if (f->word && f->tracer && addr == f->word + 8 && bits == 64)
		return (struct births_value){.kind = BIRTHS_DATA};
	for (size_t i = 0; i < f->n_slots; i++)
		if (addr == f->slots[i] && bits == 64)
			return (struct births_value){BIRTHS_CONST, 0, (int64_t)f->base};
	if (bits == 64 && !dso_reloc(f->d, addr, &name, &target) && target)
		return (struct births_value){BIRTHS_CONST, 0, (int64_t)target};
	return (struct births_value){0};
}

static struct births_value load(const struct births_finder *f, const struct births_state *s,
				struct births_value at, unsigned bits)
{
	const struct births_value unknown = {0};

	if (at.kind == BIRTHS_CONST)
		return load_constant(f, (uint64_t)at.n, bits);
	if (at.kind != BIRTHS_ORIGIN || bits != 64 || s->slots_lost)
		return unknown;
	for (size_t i = 0; i < s->n_slots; i++) {
		const struct births_slot *m = &s->slot[i];

		if (m->reg != at.reg)
			continue;
		if (m->at == at.n)
			return m->v;
		if (m->at < at.n + 8 && at.n < m->at + 8)
			return unknown;
	}
	return (struct births_value){BIRTHS_SLOT, at.reg, at.n};
}

/* Stores @v. A write through a pointer of unknown origin is supposed to miss the slots that are
 * followed. */
static void store(struct births_state *s, struct births_value at, unsigned bits,
		  struct births_value v)
{
	int64_t size = bits / 8;

	if (at.kind != BIRTHS_ORIGIN)
		return;
	for (size_t i = 0; i < s->n_slots; i++) {
		struct births_slot *m = &s->slot[i];

		if (m->reg == at.reg && m->at != at.n && m->at < at.n + size && at.n < m->at + 8)
			m->v = (struct births_value){0};
	}
	for (int64_t o = 0; o < size; o += 8) {
		struct births_slot *m = NULL;

		for (size_t i = 0; i < s->n_slots && !m; i++)
			if (s->slot[i].reg == at.reg && s->slot[i].at == at.n + o)
				m = &s->slot[i];
		if (!m && s->n_slots == ARRAY_SIZE(s->slot)) {
			s->slots_lost = true;
			return;
		}
		if (!m)
			m = &s->slot[s->n_slots++];
		*m = (struct births_slot){at.reg, at.n + o, v};
		if (size != 8)
			m->v = (struct births_value){0};
	}
}

struct births_value births_operand(const struct births_finder *f, const struct births_state *s,
				   const struct births_insn *in, const ZydisDecodedOperand *op)
{
	struct births_value v = {0};
	int r;

	switch (op->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		r = births_gpr(op->reg.value);
		if (r < 0)
			return v;
		v = s->r[r];
		/* Half of a pointer is no pointer; the low half of a constant, or of a register
		 * that the flag was loaded to, is the value. */
		if (op->size == 64 || (op->size == 32 && v.kind == BIRTHS_WORD && !f->tracer))
			return v;
		if (op->size == 32 && v.kind == BIRTHS_CONST)
			return (struct births_value){BIRTHS_CONST, 0, (uint32_t)v.n};
		return (struct births_value){0};
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		v = (struct births_value){BIRTHS_CONST, 0, op->imm.value.s};
		return v;
	case ZYDIS_OPERAND_TYPE_MEMORY:
		if (op->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
			return births_mem_address(s, in, op);
		return load(f, s, births_mem_address(s, in, op), op->size);
	default:
		return v;
	}
}

/* Does it read the tracer's data, by a base that was on the stack when the word was read? */
static bool is_data_by_spilled_base(const struct births_finder *f, const struct births_state *s,
				    const ZydisDecodedOperand *op)
{
	const int base = births_gpr(op->mem.base);

	return f->tracer && base >= 0 && op->size == 64 && op->mem.index == ZYDIS_REGISTER_NONE &&
	       s->r[base].kind == BIRTHS_SLOT && (s->r[base].reg == RSP || s->r[base].reg == RBP) &&
	       (uint64_t)op->mem.disp.value == f->word + 8 - f->base;
}

static void note_refs(const struct births_finder *f, struct births_state *s,
		      const struct births_insn *in)
{
	for (size_t i = 0; i < in->i.operand_count_visible; i++) {
		const ZydisDecodedOperand *op = &in->op[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->mem.type == ZYDIS_MEMOP_TYPE_MEM &&
		    (op->actions & ZYDIS_OPERAND_ACTION_READ) && s->n_refs < BIRTHS_MAX_REFS &&
		    (births_operand(f, s, in, op).kind == BIRTHS_DATA ||
		     is_data_by_spilled_base(f, s, op)))
			s->refs[s->n_refs++] = in->addr;
	}
}

/* Gives the value that an instruction leaves in its first operand. */
static struct births_value result_of(const struct births_finder *f, const struct births_state *s,
				     const struct births_insn *in)
{
	struct births_value a, b;

	switch (in->i.mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
	case ZYDIS_MNEMONIC_LEA:
		b = births_operand(f, s, in, &in->op[1]);
		if (in->op[0].size == 32 && b.kind == BIRTHS_CONST)
			b.n = (uint32_t)b.n;
		else if (in->op[0].size == 32 && b.kind != BIRTHS_WORD)
			b.kind = BIRTHS_UNKNOWN;
		return in->op[0].size >= 32 ? b : (struct births_value){0};
	case ZYDIS_MNEMONIC_XOR:
	case ZYDIS_MNEMONIC_SUB:
		if (in->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER && in->op[0].size >= 32 &&
		    in->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    in->op[0].reg.value == in->op[1].reg.value)
			return (struct births_value){BIRTHS_CONST, 0, 0};
		if (in->i.mnemonic == ZYDIS_MNEMONIC_XOR)
			break;
		/* fall through */
	case ZYDIS_MNEMONIC_ADD:
		if (in->op[0].size != 64 || in->op[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
			break;
		a = births_operand(f, s, in, &in->op[0]);
		return offset_by(a, in->i.mnemonic == ZYDIS_MNEMONIC_SUB ? -in->op[1].imm.value.s
									 : in->op[1].imm.value.s);
	default:
		break;
	}
	return (struct births_value){0};
}

static void step_stack(const struct births_finder *f, struct births_state *s,
		       const struct births_insn *in)
{
	struct births_value v;
	int r;

	if (in->i.mnemonic == ZYDIS_MNEMONIC_PUSH) {
		v = births_operand(f, s, in, &in->op[0]);
		s->r[RSP] = offset_by(s->r[RSP], -8);
		store(s, s->r[RSP], 64, v);
		return;
	}
	v = load(f, s, s->r[RSP], 64);
	s->r[RSP] = offset_by(s->r[RSP], 8);
	r = in->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER ? births_gpr(in->op[0].reg.value) : -1;
	if (r >= 0)
		s->r[r] = v;
}

void births_step(const struct births_finder *f, struct births_state *s,
		 const struct births_insn *in)
{
	struct births_value v;

	note_refs(f, s, in);
	if ((in->i.mnemonic == ZYDIS_MNEMONIC_PUSH || in->i.mnemonic == ZYDIS_MNEMONIC_POP) &&
	    in->op[0].size == 64) {
		step_stack(f, s, in);
		return;
	}
	v = result_of(f, s, in);
	for (size_t i = 0; i < in->i.operand_count; i++) {
		const ZydisDecodedOperand *op = &in->op[i];
		struct births_value left = {0};

		if (!(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		if (i == 0)
			left = v;
		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
			int r = births_gpr(op->reg.value);

			if (r >= 0)
				s->r[r] = left;
		} else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY &&
			   op->mem.type == ZYDIS_MEMOP_TYPE_MEM) {
			store(s, births_mem_address(s, in, op), op->size, left);
		}
	}
}

void births_call(struct births_state *s)
{
	static const uint8_t regs[] = {0, 1, 2, 6, 7, 8, 9, 10, 11}; /* rax - rdx, rsi - r11 */

	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		s->r[regs[i]] = (struct births_value){0};
}
