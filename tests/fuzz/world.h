/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A small CPython in memory, of any version, for what reads a process: interpreter, thread, frames,
 * types and an object of each kind, in pools of pymalloc and in chunks of glibc, all laid out by
 * the tables of the tool. No process is needed, and at the same input everything lies where it lay.
 * The input says which words lie, and from which read on.
 */
#ifndef PYLEAK_TESTS_FUZZ_WORLD_H
#define PYLEAK_TESTS_FUZZ_WORLD_H

#include "fuzz/fuzz.h"
#include "heap/inside.h"
#include "proc/source.h"
#include "py/py_priv.h"

#define WORLD_BASE  0x7f5000000000ull /* a multiple of 32 MiB, as segments of mimalloc are */
#define WORLD_SIZE  0x28000ull
#define WORLD_POOLS 0x10000ull /* one each for blocks of 64, 128, 256 and 512 bytes */
#define WORLD_BRK   0x20000ull
#define WORLD_ROWS  5

struct world_object {
	uint64_t addr, type;
};

struct world {
	struct proc_source source; /* first: proc_source * is world * */
	struct proc proc;
	struct proc_map maps[WORLD_ROWS];
	struct py_runtime rt;
	struct py_private priv;
	uint8_t *mem;
	uint64_t used; /* of the part in front of the pools */
	uint64_t interp, tstate, code, frame, modules;
	uint64_t names; /* the values of the module's dict, a pair of words each */
	struct world_object object[64];
	size_t n_objects;
	VEC(struct world_lie) lies; /* still to come */
	VEC(struct world_lie) undo;
	uint64_t reads, missing; /* bit n: page n is not there */
};

struct world_lie {
	uint64_t at, value; /* offset in the memory, or the number of a page that goes */
	uint32_t from_read;
	uint8_t bytes; /* 0: a page */
};

/* A world as the first byte of the input has it, with all the lies that follow @more bytes further
 * on; those bytes are left for the caller at @in. Valid until the next call. */
struct world *world_take(struct fuzz_in *in, size_t more);

ssize_t world_read(struct proc_source *s, uint64_t addr, void *buf, size_t len);
int world_pages(struct proc_source *s, uint64_t start, uint64_t end, uint8_t *out);

/* For the makers: how many versions there are; room; words. */
#define WORLD_VERSIONS 10
uint64_t world_room(struct world *w, uint64_t bytes);
void world_put(struct world *w, uint64_t addr, uint64_t value, size_t bytes);
uint64_t world_word(const struct world *w, uint64_t addr);
/* As a lie: until the next world_take. */
void world_change(struct world *w, uint64_t addr, uint64_t value);
/* The value that a lie says: the low three bits of @how choose, @at is where. */
uint64_t world_value(struct world *w, struct fuzz_in *in, uint8_t how, uint64_t at);

/* world_objects.c: fills the memory. */
void world_fill(struct world *w);

#endif
