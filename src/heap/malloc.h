/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads glibc's malloc from outside, chunk by chunk: main arena, heaps of the others, and blocks
 * with a mapping of their own (malloc/malloc.c, malloc/arena.c; 2.27 - 2.43). */
#ifndef PYLEAK_HEAP_MALLOC_H
#define PYLEAK_HEAP_MALLOC_H

#include "base/map64.h"
#include "heap/heap.h"

enum heap_chunk_state {
	HEAP_CHUNK_USED,
	HEAP_CHUNK_CACHED, /* freed, but kept in a thread's cache or a fastbin */
	HEAP_CHUNK_FREE,
	HEAP_CHUNK_TOP, /* the rest at the end of an arena */
};

struct heap_chunk {
	uint64_t start, size; /* with the header; the block begins at start + 16 */
	enum heap_chunk_state state;
	bool main;   /* in the main arena */
	bool mapped; /* has a mapping of its own */
};

/* Non-zero ends the walk and is returned by it. */
typedef int (*heap_chunk_visit)(const struct heap_chunk *c, void *ctx);

/* A mapping, as far as it matters here. */
struct heap_row {
	uint64_t start, end;
	bool anonymous, brk; /* readable and writable, without a file; the brk heap */
	bool file;	     /* writable, of a file: where libc's data may be */
};

/* A piece of memory that glibc cuts into chunks. */
struct heap_area {
	uint64_t start;	    /* first chunk */
	uint64_t base, end; /* whole area, with what the arena keeps in front */
	uint64_t state;	    /* struct malloc_state; 0 = not found */
	bool main;
};

struct heap_malloc {
	VEC(struct heap_area) area; /* by address */
	uint64_t tcache_key;	    /* 2.34+; 0 = not seen */
	/* before 2.34: addresses of threads' caches, which are the keys */
	struct map64 cache;
	uint64_t chunks, broken; /* broken: areas whose rest made no sense */
};

/* Finds glibc's areas. Frees what was in @out before. */
int heap_malloc_find(struct heap *h, const struct heap_row *rows, size_t n,
		     struct heap_malloc *out);
void heap_malloc_free(struct heap_malloc *m);
/* Visits all chunks of an area in order. *stop: where the chain ended; its end if it was whole. */
int heap_malloc_walk(struct heap *h, struct heap_malloc *m, const struct heap_area *a,
		     heap_chunk_visit visit, void *ctx, uint64_t *stop);
/* The size of a mapped chunk that begins at @at and ends at or before @end; 0: there is none. */
uint64_t heap_mapped_chunk(struct heap *h, uint64_t at, uint64_t end);

#endif
