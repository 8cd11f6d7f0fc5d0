/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* glibc's malloc from outside, chunk by chunk: main arena, the others' heaps, and blocks with a
 * mapping of their own (malloc/malloc.c, malloc/arena.c; 2.27 - 2.43). */
#ifndef PYLEAK_HEAP_MALLOC_H
#define PYLEAK_HEAP_MALLOC_H

#include "base/map64.h"
#include "heap/heap.h"

enum heap_chunk_state {
	HEAP_CHUNK_USED,
	HEAP_CHUNK_CACHED, /* freed, in a thread's cache or a fastbin: given back to nobody */
	HEAP_CHUNK_FREE,
	HEAP_CHUNK_TOP, /* the rest at the end of an arena */
};

struct heap_chunk {
	uint64_t start, size; /* with the header; the block begins at start + 16 */
	enum heap_chunk_state state;
	bool main;   /* of the main arena */
	bool mapped; /* has a mapping of its own */
};

/* Non-zero ends the walk and is returned by it. */
typedef int (*heap_chunk_visit)(const struct heap_chunk *c, void *ctx);

/* A row of memory as far as it matters here. */
struct heap_row {
	uint64_t start, end;
	bool anonymous, brk; /* readable and writable, without a file; the brk heap */
	bool file;	     /* writable, of a file: where libc's data may be */
};

/* A piece of memory that glibc cuts into chunks. */
struct heap_area {
	uint64_t start;	    /* first chunk */
	uint64_t base, end; /* of all of it, with what the arena keeps in front */
	uint64_t state;	    /* struct malloc_state; 0 = not found */
	bool main;
};

struct heap_malloc {
	VEC(struct heap_area) area; /* by address */
	uint64_t tcache_key;	    /* 2.34+; 0 = not seen */
	struct map64 cache;	    /* before: the key is the address of the thread's cache */
	uint64_t chunks, broken;    /* broken: areas of which the rest made no sense */
};

/* Where glibc's chunks are. Frees what was in @out before. */
int heap_malloc_find(struct heap *h, const struct heap_row *rows, size_t n,
		     struct heap_malloc *out);
void heap_malloc_free(struct heap_malloc *m);
/* All chunks of one area in order. *stop is where the chain ended: the area's end if it was whole.
 */
int heap_malloc_walk(struct heap *h, struct heap_malloc *m, const struct heap_area *a,
		     heap_chunk_visit visit, void *ctx, uint64_t *stop);
/* Does a mapped chunk begin at @at and end at or before @end? Its size, or 0. */
uint64_t heap_mapped_chunk(struct heap *h, uint64_t at, uint64_t end);

#endif
