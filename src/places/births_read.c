/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Follows a read of the word to the conditional jumps that test it. Compilers put other
 * instructions in between, and tools that rearrange code afterwards put jumps there, too: so every
 * way is followed as long as anything holds the word. */
#include "places/births_priv.h"

struct way {
	struct births_state s;
	struct births_value store; /* address where a reference count was stored on this way */
	bool zf_is_word;
	uint64_t at;
	int depth;
};

/* Does it compare the word, or a register loaded from it, with zero? */
static bool is_zero_test(const struct births_finder *f, const struct births_state *s,
			 const struct births_insn *in)
{
	const ZydisDecodedOperand *a = &in->op[0], *b = &in->op[1];

	if (births_operand(f, s, in, a).kind != BIRTHS_WORD || a->size != (f->tracer ? 64 : 32))
		return false;
	if (in->i.mnemonic == ZYDIS_MNEMONIC_CMP)
		return b->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && b->imm.value.s == 0;
	return (in->i.mnemonic == ZYDIS_MNEMONIC_TEST || in->i.mnemonic == ZYDIS_MNEMONIC_OR ||
		in->i.mnemonic == ZYDIS_MNEMONIC_AND) &&
	       a->type == ZYDIS_OPERAND_TYPE_REGISTER && b->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       a->reg.value == b->reg.value;
}

/* Is it the word, or its address? */
static bool leads_to_word(const struct births_finder *f, const struct births_value *v)
{
	return v->kind == BIRTHS_WORD || (v->kind == BIRTHS_CONST && (uint64_t)v->n == f->word);
}

static bool holds_word(const struct births_finder *f, const struct way *w)
{
	for (size_t i = 0; i < 16; i++)
		if (leads_to_word(f, &w->s.r[i]))
			return true;
	for (size_t i = 0; i < w->s.n_slots; i++)
		if (leads_to_word(f, &w->s.slot[i].v))
			return true;
	return w->zf_is_word;
}

static void add_jump(struct births_jumps *out, const struct way *w, const struct births_insn *jcc)
{
	for (size_t i = 0; i < out->n; i++)
		if (out->v[i].jcc.addr == jcc->addr)
			return;
	if (out->n == BIRTHS_MAX_JUMPS)
		out->lost = true;
	else
		out->v[out->n++] = (struct births_jump){*jcc, w->s, w->store};
}

static bool is_word(const struct births_finder *f, const struct births_state *s,
		    const struct births_insn *in, const ZydisDecodedOperand *op)
{
	return births_operand(f, s, in, op).kind == BIRTHS_WORD;
}

/* Does it compute something from the word, or from the flag that tells whether it is zero? A test
 * of the result would not be seen. */
static bool derives(const struct births_finder *f, const struct way *w,
		    const struct births_insn *in)
{
	if (w->zf_is_word && in->i.cpu_flags && in->i.cpu_flags->tested & ZYDIS_CPUFLAG_ZF)
		return true;
	for (size_t i = 0; i < in->i.operand_count; i++)
		if (in->op[i].actions & ZYDIS_OPERAND_ACTION_MASK_READ &&
		    is_word(f, &w->s, in, &in->op[i]))
			return true;
	return false;
}

/* Is it a move, after which the copy of the word can be followed? */
static bool is_copy(const struct births_finder *f, const struct way *w,
		    const struct births_insn *in)
{
	return (in->i.mnemonic == ZYDIS_MNEMONIC_MOV || in->i.mnemonic == ZYDIS_MNEMONIC_PUSH) &&
	       !w->s.slots_lost && is_word(f, &w->s, in, &in->op[0]);
}

static void step(const struct births_finder *f, struct way *w, const struct births_insn *in,
		 struct births_jumps *out)
{
	bool test = is_zero_test(f, &w->s, in), derived = !test && derives(f, w, in);

	if (births_is_refcount_store(in))
		w->store = births_mem_address(&w->s, in, &in->op[0]);
	w->zf_is_word = test || (w->zf_is_word && !births_writes_zf(in));
	/* `or r,r` and `and r,r` change nothing. */
	if (!test)
		births_step(f, &w->s, in);
	out->lost = out->lost || (derived && !is_copy(f, w, in));
}

static struct way way_at(struct way w, uint64_t at)
{
	w.at = at;
	return w;
}

static void explore(const struct births_finder *f, struct way w, struct births_jumps *out)
{
	while (out->left-- > 0) {
		struct births_insn in;

		if (!births_decode(f, w.at, &in))
			break;
		w.at += in.i.length;
		switch (in.i.meta.category) {
		case ZYDIS_CATEGORY_COND_BR:
			if (w.zf_is_word && (in.i.mnemonic == ZYDIS_MNEMONIC_JZ ||
					     in.i.mnemonic == ZYDIS_MNEMONIC_JNZ)) {
				add_jump(out, &w, &in);
				return;
			}
			out->lost = out->lost || derives(f, &w, &in);
			if (w.depth++ == BIRTHS_MAX_DEPTH) {
				out->lost = true;
				return;
			}
			explore(f, way_at(w, births_relative(&in)), out);
			continue;
		case ZYDIS_CATEGORY_UNCOND_BR:
			if (in.op[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE) {
				out->lost = out->lost || holds_word(f, &w);
				return;
			}
			w.at = births_relative(&in);
			continue;
		case ZYDIS_CATEGORY_CALL:
			if (births_is_last_call(f, &w.s, &in))
				return;
			births_call(&w.s);
			w.zf_is_word = false;
			if (!holds_word(f, &w))
				return;
			continue;
		default:
			break;
		}
		if (births_is_end(&in))
			return;
		step(f, &w, &in, out);
		if (!out->from_afar && !holds_word(f, &w))
			return;
	}
	out->lost = true;
}

void births_jumps(const struct births_finder *f, uint64_t at, const struct births_state *s,
		  bool from_afar, struct births_jumps *out)
{
	out->n = 0;
	out->left = BIRTHS_MAX_BETWEEN;
	out->lost = false;
	out->from_afar = from_afar;
	explore(f, (struct way){.s = *s, .at = at}, out);
}
