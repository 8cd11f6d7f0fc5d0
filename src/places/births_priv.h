/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Declares what the files of the birth finder share. Data goes this way: births_word finds the word
 * that is tested, births_scan every place that touches it, births_read the tests of what was read,
 * births_follow (with births_state) what is done when the word is set; births makes sites of these,
 * and births_complete checks that none is missing. */
#ifndef PYLEAK_PLACES_BIRTHS_PRIV_H
#define PYLEAK_PLACES_BIRTHS_PRIV_H

#include "places/places.h"

#include <Zydis/Zydis.h>

#define BIRTHS_MAX_TEXT	   32	 /* executable sections */
#define BIRTHS_MAX_SLOTS   16	 /* GOT slots of one symbol */
#define BIRTHS_MAX_STUBS   8	 /* PLT stubs of one symbol */
#define BIRTHS_MAX_TESTS   65536 /* places that touch the word; 16,311 is the most seen */
#define BIRTHS_MAX_BETWEEN 96	 /* instructions from a read to all its tests; gcc has 7 to one */
#define BIRTHS_MAX_JUMPS   4	 /* tests of what one instruction read */
#define BIRTHS_MAX_ON_EDGE 40	 /* instructions followed on one edge */
#define BIRTHS_MAX_DEPTH   3	 /* further conditional jumps on one edge */
#define BIRTHS_MAX_WALK	   32	 /* instructions followed after a load of the symbol's address */
#define BIRTHS_MAX_WALKS   65536
#define BIRTHS_MAX_REFS	   8 /* slow-path references on the edges of one test */
#define BIRTHS_LAST_CALLS  8 /* functions that never return, by name */

/* Stands for the struct of the word in an extension module, which imports it from another file: an
 * address that no file has. */
#define BIRTHS_IMPORTED_BASE (1ull << 62)

/* The target of a call: an address in this file, or the name of something imported. */
struct births_target {
	uint64_t addr;
	const char *name; /* when addr is 0 */
};

struct births_finder {
	const struct dso *d;
	int minor;
	ZydisDecoder decoder;
	struct dso_range text[BIRTHS_MAX_TEXT];
	size_t n_text;
	uint64_t new_reference; /* address of _Py_NewReference, 0 in 3.8: there it is a macro */
	uint64_t word, base;	/* addresses of the word, and of the symbol that it is part of */
	bool tracer;		/* the word is the 8-byte pointer of 3.13 and later */
	bool via_base;		/* may be read as [register + word - base] */
	const char *base_symbol;
	uint64_t slots[BIRTHS_MAX_SLOTS]; /* GOT slots that hold base */
	size_t n_slots;
	/* where the word is a flag: the function that is called when it is set */
	bool slow_inlined; /* there is no call to compare with, so the witness decides */
	struct births_target slow;
	uint64_t stubs[BIRTHS_MAX_STUBS]; /* addresses whose canonical target is slow */
	size_t n_stubs;
	uint64_t slow_slots[BIRTHS_MAX_SLOTS]; /* GOT slots that hold slow */
	size_t n_slow_slots;
	/* addresses of functions that never return; 0 = the file does not define it */
	uint64_t last_calls[BIRTHS_LAST_CALLS];
};

/* ---- births_state.c: symbolic execution of one instruction after another ---- */

enum births_kind {
	BIRTHS_UNKNOWN = 0,
	BIRTHS_ORIGIN, /* register `reg` as at the start, plus n */
	BIRTHS_CONST,  /* n */
	BIRTHS_WORD,   /* loaded from the word */
	BIRTHS_DATA,   /* loaded from word + 8: the tracer's data */
	BIRTHS_SLOT,   /* the memory at [reg + n] as at the start */
};

struct births_value {
	uint8_t kind, reg;
	int64_t n;
};

struct births_slot { /* memory written since the start, 8 bytes at [origin of reg + at] */
	uint8_t reg;
	int64_t at;
	struct births_value v;
};

struct births_state {
	struct births_value r[16];
	struct births_slot slot[16];
	uint8_t n_slots;
	bool slots_lost; /* more slots than fit: loads from memory are unknown */
	uint8_t n_refs;	 /* reads of the tracer's data so far */
	uint64_t refs[BIRTHS_MAX_REFS];
};

