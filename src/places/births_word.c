/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the word that every birth tests, from the code of _Py_NewReference: up to 3.12
 * tracemalloc's `tracing` flag, from 3.13 on the pointer to the reference tracer
 * (_PyRuntime.ref_tracer). And finds the function that is called when the flag is set:
 * tracemalloc's function for new references, the "slow path". */
#include "places/births_priv.h"
#include "py/versions.h"

#define SLOW_NAME "_PyTraceMalloc_NewReference"

/* Offset of `tracing` in struct _PyTraceMalloc_Config, after an enum (3.8 - 3.11,
 * Include/internal/pycore_pymem.h). */
#define CONFIG_TRACING 4

enum word_step { WORD_GO_ON, WORD_FOUND, WORD_ODD };

/* Is the memory that an instruction reads the word? */
static enum word_step look(struct births_finder *f, const struct births_state *s,
			   const struct births_insn *in)
{
	for (size_t i = 0; i < in->i.operand_count_visible; i++) {
		const ZydisDecodedOperand *op = &in->op[i];
		struct births_value at;
		const char *name;
		uint64_t target;

		if (op->type != ZYDIS_OPERAND_TYPE_MEMORY || op->mem.type != ZYDIS_MEMOP_TYPE_MEM ||
		    !(op->actions & ZYDIS_OPERAND_ACTION_MASK_READ))
			continue;
		/* free-threaded builds first read the owning thread and constants, for the header
		 */
		if (op->mem.segment == ZYDIS_REGISTER_FS || op->size == 128)
			continue;
		at = births_mem_address(s, in, op);
		if (at.kind == BIRTHS_ORIGIN && (at.reg == 7 || at.reg == 4))
			continue; /* the object itself, or the stack */
		if (at.kind != BIRTHS_CONST)
			return WORD_ODD;
		if (op->size == 64 && !dso_reloc(f->d, (uint64_t)at.n, &name, &target))
			continue; /* a GOT slot: the register now holds a symbol's address */
		if (op->size != 32 && op->size != 64)
			return WORD_ODD;
		f->word = (uint64_t)at.n;
		f->tracer = op->size == 64;
		f->via_base =
			op->mem.base != ZYDIS_REGISTER_RIP && op->mem.base != ZYDIS_REGISTER_NONE;
		return WORD_FOUND;
	}
	return WORD_GO_ON;
}

