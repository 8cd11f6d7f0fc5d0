/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds values that small exported functions of CPython load: follows a few instructions, with the
 * contents of registers as far as they are constants, global or thread-local variables. This is the
 * only way to the address of a static or thread-local variable in a stripped file.
 */
#include "py/py_priv.h"

#include <Zydis/Zydis.h>

#define MAX_TLS_MODULE 65536

struct machine {
	const struct py_runtime *rt;
	struct py_value reg[16];
	struct py_loads *out;
	uint64_t pc; /* run-time address of the next instruction */
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

enum { RAX = 0, RDI = 7 };

static const struct py_value unknown;

static struct py_value *reg_of(struct machine *m, ZydisRegister r)
{
	ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
	int id =
		ZydisRegisterGetClass(wide) == ZYDIS_REGCLASS_GPR64 ? ZydisRegisterGetId(wide) : -1;

	return id >= 0 && id < 16 ? &m->reg[id] : NULL;
}

static struct py_value moved(struct py_value v, int64_t by)
{
	v.addr += (uint64_t)by;
	v.offset += by;
	return v;
}

/* Reads the word that a known variable has in the target now. */
static bool peek(const struct machine *m, const struct py_value *v, uint64_t *out)
{
	return v->kind == PY_VAL_GLOBAL && !proc_read_u64(m->rt->proc, v->addr, out);
}

/* fs:[reg + disp]: the register holds an offset from a GOT slot or a TLS descriptor. */
static struct py_value fs_address(struct machine *m, const ZydisDecodedOperandMem *mem)
{
	struct py_value v = {.kind = PY_VAL_FSBASE, .offset = mem->disp.value}, *base;
	uint64_t word;

	if (mem->base == ZYDIS_REGISTER_NONE)
		return v;
	base = reg_of(m, mem->base);
	if (base && base->kind == PY_VAL_TLSDESC)
		v.offset += base->offset;
	else if (base && peek(m, base, &word))
		v.offset += (int64_t)word;
	else
		return unknown;
	return v;
}

/* The address that a memory operand names. */
static struct py_value address(struct machine *m, const ZydisDecodedOperandMem *mem)
{
	struct py_value v = {.kind = PY_VAL_ADDR}, *base;

	if (mem->index != ZYDIS_REGISTER_NONE)
		return unknown;
	if (mem->segment == ZYDIS_REGISTER_FS)
		return fs_address(m, mem);
	v.addr = (uint64_t)mem->disp.value;
	if (mem->base == ZYDIS_REGISTER_RIP)
		return moved(v, (int64_t)m->pc);
	if (mem->base == ZYDIS_REGISTER_NONE)
		return v;
	base = reg_of(m, mem->base);
	if (!base)
		return unknown;
	if (base->kind == PY_VAL_GLOBAL) {
		uint64_t word;

		return peek(m, base, &word) ? moved(v, (int64_t)word) : unknown;
	}
	if (base->kind == PY_VAL_ADDR || base->kind == PY_VAL_FSBASE ||
	    base->kind == PY_VAL_TLSADDR)
		return moved(*base, mem->disp.value);
	return unknown;
}

/* The value at an address. */
static struct py_value loaded(struct machine *m, struct py_value at)
{
	if (at.kind == PY_VAL_ADDR) {
		at.kind = PY_VAL_GLOBAL;
	} else if (at.kind == PY_VAL_FSBASE) {
		/* the first word of the thread control block is its own address */
		if (at.offset)
			at.kind = PY_VAL_TLS;
	} else if (at.kind == PY_VAL_TLSADDR) {
		at.kind = PY_VAL_DTV;
	} else {
		return unknown;
	}
	if ((at.kind == PY_VAL_TLS || at.kind == PY_VAL_DTV) && !m->out->tls.kind)
		m->out->tls = at;
	return at;
}

static void note_loads(struct machine *m)
{
	for (int i = 0; i < m->insn.operand_count_visible; i++) {
		const ZydisDecodedOperand *op = &m->op[i];
		struct py_value at;

		if (op->type != ZYDIS_OPERAND_TYPE_MEMORY || op->mem.type != ZYDIS_MEMOP_TYPE_MEM ||
		    m->out->n == PY_MAX_LOADS)
			continue;
		at = address(m, &op->mem);
		if (at.kind != PY_VAL_ADDR)
			continue;
		m->out->v[m->out->n].addr = at.addr;
		m->out->v[m->out->n++].size = (uint8_t)(op->size / 8);
	}
}

/* Knows call __tls_get_addr, rdi = &{module, offset}, and call *(%rax), rax = TLS descriptor. */
static void do_call(struct machine *m)
{
	struct py_value rdi = m->reg[RDI], rax = m->reg[RAX];
	uint64_t pair[2];
	static const uint8_t volatile_regs[] = {0, 1, 2, 6, 7, 8, 9, 10, 11};
	bool through_rax = m->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
			   reg_of(m, m->op[0].mem.base) == &m->reg[RAX];

	if (through_rax && rax.kind == PY_VAL_ADDR &&
	    !proc_read(m->rt->proc, rax.addr, pair, sizeof(pair))) {
		/* such a call keeps all other registers */
		m->reg[RAX] = (struct py_value){.kind = PY_VAL_TLSDESC, .offset = (int64_t)pair[1]};
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(volatile_regs); i++)
		m->reg[volatile_regs[i]] = unknown;
	if (rdi.kind == PY_VAL_ADDR && !proc_read(m->rt->proc, rdi.addr, pair, sizeof(pair)) &&
	    pair[0] && pair[0] < MAX_TLS_MODULE && pair[1] < 1u << 30)
		m->reg[RAX] = (struct py_value){.kind = PY_VAL_TLSADDR,
						.offset = (int64_t)pair[1],
						.module = (uint32_t)pair[0]};
}

static struct py_value source(struct machine *m, const ZydisDecodedOperand *op)
{
	if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		return (struct py_value){.kind = PY_VAL_ADDR, .addr = op->imm.value.u};
	if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
		const struct py_value *r = reg_of(m, op->reg.value);