struct births_insn {
	uint64_t addr;
	ZydisDecodedInstruction i;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

bool births_decode(const struct births_finder *f, uint64_t addr, struct births_insn *out);
int births_gpr(ZydisRegister r); /* x86 number of the 64-bit register around @r, or -1 */
void births_start(struct births_state *s);
/* Begins anew as births_start() does, but keeps values that are the same wherever it starts:
 * constants, the word, its data. */
void births_restart(struct births_state *s);
struct births_value births_mem_address(const struct births_state *s, const struct births_insn *in,
				       const ZydisDecodedOperand *op);
struct births_value births_operand(const struct births_finder *f, const struct births_state *s,
				   const struct births_insn *in, const ZydisDecodedOperand *op);
void births_step(const struct births_finder *f, struct births_state *s,
		 const struct births_insn *in);
/* Makes unknown the registers that a called function may change by the calling convention. */
void births_call(struct births_state *s);
/* Does the function end here: a return, a trap? */
bool births_is_end(const struct births_insn *in);
/* Does it change the zero flag? */
bool births_writes_zf(const struct births_insn *in);
/* `mov qword [r + n], 1`: a new object's reference count. */
bool births_is_refcount_store(const struct births_insn *in);
/* The address that a relative jump or call goes to; 0: there is none. */
uint64_t births_relative(const struct births_insn *in);

/* ---- births_word.c ---- */

int births_find_word(struct births_finder *f);
/* Finds where a call or jump goes, also through a PLT entry or a GOT slot; false: not known. */
bool births_target_of(const struct births_finder *f, const struct births_state *s,
		      const struct births_insn *in, struct births_target *out);
void births_find_last_calls(struct births_finder *f);
/* Does it call a function that never returns? Other code follows such a call, or none. */
bool births_is_last_call(const struct births_finder *f, const struct births_state *s,
			 const struct births_insn *in);
bool births_is_slow(const struct births_finder *f, uint64_t addr);
int births_find_slow(struct births_finder *f);

/* ---- births_scan.c ---- */

/* An instruction that touches the word, or may do so. */
struct births_hit {
	uint64_t at;	/* address of its displacement */
	uint64_t start; /* its own address; 0: it is not known whether it has a prefix */
	bool known;	/* it is the word: named in full, or the base was loaded just before */
};

struct births_ref { /* an instruction that only the slow path has */
	uint64_t addr;
	bool covered;
};

struct births_hits {
	VEC(struct births_hit) hits;
	VEC(struct births_ref) refs;
};

int births_scan(const struct births_finder *f, struct births_hits *out);

/* ---- births_read.c ---- */

struct births_jump { /* je or jne on the word */
	struct births_insn jcc;
	struct births_state s;	   /* at the jump */
	struct births_value store; /* where a reference count was stored on the way, or unknown */
};

struct births_jumps {
	struct births_jump v[BIRTHS_MAX_JUMPS];
	size_t n;
	int left;	/* instructions that may still be followed, over all ways */
	bool lost;	/* a way was given up while something still held the word */
	bool from_afar; /* goes on though nothing holds the word yet */
};

/* Finds all tests of the word from the instruction at @at on, which reads it, or, @from_afar, comes
 * before the one that does. The state there is @s. */
void births_jumps(const struct births_finder *f, uint64_t at, const struct births_state *s,
		  bool from_afar, struct births_jumps *out);

/* ---- births_follow.c ---- */

enum births_verdict { BIRTHS_OTHER = 0, BIRTHS_BIRTH, BIRTHS_DEATH };

struct births_test {
	uint64_t read;	/* the instruction that reads the word */
	uint64_t place; /* the jcc, 0 when there is none on the word */
	uint64_t set;	/* where it goes when the word is set */
	uint8_t verdict;
	bool witness;	  /* the reference count of a new object is stored beside it */
	bool unknown;	  /* the tracer is called, but with which operation is not clear */
	bool undecodable; /* an edge ran into bytes that are no code */
	bool lost;	  /* an edge was given up before its end */
	bool disagree;	  /* two ways through the edge name different objects */
	struct births_value object, witness_object;
	uint8_t n_refs;
	uint64_t refs[BIRTHS_MAX_REFS];
};

bool births_same_value(const struct births_value *a, const struct births_value *b);
/* Finds the tests of the word that @in reads by its operand @op, or whose address it takes; returns
 * their number. *lost: there may be more. */
size_t births_follow(const struct births_finder *f, const struct births_insn *in,
		     const ZydisDecodedOperand *op, struct births_test out[BIRTHS_MAX_JUMPS],
		     bool *lost);
/* Finds the first call that _Py_NewReference makes when the word is set, and whether it passes the
 * object: it does not where the slow path is inlined. False: there is no call that is understood.
 */
bool births_first_call(const struct births_finder *f, struct births_target *target,
		       bool *passes_object);

/* ---- births_complete.c ---- */

struct births_tests {
	VEC(struct births_test) v;
};

/* @accepted is sorted by address. Refuses when anything may have been missed. */
int births_check_complete(const struct births_finder *f, const struct births_tests *tests,
			  struct births_hits *hits, const struct places *accepted,
			  struct places_births_report *report);

#endif
