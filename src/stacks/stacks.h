/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps the stacks that the kernel half has named by hash, with copies of their code objects, which
 * are made as soon as a stack is told: so a report can be printed after the target has gone.
 *
 * The hash is of addresses. Where code lives shortly (a cell of a notebook, exec, a template),
 * later code gets the address of earlier code: then the same hash means another stack, which has an
 * id of its own. Not thread-safe. */
#ifndef PYLEAK_STACKS_H
#define PYLEAK_STACKS_H

#include "base/traffic.h"
#include "py/py.h"
#include "pyleak/abi.h"

struct stacks;

struct stack_frame {
	const struct py_code *code; /* NULL: it could not be read in time, or is gone */
	int line;
	bool is_shared; /* the same hash was told with other code here, too */
	bool entry; /* C code called the interpreter here: frames up to this one share a C frame */
};

struct stack {
	uint64_t id;	  /* the hash, or a number of our own */
	uint64_t key;	  /* the hash, as the kernel half has it; 0 = this stack was made here */
	uint64_t told_ns; /* clock_ns() when the kernel half told it */
	uint64_t turn;	  /* turn_note() */
	struct stack *without; /* the last answer of stacks_without_stale() ... */
	uint64_t without_ns;   /* ... and when it was given */
	uint32_t n;
	uint32_t flags;	   /* PL_STACK_* */
	bool stale;	   /* a code object's address was found to hold another one */
	bool is_forgotten; /* its hash was given to stacks_take_stale(), and not told since */
	struct stack_frame frame[]; /* innermost first */
};

int stacks_new(const struct py_runtime *rt, struct stacks **out);
void stacks_free(struct stacks *s);

/* Adds the stack of a record of the ring buffer, @size bytes long. Malformed records are ignored.
 */
void stacks_add(struct stacks *s, const struct pl_stack *rec, size_t size);
struct stack *stacks_find(struct stacks *s, uint64_t id); /* NULL: unknown */
/* The stack that the kernel half means by @key now; NULL: unknown. */
struct stack *stacks_current(struct stacks *s, uint64_t key);
/* Are the code objects of this stack at their addresses, and were they since it was told? Reads the
 * target. Remains in free memory count unless other code is known to be called there. If not, marks
 * the stack stale: its hash may mean another one by now, so it is to be told anew. So is one whose
 * code was found gone of late.
 * A stack of code that shares its address with other code by turns is told anew but once, as no
 * answer is certain. Where CPython's JIT runs (py_jit_runs), the innermost line becomes the first
 * of its function. */
bool stacks_verify(struct stacks *s, struct stack *st);
/* Is other code known to have been at the address of code of this stack that is gone, or to have
 * been called in its place? */
bool stacks_place_is_shared(struct stacks *s, const struct stack *st);
/* Copies @st without the names of code that is no longer at its address; NULL when memory ran out,
 * or all that it may take is used. */
struct stack *stacks_without_stale(struct stacks *s, struct stack *st);
/* For blocks and descriptors, of which the hash alone is known: its stack. If several stacks have
 * had the hash, frames in which they differ have no names. Looks now and then whether the code is
 * still there. NULL: unknown. */
struct stack *stacks_by_key(struct stacks *s, uint64_t key);
/* The id of that stack; @key where there is none. */
uint64_t stacks_id_by_key(struct stacks *s, uint64_t key);
/* Sets the roots that are not known yet, of stacks that are. */
void stacks_find_roots(struct stacks *s, struct traffic *t);
/* Gives the hashes of stacks that were found stale since the last call, so that the kernel half can
 * be made to tell them again; returns their number. The caller frees @keys. */
size_t stacks_take_stale(struct stacks *s, uint64_t **keys);
/* Forgets the stacks whose ids are not in @keep. Their hashes go to @gone (the caller frees it), so
 * that the kernel half can be made to tell them again. -ENOMEM: nothing was forgotten. */
struct map64;
int stacks_trim(struct stacks *s, const struct map64 *keep, uint64_t **gone, size_t *n);
size_t stacks_count(const struct stacks *s);
/* Is more than half of the stacks or of the memory that may be used in use? Then some are to be
 * forgotten. */
bool stacks_are_many(const struct stacks *s);
double stacks_mean_depth(const struct stacks *s); /* frames; 0 without stacks */
/* Number of code objects that were gone or unreadable when their stack arrived. */
uint64_t stacks_unread_codes(const struct stacks *s);
/* Number of stacks left out, for they would have taken more memory, or time to read, than is
 * allowed. */
uint64_t stacks_left_out(const struct stacks *s);

#endif
