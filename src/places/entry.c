/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* places_find_entry(): finds an instruction that every call of a function passes once, early enough
 * that its arguments are still in registers, and that the kernel emulates. An instruction that must
 * be single-stepped costs 3 to 15 times as much per hit. */
#include "places/places.h"

#include <Zydis/Zydis.h>

#define ENTRY_MAX_INSNS	 64    /* most instructions of the first basic block */
#define ENTRY_MAX_VISITS 16384 /* instructions of the function searched for jumps back */

#define NO_REG (-1)
#define RSP    4
#define CALLED 8 /* depth of the frame where a called function begins: the return address */

struct entry {
	const struct dso *d;
	const char *name;
	uint64_t start;
	ZydisDecoder decoder;
	int arg[6];	   /* x86 numbers of the wanted arguments, in order of the call */
	uint32_t holds[6]; /* registers in which each is at hand now, one bit each */
	int n_args;
	bool rsp_moved;
};

struct insn {
	ZydisDecodedInstruction i;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

static bool decode(const struct entry *e, uint64_t addr, struct insn *out)
{
	size_t avail;
	const uint8_t *p = dso_bytes(e->d, addr, &avail);

	return p && ZYAN_SUCCESS(ZydisDecoderDecodeFull(&e->decoder, p, avail < 15 ? avail : 15,
							&out->i, out->op));
}

static int gpr(ZydisRegister r)
{
	ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);

	return wide >= ZYDIS_REGISTER_RAX && wide <= ZYDIS_REGISTER_R15
		       ? (int)(wide - ZYDIS_REGISTER_RAX)
		       : NO_REG;
}

static bool is_branch(const struct insn *in)
{
	return in->i.meta.category == ZYDIS_CATEGORY_CALL ||
	       in->i.meta.category == ZYDIS_CATEGORY_RET ||
	       in->i.meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
	       in->i.meta.category == ZYDIS_CATEGORY_COND_BR;
}

/* Ranks a place: 0 = the kernel does not emulate it. 2 = kernels from 5.10 on do (arch/x86/kernel/
 * uprobes.c: branch_setup_xol_ops, push_setup_xol_ops); 1 = only 6.18 and later do: nops of three
 * bytes and more. */
static int emulated(const struct insn *in)
{
	const bool relative = in->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
	const uint8_t opcode = in->i.opcode;

	if (in->i.mnemonic == ZYDIS_MNEMONIC_NOP)
		return in->i.length <= 2 ? 2 : in->i.length <= 8 ? 1 : 0;
	if (in->i.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE)
		return 0;
	switch (in->i.meta.category) {
	case ZYDIS_CATEGORY_COND_BR: /* not jrcxz and loop */
		return in->i.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT
			       ? (opcode & 0xf0) == 0x70 ? 2 : 0
		       : (opcode & 0xf0) == 0x80 ? 2
						 : 0;
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_CALL:
		return relative ? 2 : 0;
	case ZYDIS_CATEGORY_PUSH: /* push r64, alone or with the prefix 41 of r8 - r15 */
		if (in->i.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT || (opcode & 0xf8) != 0x50)
			return 0;
		return in->i.length == 1 || (in->i.length == 2 && in->i.raw.rex.offset == 0 &&
					     in->i.raw.rex.B && !in->i.raw.rex.W &&
					     !in->i.raw.rex.R && !in->i.raw.rex.X)
			       ? 2
			       : 0;
	default:
		return 0;
	}
}

/* Follows the arguments through copies; a register that is written otherwise holds none of them. */
static void track(struct entry *e, const struct insn *in)
{
	int to = NO_REG, from = NO_REG;

	if (in->i.mnemonic == ZYDIS_MNEMONIC_MOV && in->op[0].size == 64 &&
	    in->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    in->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER) {
		to = gpr(in->op[0].reg.value);
		from = gpr(in->op[1].reg.value);
	}
	for (size_t i = 0; i < in->i.operand_count; i++) {
		int r;

		if (in->op[i].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(in->op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		r = gpr(in->op[i].reg.value);
		if (r == NO_REG)
			continue;
		e->rsp_moved |= r == RSP;
		for (int a = 0; a < e->n_args; a++) {
			if (r == to && from != NO_REG && (e->holds[a] & (1u << from)))
				e->holds[a] |= 1u << r;
			else
				e->holds[a] &= ~(1u << r);
		}
	}
}

/* Are all arguments known? Only two registers can be reported, so from the third on an argument
 * must be in the register that it was passed in. */
static bool args_at_hand(const struct entry *e)
{
	for (int a = 0; a < e->n_args; a++)
		if (!e->holds[a] || (a >= 2 && !(e->holds[a] & (1u << e->arg[a]))))
			return false;
	return true;
}

static int holder(const struct entry *e, int a)
{
	if (a >= e->n_args)
		return NO_REG;
	if (e->holds[a] & (1u << e->arg[a]))
		return e->arg[a];
	return __builtin_ctz(e->holds[a]);
}

/* A set of addresses, by open addressing, with twice the room that it needs. */
struct visited {
	uint64_t slot[2 * ENTRY_MAX_VISITS];
	uint64_t todo[ENTRY_MAX_VISITS];
	size_t n_todo;
};

static bool visit(struct visited *v, uint64_t addr)
{
	size_t i = (size_t)(addr * 0x9e3779b97f4a7c15ull >> 32) % ARRAY_SIZE(v->slot);

	while (v->slot[i] && v->slot[i] != addr)
		i = (i + 1) % ARRAY_SIZE(v->slot);
	if (v->slot[i] == addr)
		return false;
	v->slot[i] = addr;
	return true;
}

/* Finds the lowest address after the start, up to @end, that a jump of the function goes to: a
 * probe there or later would be hit again in loops. Follows jumps into cold parts. Targets of jump
 * tables are not seen: compilers do not put them into the first block. */
static int lowest_jump_back(const struct entry *e, uint64_t end, uint64_t *out)
{
	struct visited *v = calloc(1, sizeof(*v));
	size_t visits = 0;

	*out = UINT64_MAX;
	if (!v)
		return fail(-ENOMEM, "out of memory");
	v->todo[v->n_todo++] = e->start;
	while (v->n_todo) {
		uint64_t at = v->todo[--v->n_todo];
		struct insn in;

		while (visit(v, at) && decode(e, at, &in)) {
			bool jump = in.i.meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
				    in.i.meta.category == ZYDIS_CATEGORY_COND_BR;
			ZyanU64 target;

			if (++visits == ENTRY_MAX_VISITS || v->n_todo == ENTRY_MAX_VISITS) {
				free(v);
				return fail(-ENOTSUP, "%s: %s is too large to look for loops",
					    dso_path(e->d), e->name);
			}
			if (jump && in.op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
			    ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&in.i, &in.op[0], at, &target))) {
				if (target > e->start && target <= end && target < *out)
					*out = target;
				v->todo[v->n_todo++] = target;
			}
			if (in.i.meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
			    in.i.meta.category == ZYDIS_CATEGORY_RET ||
			    in.i.mnemonic == ZYDIS_MNEMONIC_UD2 ||
			    in.i.mnemonic == ZYDIS_MNEMONIC_HLT)
				break;
			at += in.i.length;
		}
	}
	free(v);
	return 0;
}

