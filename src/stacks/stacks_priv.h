/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Declares what the files of this room share. */
#ifndef PYLEAK_STACKS_STACKS_PRIV_H
#define PYLEAK_STACKS_STACKS_PRIV_H

#include "base/map64.h"
#include "base/spend.h"
#include "stacks/stacks.h"

/* A comparison holds for so long, but innermost and where code goes: one for each frame would be
 * most of the work. */
#define STACKS_CHECKED_NS 200000000

struct code_slot {
	uint64_t addr, checked_ns; /* when it was last found there; 0 = look before it is used */
	uint64_t since_ns;	   /* when it was first seen here with the number that it has */
	struct py_code *code;
	size_t bytes;	  /* its part of stacks.bytes */
	bool is_of_files; /* codes at this address were of more than one file */
	bool in_turn;	  /* others like it come and go here: a look cannot exclude them */
	bool is_gone;	  /* its memory was free at the last look, and other code may follow */
	uint64_t came_ns; /* when it was first seen here, or again after other code */
	uint64_t went_ns; /* when it, or code here before it, was last found gone or replaced */
	struct code_slot *older; /* the code that was at this address before */
};

struct stacks {
	const struct py_runtime *rt;
	struct map64 stack;   /* id -> struct stack * */
	struct map64 current; /* key -> id, where the two differ */
	VEC(uint64_t) stale;  /* keys */
	struct map64 code;    /* address -> struct code_slot * */
	struct map64 turns;   /* see turns.c */
	uint64_t unread, frames, added, left_out;
	size_t bytes; /* memory of stacks and code */
	struct spend spend;
};

/* Gives the code object that is at @addr now. @check: compares the cached one with the target in
 * any case. NULL: it could not be read. */
struct code_slot *codes_at(struct stacks *s, uint64_t addr, bool check);
/* The code that was last seen at the address of @c. */
struct code_slot *codes_newest(const struct stacks *s, const struct py_code *c);
/* Was it found gone of late? Then it may go again at any time. */
bool codes_go(const struct code_slot *c, uint64_t now_ns);
void codes_count(struct stacks *s, struct code_slot *c); /* after its code grew: its memory */
bool codes_same_text(const char *a, const char *b);	 /* false where one is NULL */
void codes_free(struct stacks *s);

/* Describes a call of code that comes and goes: @by is a hash of the frames that stay and of the
 * instructions in those that do not, @files and @lines are of the names of the latter. */
struct turn {
	uint64_t by, files, lines;
	bool may_go, is_unknown; /* there is such code; a frame could not be read */
};

void turn_add(struct turn *t, const struct pl_frame *raw, const struct stack_frame *f,
	      bool is_pointer);
/* Notes the names and returns the key of the call; 0: no such code, or not all could be read. */
uint64_t turn_note(struct stacks *s, const struct turn *t);
/* Frame @i is of such code: was code with other lines called there, too? */
bool turns_in_lines(const struct stacks *s, const struct stack *st, uint32_t i);
/* Was code of other files called there, too? */
bool turns_in_files(const struct stacks *s, const struct stack *st);

static inline size_t stack_bytes(uint32_t frames)
{
	return sizeof(struct stack) + frames * sizeof(struct stack_frame);
}

#endif
