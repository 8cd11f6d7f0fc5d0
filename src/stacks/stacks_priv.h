/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of stacks share this; nobody outside of the room includes it. */
#ifndef PYLEAK_STACKS_STACKS_PRIV_H
#define PYLEAK_STACKS_STACKS_PRIV_H

#include "base/map64.h"
#include "base/spend.h"
#include "stacks/stacks.h"

struct code_slot {
	uint64_t addr, checked_ns;
	uint64_t since_ns; /* seen here since then, with this number */
	struct py_code *code;
	size_t bytes;		 /* counted for it */
	bool is_of_files;	 /* codes here were of more than one file */
	bool in_turn;		 /* with others: which was here meanwhile no look tells */
	struct code_slot *older; /* codes that lived at this address before */
};

struct stacks {
	const struct py_runtime *rt;
	struct map64 stack;   /* id -> struct stack * */
	struct map64 current; /* key -> id, where that is another one */
	VEC(uint64_t) stale;  /* keys */
	struct map64 code;    /* address -> struct code_slot * */
	struct map64 turns;   /* see turns.c */
	uint64_t unread, frames, added, left_out;
	size_t bytes; /* of stacks and code */
	struct spend spend;
};

/* The call that runs code which comes and goes, and the names that this code had. */
struct turn {
	uint64_t by, files, lines;
	bool may_go, is_unknown;
};

void turn_add(struct turn *t, const struct pl_frame *raw, const struct stack_frame *f,
	      bool is_pointer);
/* Notes the names and returns the key of the call; 0: no such code, or not all could be read. */
uint64_t turn_note(struct stacks *s, const struct turn *t);
/* Was other code called there, if frame @i is such; is it of other files? */
bool turns_in_lines(const struct stacks *s, const struct stack *st, uint32_t i);
bool turns_in_files(const struct stacks *s, const struct stack *st);

static inline size_t stack_bytes(uint32_t frames)
{
	return sizeof(struct stack) + frames * sizeof(struct stack_frame);
}

#endif
