/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Follows one test of the word: from the read to its conditional jump, and along the edge that is
 * taken when the word is set, to the call that tells birth from death and names the object. */
#include "places/births_priv.h"

#define RSI 6
#define RDI 7

/* Instructions after the jump in which the reference count is to be stored; 295 of 310 births of
 * Debian's 3.9 store it within so many, and 269 of 272 of its 3.11. */
#define WITNESS_WINDOW 12

struct edge { /* findings on all ways from one test */
	struct births_test *t;
	bool birth, death, other;
	int left; /* instructions that may still be followed, over all ways */
};

bool births_same_value(const struct births_value *a, const struct births_value *b)
{
	return a->kind == b->kind && a->reg == b->reg && a->n == b->n;
}

static void add_ref(struct births_test *t, uint64_t addr)
{
	for (size_t i = 0; i < t->n_refs; i++)
		if (t->refs[i] == addr)
			return;
	if (t->n_refs < BIRTHS_MAX_REFS)
		t->refs[t->n_refs++] = addr;
}

static void end_in_birth(struct edge *e, const struct births_state *s)
{
	if (e->birth && !births_same_value(&e->t->object, &s->r[RDI]))
		e->t->disagree = true;
	e->t->object = s->r[RDI];
	e->birth = true;
}

/* The tracer is called as tracer(object, operation, data); operation: 0 = PyRefTracer_CREATE,
 * 1 = PyRefTracer_DESTROY (3.13, Include/cpython/object.h), 2 = the tracer is removed (3.15). */
static void end_in_tracer(struct edge *e, const struct births_state *s)
{
	const struct births_value *operation = &s->r[RSI];

	for (size_t i = 0; i < s->n_refs; i++)
		add_ref(e->t, s->refs[i]);
	if (operation->kind != BIRTHS_CONST) {
		e->t->unknown = true;
	} else if ((uint32_t)operation->n == 0) {
		end_in_birth(e, s);
	} else if ((uint32_t)operation->n == 1) {
		if (!e->birth)
			e->t->object = s->r[RDI];
		e->death = true;
	} else {
		e->other = true;
	}
}

/* Ends a way at a call, or at a jump to an address that is read. */
static void end_in_call(const struct births_finder *f, struct edge *e, const struct births_state *s,
			const struct births_insn *in)
{
	if (in->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		if (births_is_slow(f, births_relative(in))) {
			add_ref(e->t, in->addr);
			end_in_birth(e, s);
		}
		return;
	}
	if (f->tracer) {
		if (births_operand(f, s, in, &in->op[0]).kind == BIRTHS_WORD)
			end_in_tracer(e, s);
		return;
	}
	if (in->op[0].type != ZYDIS_OPERAND_TYPE_MEMORY)
		return;
	for (size_t i = 0; i < f->n_slow_slots; i++) {
		struct births_value at = births_mem_address(s, in, &in->op[0]);

		if (at.kind == BIRTHS_CONST && (uint64_t)at.n == f->slow_slots[i]) {
			add_ref(e->t, in->addr);
			end_in_birth(e, s);
			return;
		}
	}
}

/* Follows a way from @at on. @from: the jump that leads there, which is the reference when @at is
 * the slow path itself. */