		return r ? *r : unknown;
	}
	if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->size == 64)
		return loaded(m, address(m, &op->mem));
	return unknown;
}

static void execute(struct machine *m)
{
	struct py_value v = unknown, *to = NULL;
	uint64_t word;

	note_loads(m);
	if (m->insn.mnemonic == ZYDIS_MNEMONIC_CALL) {
		do_call(m);
		return;
	}
	if (m->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER)
		to = reg_of(m, m->op[0].reg.value);
	if (to && m->insn.mnemonic == ZYDIS_MNEMONIC_MOV) {
		v = source(m, &m->op[1]);
	} else if (to && m->insn.mnemonic == ZYDIS_MNEMONIC_LEA) {
		v = address(m, &m->op[1].mem);
	} else if (to && m->insn.mnemonic == ZYDIS_MNEMONIC_ADD) {
		/* add %fs:0, reg: the register had an offset from a GOT slot */
		v = source(m, &m->op[1]);
		if (v.kind != PY_VAL_FSBASE || !peek(m, to, &word))
			v = unknown;
		else
			v.offset += (int64_t)word;
	}
	for (int i = 0; i < m->insn.operand_count; i++)
		if (m->op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    (m->op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)) {
			struct py_value *r = reg_of(m, m->op[i].reg.value);

			if (r)
				*r = r == to ? v : unknown;
		}
}

/* The target of a direct unconditional jump; 0 for any other. */
static uint64_t jump_target(const struct machine *m)
{
	if (m->op[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !m->op[0].imm.is_relative)
		return 0;
	return m->pc + m->op[0].imm.value.u;
}

int py_decode(const struct py_runtime *rt, const char *name, size_t max, bool whole,
	      struct py_loads *out)
{
	struct machine m = {.rt = rt, .out = out};
	ZydisDecoder decoder;
	struct dso_sym sym;

	memset(out, 0, sizeof(*out));
	if (dso_symbol(rt->dso, name, &sym))
		return -ENOENT;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	m.pc = rt->bias + sym.addr;
	for (size_t i = 0; i < max; i++) {
		size_t avail;
		const uint8_t *code = dso_bytes(rt->dso, m.pc - rt->bias, &avail);

		if (!code || !ZYAN_SUCCESS(ZydisDecoderDecodeFull(
				     &decoder, code, avail < 15 ? avail : 15, &m.insn, m.op)))
			return -EILSEQ;
		if (whole && sym.size && m.pc - rt->bias >= sym.addr + sym.size)
			break;
		m.pc += m.insn.length;
		if (m.insn.mnemonic == ZYDIS_MNEMONIC_RET && !whole) {
			out->result = m.reg[RAX];
			break;
		}
		if (m.insn.mnemonic == ZYDIS_MNEMONIC_JMP) {
			note_loads(&m);
			if (whole)
				continue;
			m.pc = jump_target(&m);
			if (!m.pc)
				break;
			continue;
		}
		execute(&m);
	}
	return 0;
}