static int decode_new_reference(struct births_finder *f)
{
	uint64_t at = f->new_reference;
	struct births_state s;

	births_start(&s);
	for (int i = 0; i < 32; i++) {
		struct births_insn in;

		if (!births_decode(f, at, &in))
			return fail(-ENOTSUP, "%s: _Py_NewReference is not readable code",
				    dso_path(f->d));
		if (in.i.meta.category == ZYDIS_CATEGORY_CALL)
			return fail(-ENOTSUP,
				    "%s: _Py_NewReference calls a helper before it looks at "
				    "tracemalloc, as builds made with --with-pydebug do",
				    dso_path(f->d));
		if (in.i.meta.category == ZYDIS_CATEGORY_RET ||
		    in.i.meta.category == ZYDIS_CATEGORY_COND_BR)
			break;
		if (in.i.meta.category == ZYDIS_CATEGORY_UNCOND_BR) {
			if (in.op[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
				break;
			at = births_relative(&in);
			continue;
		}
		switch (look(f, &s, &in)) {
		case WORD_FOUND:
			return 0;
		case WORD_ODD:
			i = 32;
			break;
		case WORD_GO_ON:
			births_step(f, &s, &in);
			at += in.i.length;
		}
	}
	return fail(-ENOTSUP, "%s: _Py_NewReference does not test a word as CPython's does",
		    dso_path(f->d));
}

/* Finds the flag of 3.8, which has only a macro, by the name of the struct that it is in; extension
 * modules import that. */
static int word_by_name(struct births_finder *f)
{
	struct dso_sym config;

	if (!dso_symbol(f->d, f->base_symbol, &config))
		f->base = config.addr;
	else if (dso_imports(f->d, f->base_symbol))
		f->base = BIRTHS_IMPORTED_BASE;
	else
		return fail(-ENOTSUP, "%s neither has nor imports %s", dso_path(f->d),
			    f->base_symbol);
	f->word = f->base + CONFIG_TRACING;
	return 0;
}

static int check_word(struct births_finder *f)
{
	const char *path = dso_path(f->d);
	struct dso_sym base;

	if (f->tracer != py_births_test_pointer(f->minor))
		return fail(-ENOTSUP,
			    "%s: the word tested in _Py_NewReference has %d bytes, not "
			    "what CPython 3.%d has",
			    path, f->tracer ? 8 : 4, f->minor);
	if (dso_symbol(f->d, f->base_symbol, &base)) {
		if (f->via_base || py_births_test_runtime(f->minor))
			return fail(-ENOTSUP, "%s does not export %s", path, f->base_symbol);
		f->base = f->word - CONFIG_TRACING;
		return 0;
	}
	f->base = base.addr;
	if (py_births_test_runtime(f->minor) ? f->word - base.addr >= base.size
					     : f->word != base.addr + CONFIG_TRACING)
		return fail(-ENOTSUP, "%s: the word tested in _Py_NewReference is not in %s", path,
			    f->base_symbol);
	return 0;
}

int births_find_word(struct births_finder *f)
{
	struct dso_sym sym;
	int err;

	f->base_symbol = py_births_test_runtime(f->minor) ? "_PyRuntime" : "_Py_tracemalloc_config";
	if (py_births_are_inlined(f->minor)) {
		err = word_by_name(f);
	} else {
		if (dso_symbol(f->d, "_Py_NewReference", &sym))
			return fail(-ENOTSUP, "%s does not export _Py_NewReference",
				    dso_path(f->d));
		f->new_reference = sym.addr;
		err = decode_new_reference(f);
		if (!err)
			err = check_word(f);
	}
	if (err)
		return err;
	f->n_slots = dso_reloc_slots(f->d, f->base_symbol, f->slots, BIRTHS_MAX_SLOTS);
	if (f->n_slots == BIRTHS_MAX_SLOTS)
		return fail(-ENOTSUP, "%s has too many references to %s", dso_path(f->d),
			    f->base_symbol);
	/* a file that has a slot for the symbol may use the symbol's address anywhere */
	f->via_base = f->via_base || f->n_slots;
	if (f->word <= f->base || f->word - f->base > INT32_MAX)
		return fail(-ENOTSUP, "%s: the word tested at births lies before %s",
			    dso_path(f->d), f->base_symbol);
	return 0;
}

static struct births_target canonical(const struct births_finder *f, uint64_t addr)
{
	struct births_target t = {.addr = addr};
	uint64_t at = addr, target;
	struct births_insn in;
	const char *name;

	/* a PLT entry: [endbr64] jmp *slot(%rip) */
	if (!births_decode(f, at, &in))
		return t;
	if (in.i.mnemonic == ZYDIS_MNEMONIC_ENDBR64) {
		at += in.i.length;
		if (!births_decode(f, at, &in))
			return t;
	}
	if (in.i.mnemonic != ZYDIS_MNEMONIC_JMP || in.op[0].type != ZYDIS_OPERAND_TYPE_MEMORY ||
	    in.op[0].mem.base != ZYDIS_REGISTER_RIP)
		return t;
	if (!dso_reloc(f->d, births_relative(&in), &name, &target)) {
		t.addr = target;
		t.name = name;
	}
	return t;
}

bool births_target_of(const struct births_finder *f, const struct births_state *s,
		      const struct births_insn *in, struct births_target *out)
{
	struct births_value at;

	*out = (struct births_target){0};
	if (in->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		*out = canonical(f, births_relative(in));
		return true;
	}
	if (in->op[0].type != ZYDIS_OPERAND_TYPE_MEMORY)
		return false;
	at = births_mem_address(s, in, &in->op[0]);
	return at.kind == BIRTHS_CONST && !dso_reloc(f->d, (uint64_t)at.n, &out->name, &out->addr);
}

static const char *const last_calls[BIRTHS_LAST_CALLS] = {"abort",
							  "exit",
							  "_exit",
							  "__assert_fail",
							  "__stack_chk_fail",
							  "Py_FatalError",
							  "_Py_FatalErrorFunc",
							  "_Py_FatalErrorFormat"};

void births_find_last_calls(struct births_finder *f)
{
	struct dso_sym sym;

	for (size_t i = 0; i < BIRTHS_LAST_CALLS; i++)
		f->last_calls[i] = dso_symbol(f->d, last_calls[i], &sym) ? 0 : sym.addr;
}

bool births_is_last_call(const struct births_finder *f, const struct births_state *s,
			 const struct births_insn *in)
{
	struct births_target t;

	if (!births_target_of(f, s, in, &t))
		return false;
	for (size_t i = 0; i < BIRTHS_LAST_CALLS; i++)
		if (t.addr ? t.addr == f->last_calls[i] : t.name && !strcmp(t.name, last_calls[i]))
			return true;
	return false;
}

static bool same_target(const struct births_target *a, const struct births_target *b)
{
	if (a->addr || b->addr)
		return a->addr == b->addr;
	return a->name && b->name && !strcmp(a->name, b->name);
}

bool births_is_slow(const struct births_finder *f, uint64_t addr)
{
	for (size_t i = 0; i < f->n_stubs; i++)
		if (f->stubs[i] == addr)
			return true;
	return false;
}

static int add_stub(struct births_finder *f, uint64_t addr)
{
	if (f->n_stubs == BIRTHS_MAX_STUBS)
		return fail(-ENOTSUP, "%s has too many entries for " SLOW_NAME, dso_path(f->d));
	f->stubs[f->n_stubs++] = addr;
	return 0;
}

/* Finds every PLT entry that leads to the slow path. Entries have 8 (.plt.got) or 16 bytes. */
static int find_stubs(struct births_finder *f)
{
	static const char *const sections[] = {".plt", ".plt.sec", ".plt.got"};
	int err = f->slow.addr ? add_stub(f, f->slow.addr) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(sections) && !err; i++) {
		struct dso_range r;

		if (dso_section(f->d, sections[i], &r))
			continue;
		for (uint64_t at = 0; at < r.size && !err; at += 8) {
			struct births_target t = canonical(f, r.addr + at);

			if (t.addr != r.addr + at && same_target(&t, &f->slow))
				err = add_stub(f, r.addr + at);
		}
	}
	return err;
}

int births_find_slow(struct births_finder *f)
{
	struct dso_sym sym;

	if (f->tracer)
		return 0;
	if (py_births_are_inlined(f->minor)) {
		if (!dso_symbol(f->d, SLOW_NAME, &sym))
			f->slow.addr = sym.addr;
		else if (dso_imports(f->d, SLOW_NAME))
			f->slow.name = SLOW_NAME;
		else
			return fail(-ENOTSUP, "%s neither has nor imports " SLOW_NAME,
				    dso_path(f->d));
	} else {
		bool passes_object;

		if (!births_first_call(f, &f->slow, &passes_object))
			return fail(-ENOTSUP,
				    "%s: what _Py_NewReference does under tracemalloc is not "
				    "understood",
				    dso_path(f->d));
		if (!passes_object) {
			f->slow_inlined = true;
			return 0;
		}
	}
	f->n_slow_slots = dso_reloc_slots(f->d, SLOW_NAME, f->slow_slots, BIRTHS_MAX_SLOTS);
	return find_stubs(f);
}
