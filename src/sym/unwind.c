/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Unwinds a copied stack by .eh_frame, then by .debug_frame, then by the frame pointer where the
 * return address it leads to certainly follows a call. Anything doubtful ends the stack, because a
 * frame that never was is worse than one that is missing.
 */
#include "sym/sym_priv.h"

#define SP_STEP_MAX (64u << 20) /* bytes: two frames farther apart are no stack */

struct walk {
	struct sym *s;
	const struct sym_copy *copy;
	struct sym_regs regs;
	bool is_exact;	 /* rip is where the frame stopped, not a return address */
	bool is_outside; /* a step wanted memory that the copy lacks */
	enum sym_end end;
};

const char *sym_end_name(enum sym_end e)
{
	static const char *const name[] = {"outermost", "copy ends", "no unwind information",
					   "no file",	"broken",    "long"};

	return (unsigned)e < ARRAY_SIZE(name) ? name[e] : "?";
}

static bool known(const struct sym_regs *r, int reg)
{
	return r->known & 1u << reg;
}

static void set_reg(struct sym_regs *r, int reg, uint64_t v)
{
	r->v[reg] = v;
	r->known |= 1u << reg;
}

/* Finds one register of the caller and adds it to @next, if it can be known: few registers matter.
 * @undefined: the information says that it has no value. */
static void caller_reg(struct walk *w, Dwarf_Frame *frame, struct sym_eval *e, int reg,
		       struct sym_regs *next, bool *undefined)
{
	Dwarf_Op mem[3], *ops;
	uint64_t v;
	size_t n;

	*undefined = false;
	if (dwarf_frame_register(frame, reg, mem, &ops, &n))
		return;
	if (!n) {
		*undefined = ops == mem;
		if (!*undefined && known(&w->regs, reg))
			set_reg(next, reg, w->regs.v[reg]);
		return;
	}
	e->is_outside = false;
	if (sym_eval(e, ops, n, true, &v))
		set_reg(next, reg, v);
	else if (reg == SYM_RIP)
		w->is_outside = e->is_outside;
}

static bool accept(struct walk *w, const struct sym_regs *next)
{
	uint64_t up = next->v[SYM_RSP] - w->regs.v[SYM_RSP];

	if (!known(next, SYM_RIP) || !known(next, SYM_RSP)) {
		w->end = w->is_outside ? SYM_END_COPY : SYM_END_BROKEN;
		return false;
	}
	if (!next->v[SYM_RIP]) {
		w->end = SYM_END_OUTERMOST;
		return false;
	}
	/* a caller's stack lies higher; it may be equal only below a frame that has not called */
	if (up > SP_STEP_MAX || (!up && !w->is_exact)) {
		w->end = SYM_END_BROKEN;
		return false;
	}
	w->regs = *next;
	return true;
}

static bool step_frame(struct walk *w, Dwarf_Frame *frame)
{
	struct sym_eval e = {.regs = &w->regs, .memory = w->copy};
	struct sym_regs next = {0};
	bool is_signal = false, undefined = false, ok;
	Dwarf_Op *ops;
	size_t n;
	int ra = dwarf_frame_info(frame, NULL, NULL, &is_signal);

	if (ra != SYM_RIP || dwarf_frame_cfa(frame, &ops, &n) || !n ||
	    !sym_eval(&e, ops, n, false, &e.cfa)) {
		w->end = e.is_outside ? SYM_END_COPY : SYM_END_BROKEN;
		return false;
	}
	e.has_cfa = true;
	w->is_outside = false;
	/* Unless stated otherwise, the caller's stack pointer is the canonical frame address. */
	set_reg(&next, SYM_RSP, e.cfa);
	for (int reg = 0; reg < SYM_REGS; reg++)
		caller_reg(w, frame, &e, reg, &next, &undefined);
	if (undefined) { /* of the last register, rip */
		w->end = SYM_END_OUTERMOST;
		return false;
	}
	ok = accept(w, &next);
	/* A function interrupted by a signal stopped at its instruction, and did not call. */
	w->is_exact = is_signal;
	return ok;
}

/* Is the instruction in front of this address a call? */
static bool follows_call(struct sym *s, uint64_t pc)
{
	const struct sym_file *f;
	struct sym_pc at;
	uint8_t p[8];

	if (!sym_locate(s, pc - 7, &at))
		return false;
	f = s->file[at.file];
	if (!sym_file_answers(f) || !dso_copy_bytes(f->dso, at.addr, p, sizeof(p)))
		return false;
	if (p[2] == 0xe8) /* call rel32 */
		return true;
	for (int len = 2; len <= 7; len++) /* call r/m: ff /2, with prefix and displacement */
		if (p[7 - len] == 0xff && (p[8 - len] >> 3 & 7) == 2)
			return true;
	return false;
}

/* Steps by the frame pointer of functions that begin with push rbp; mov rbp, rsp. */
static bool step_pointer(struct walk *w)
{
	uint64_t bp = w->regs.v[SYM_RBP], back, ra;
	struct sym_regs next = {0};

	if (!known(&w->regs, SYM_RBP) || bp < w->regs.v[SYM_RSP] || bp % 8 ||
	    !sym_read_word(w->copy, bp, &back) || !sym_read_word(w->copy, bp + 8, &ra) ||
	    !follows_call(w->s, ra)) {
		w->end = SYM_END_NO_CFI;
		return false;
	}
	set_reg(&next, SYM_RBP, back);
	set_reg(&next, SYM_RSP, bp + 16);
	set_reg(&next, SYM_RIP, ra);
	w->is_exact = false;
	return accept(w, &next);
}

static bool step(struct walk *w, const struct sym_pc *at)
{
	struct sym_file *f = at->file >= 0 ? w->s->file[at->file] : NULL;
	Dwarf_Frame *frame = NULL;
	Dwarf_CFI *cfi = f ? sym_file_cfi(f) : NULL;
	bool ok;

	if (!cfi || dwarf_cfi_addrframe(cfi, at->addr, &frame)) {
		cfi = f ? sym_file_debug_cfi(f) : NULL;
		if (!cfi || dwarf_cfi_addrframe(cfi, at->addr, &frame))
			frame = NULL;
	}
	if (!frame) {
		ok = step_pointer(w);
		if (!ok && !f)
			w->end = SYM_END_NO_FILE;
		return ok;
	}
	ok = step_frame(w, frame);
	free(frame);
	return ok;
}

size_t sym_unwind(struct sym *s, const struct sym_copy *c, struct sym_pc *out, size_t max,
		  enum sym_end *end)
{
	struct walk w = {.s = s,
			 .copy = c,
			 .regs = {.known = c->known},
			 .is_exact = !c->is_caller,
			 .end = SYM_END_LONG};
	size_t n = 0;

	sym_refresh(s);
	memcpy(w.regs.v, c->reg, sizeof(w.regs.v));
	if (!known(&w.regs, SYM_RSP) || !known(&w.regs, SYM_RIP)) {
		*end = SYM_END_BROKEN;
		return 0;
	}
	while (n < max) {
		/* the frame is at its call: the return address may belong to the next function */
		uint64_t pc = w.regs.v[SYM_RIP] - !w.is_exact;

		/* an address outside code cannot be a return address */
		if (!sym_locate(s, pc, &out[n]) && n && !sym_is_code(s, pc)) {
			w.end = SYM_END_BROKEN;
			break;
		}
		n++;
		if (!step(&w, &out[n - 1]))
			break;
	}
	*end = w.end;
	s->stats.stacks++;
	s->stats.frames += n;
	s->stats.ends[w.end]++;
	return n;
}