static void follow(const struct births_finder *f, struct edge *e, struct births_state s,
		   uint64_t from, uint64_t at, int depth)
{
	for (int i = 0; i < BIRTHS_MAX_ON_EDGE && e->left-- > 0; i++) {
		struct births_insn in;

		if (births_is_slow(f, at)) {
			add_ref(e->t, from);
			end_in_birth(e, &s);
			return;
		}
		if (!births_decode(f, at, &in)) {
			e->t->undecodable = true;
			return;
		}
		from = at;
		at += in.i.length;
		switch (in.i.meta.category) {
		case ZYDIS_CATEGORY_CALL:
			end_in_call(f, e, &s, &in);
			return;
		case ZYDIS_CATEGORY_UNCOND_BR:
			if (in.op[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE) {
				end_in_call(f, e, &s, &in);
				return;
			}
			at = births_relative(&in);
			continue;
		case ZYDIS_CATEGORY_COND_BR:
			if (depth == BIRTHS_MAX_DEPTH) {
				e->t->lost = true;
				return;
			}
			follow(f, e, s, from, births_relative(&in), ++depth);
			continue;
		default:
			break;
		}
		if (births_is_end(&in))
			return;
		births_step(f, &s, &in);
	}
	e->t->lost = true;
}

static uint64_t nonzero_edge(const struct births_insn *jcc)
{
	return jcc->i.mnemonic == ZYDIS_MNEMONIC_JNZ ? births_relative(jcc)
						     : jcc->addr + jcc->i.length;
}

static uint64_t zero_edge(const struct births_insn *jcc)
{
	return jcc->i.mnemonic == ZYDIS_MNEMONIC_JNZ ? jcc->addr + jcc->i.length
						     : births_relative(jcc);
}

/* Looks for the store of the reference count, which is after the test up to 3.12, on both edges. */
static void witness_on_zero_edge(const struct births_finder *f, struct births_state s, uint64_t at,
				 struct births_test *t)
{
	for (int i = 0; i < WITNESS_WINDOW; i++) {
		struct births_insn in;

		if (!births_decode(f, at, &in))
			return;
		if (births_is_refcount_store(&in)) {
			t->witness = true;
			t->witness_object = births_mem_address(&s, &in, &in.op[0]);
			return;
		}
		if (in.i.meta.category == ZYDIS_CATEGORY_UNCOND_BR &&
		    in.op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
			at = births_relative(&in);
			continue;
		}
		if (in.i.meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
		    in.i.meta.category == ZYDIS_CATEGORY_COND_BR ||
		    in.i.meta.category == ZYDIS_CATEGORY_CALL ||
		    in.i.meta.category == ZYDIS_CATEGORY_RET)
			return;
		births_step(f, &s, &in);
		at += in.i.length;
	}
}

/* Finds what one test is, from both of its edges. */
static void follow_jump(const struct births_finder *f, const struct births_jump *j,
			struct births_test *out)
{
	struct edge e = {.t = out, .left = 4 * BIRTHS_MAX_ON_EDGE};
	struct births_state s = j->s;

	out->place = j->jcc.addr;
	out->set = nonzero_edge(&j->jcc);
	if (f->tracer)
		out->witness = j->store.kind == BIRTHS_ORIGIN;
	births_restart(&s);
	if (!f->tracer)
		witness_on_zero_edge(f, s, zero_edge(&j->jcc), out);
	if (f->slow_inlined) {
		out->verdict = out->witness ? BIRTHS_BIRTH : BIRTHS_OTHER;
		out->object = out->witness_object;
		return;
	}
	follow(f, &e, s, j->jcc.addr, out->set, 0);
	/* It counts as a death if it is both: where a str is resized there is a death, and then a
	 * birth at the new address, which has a test of its own in _Py_NewReference. */
	if (e.death)
		out->verdict = BIRTHS_DEATH;
	else if (e.birth)
		out->verdict = BIRTHS_BIRTH;
}

size_t births_follow(const struct births_finder *f, const struct births_insn *in,
		     const ZydisDecodedOperand *op, struct births_test out[BIRTHS_MAX_JUMPS],
		     bool *lost)
{
	const int base = births_gpr(op->mem.base);
	struct births_jumps jumps;
	struct births_state s;

	births_start(&s);
	/* Suppose that the base register points to our struct: if not, no way ends in the call. */
	if (base >= 0)
		s.r[base] = (struct births_value){
			BIRTHS_CONST, 0, (int64_t)(f->word - (uint64_t)op->mem.disp.value)};
	births_jumps(f, in->addr, &s, false, &jumps);
	/* An address that is taken must lead to one test at least. */
	*lost = jumps.lost || (op->mem.type == ZYDIS_MEMOP_TYPE_AGEN && !jumps.n);
	for (size_t i = 0; i < jumps.n; i++) {
		out[i] = (struct births_test){.read = in->addr};
		follow_jump(f, &jumps.v[i], &out[i]);
	}
	return jumps.n;
}

bool births_first_call(const struct births_finder *f, struct births_target *target,
		       bool *passes_object)
{
	const struct births_value object = {BIRTHS_ORIGIN, RDI, 0};
	struct births_jumps jumps;
	struct births_state s;
	struct births_insn in;
	uint64_t at;

	*passes_object = false;
	births_start(&s);
	births_jumps(f, f->new_reference, &s, true, &jumps);
	if (!jumps.n)
		return false;
	s = jumps.v[0].s;
	at = nonzero_edge(&jumps.v[0].jcc);
	for (int i = 0; i < BIRTHS_MAX_ON_EDGE && births_decode(f, at, &in); i++) {
		bool relative = in.op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;

		switch (in.i.meta.category) {
		case ZYDIS_CATEGORY_RET:
			return false;
		case ZYDIS_CATEGORY_COND_BR:
			return true; /* the slow path's own code: it has been inlined */
		case ZYDIS_CATEGORY_UNCOND_BR:
			if (relative) {
				at = births_relative(&in);
				continue;
			}
			/* fall through */
		case ZYDIS_CATEGORY_CALL:
			*passes_object = births_same_value(&s.r[RDI], &object);
			return births_target_of(f, &s, &in, target);
		default:
			births_step(f, &s, &in);
			at += in.i.length;
		}
	}
	return false;
}
