/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Splits the resident memory of a process into parts: why RSS is not the heap. */
#ifndef PYLEAK_HEAP_PARTS_H
#define PYLEAK_HEAP_PARTS_H

#include "heap/heap.h"

/* Resident bytes; they add up to rss. */
struct heap_parts {
	uint64_t rss;
	uint64_t python_live;		    /* blocks in use in pymalloc's or mimalloc's memory */
	uint64_t python_slack;		    /* the rest of it */
	uint64_t malloc_live, malloc_slack; /* glibc: chunks in use, and freed or never used */
	uint64_t mmap;		  /* memory without a file that no allocator we know has */
	uint64_t file;		  /* mapped files, their written pages too; shared memory */
	uint64_t stacks;	  /* of threads */
	uint64_t other;		  /* what is left */
	uint64_t trimmable;	  /* of malloc_slack: what malloc_trim(0) would give back */
	uint64_t broken, cost_ns; /* broken: arenas that could not be followed */
};

/* -ENODATA for a core file, which does not say what was resident. */
int heap_parts(struct heap *h, struct heap_parts *out);

#endif