struct choice {
	uint64_t addr;
	int rank;
	int first, second;
};

/* Chooses the first good place of the first basic block, its last branch included, and a long nop
 * only where there is nothing better. The place is before @limit. */
static void choose(struct entry *e, uint64_t limit, bool want_return, struct choice *out)
{
	uint64_t at = e->start;

	*out = (struct choice){0};
	for (int n = 0; n < ENTRY_MAX_INSNS && at < limit; n++) {
		struct insn in;
		int rank;

		if (!decode(e, at, &in) || !args_at_hand(e) || (want_return && e->rsp_moved))
			return;
		rank = emulated(&in);
		if (rank > out->rank)
			*out = (struct choice){at, rank, holder(e, 0), holder(e, 1)};
		if (rank == 2 || is_branch(&in))
			return;
		track(e, &in);
		at += in.i.length;
	}
}

static void arguments(struct entry *e, uint32_t mask)
{
	static const int order[] = {7, 6, 2, 1, 8, 9}; /* rdi, rsi, rdx, rcx, r8, r9 */

	e->n_args = 0;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (mask & (1u << order[i])) {
			e->holds[e->n_args] = 1u << order[i];
			e->arg[e->n_args++] = order[i];
		}
	e->rsp_moved = false;
}

static int find_at(const struct dso *d, uint64_t addr, const char *name, uint32_t args_mask,
		   bool want_return, struct places_point *out, int *second)
{
	struct entry e = {.d = d, .name = name, .start = addr};
	struct choice c;
	uint64_t limit;
	int err;

	if (args_mask & ~0x3c6u)
		return fail(-EINVAL, "%s: no argument is passed in one of the registers asked for",
			    name);
	ZydisDecoderInit(&e.decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	arguments(&e, args_mask);
	choose(&e, UINT64_MAX, want_return, &c);
	if (c.rank) {
		err = lowest_jump_back(&e, c.addr, &limit);
		if (err)
			return err;
		arguments(&e, args_mask);
		choose(&e, limit, want_return, &c);
	}
	if (!c.rank)
		return fail(-ENOTSUP, "%s: %s has no place for a cheap probe", dso_path(d), name);
	*out = (struct places_point){.addr = c.addr};
	if (c.first != NO_REG)
		out->site.reg = (uint8_t)c.first;
	if (second)
		*second = c.second;
	return dso_addr_to_offset(d, c.addr, &out->offset);
}

int places_find_entry(const struct dso *d, const char *name, uint32_t args_mask, bool want_return,
		      struct places_point *out, int *second)
{
	struct dso_sym sym;

	if (dso_symbol(d, name, &sym))
		return fail(-ENOENT, "%s has no function %s", dso_path(d), name);
	return find_at(d, sym.addr, name, args_mask, want_return, out, second);
}

int places_find_entry_at(const struct dso *d, uint64_t addr, const char *name, uint32_t args_mask,
			 struct places_point *out)
{
	struct dso_range fn;
	uint64_t depth;
	int err;

	if (!dso_is_code(d, addr) || dso_frame_at(d, addr, &fn, &depth) || fn.addr != addr ||
	    depth != CALLED)
		return fail(-ENOENT, "%s: no function %s begins at %#llx", dso_path(d), name,
			    (unsigned long long)addr);
	err = find_at(d, addr, name, args_mask, false, out, NULL);
	if (!err && out->addr - addr >= fn.size)
		err = fail(-ENOTSUP, "%s: %s has no place for a cheap probe", dso_path(d), name);
	return err;
}
