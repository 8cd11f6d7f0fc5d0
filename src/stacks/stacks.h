/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stacks the kernel half has named by hash, with their code objects copied out of the target as
 * soon as they are seen: a report can then be printed after the target has gone.
 *
 * The hash is of addresses. Where code lives shortly (a cell of a notebook, exec, a template), the
 * next one has the address of the last: then the hash is another stack, with an id of its own. */
#ifndef PYLEAK_STACKS_H
#define PYLEAK_STACKS_H

#include "py/py.h"
#include "pyleak/abi.h"

struct stacks;

struct stack_frame {
	const struct py_code *code; /* NULL: could not be read in time */
	int line;
	bool is_shared; /* the hash was told of other code here, too */
	bool entry; /* C code called the interpreter here: frames up to this one share a C frame */
};

struct stack {
	uint64_t id;  /* ours: the hash, or a name of our own */
	uint64_t key; /* the hash, as the kernel half has it; 0 = made here, and nobody tells it */
	uint64_t told_ns;
	uint64_t turn;	       /* turn_note() */
	struct stack *without; /* stacks_without_stale() as of then */
	uint64_t without_ns;
	uint32_t n;
	uint32_t flags;		    /* PL_STACK_* */
	bool stale;		    /* a code object's address was found to hold another one */
	bool is_forgotten;	    /* its hash was handed out by stacks_take_stale() */
	struct stack_frame frame[]; /* innermost first */
};

int stacks_new(const struct py_runtime *rt, struct stacks **out);
void stacks_free(struct stacks *s);

/* A record of the ring buffer, @size bytes long. Malformed ones are ignored. */
void stacks_add(struct stacks *s, const struct pl_stack *rec, size_t size);
struct stack *stacks_find(struct stacks *s, uint64_t id); /* NULL: unknown */
/* The stack that the kernel half means by @key now. */
struct stack *stacks_current(struct stacks *s, uint64_t key);
/* Where CPython's JIT runs, the innermost line becomes that of its function (py_jit_runs).
 * Do the code objects of this stack still live at their addresses, and did so since it was told?
 * Marks it stale when not: its hash may by then mean another stack, and the next one that has it is
 * told anew; once, where no telling can be sure. */
bool stacks_verify(struct stacks *s, struct stack *st);
/* Has other code been seen where code of this stack was that is gone, or called in its place? */
bool stacks_place_is_shared(struct stacks *s, const struct stack *st);
/* @st without the names of code that no longer lives where it did; NULL when memory ran out. */
struct stack *stacks_without_stale(struct stacks *s, struct stack *st);
/* For blocks and descriptors, which have the hash alone, whichever of its meanings they are of:
 * without the names in which those differ. Looks, now and then, whether the code is still there. */
struct stack *stacks_by_key(struct stacks *s, uint64_t key);
/* Its id; @key where there is none. */
uint64_t stacks_id_by_key(struct stacks *s, uint64_t key);
/* Hashes of stacks that were found to be stale since, for the kernel half to forget; the caller
 * frees them. */
size_t stacks_take_stale(struct stacks *s, uint64_t **keys);
/* Forget the stacks whose ids are not in @keep; their ids go to @gone (caller frees), so that the
 * kernel half can be made to tell them again. */
struct map64;
int stacks_trim(struct stacks *s, const struct map64 *keep, uint64_t **gone, size_t *n);
size_t stacks_count(const struct stacks *s);
/* More than half of the stacks or of the memory that there may be: time to forget some. */
bool stacks_are_many(const struct stacks *s);
double stacks_mean_depth(const struct stacks *s); /* frames; 0 without stacks */
/* Code objects that were gone or unreadable when their stack arrived. */
uint64_t stacks_unread_codes(const struct stacks *s);
/* Stacks that would have taken more memory, or time to read, than a program may cost us. */
uint64_t stacks_left_out(const struct stacks *s);

#endif
