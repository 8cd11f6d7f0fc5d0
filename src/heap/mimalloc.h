/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads CPython's own mimalloc from outside (3.13+; always in free-threaded builds, elsewhere with
 * PYTHONMALLOC=mimalloc): segments of 32 MiB, cut into slices of 64 KiB, of which pages are made
 * that hold blocks of one size. */
#ifndef PYLEAK_HEAP_MIMALLOC_H
#define PYLEAK_HEAP_MIMALLOC_H

#include "heap/heap.h"

/* Which of a thread's heaps a page of a free-threaded build belongs to (pycore_mimalloc.h). */
enum heap_mi_tag { MI_TAG_MEM, MI_TAG_OBJECT, MI_TAG_GC, MI_TAG_GC_PRE };

#define MI_SLICES     512 /* of a segment */
#define MI_SLICE_SIZE 65536ull

struct heap_mi_page {
	uint64_t head;	   /* of the page's own record in its segment */
	uint64_t start;	   /* first block */
	uint64_t size;	   /* of a block */
	uint64_t area;	   /* bytes from start to the end of the page */
	uint32_t used;	   /* blocks not given back to the page by its thread */
	uint32_t capacity; /* blocks carved so far */
	uint64_t list[3];  /* free, local free, freed by other threads: first blocks */
	uint8_t tag;
};

/* Looks for mimalloc and checks what it finds; false = it is not used, or not as it is known. */
bool heap_mi_open(struct heap *h);
/* Reads the present segments into the arena list of @h. */
int heap_mi_read_segments(struct heap *h);
/* Reads the pages in use of the segment at @addr; @v has room for MI_SLICES. Pages that make no
 * sense (changed meanwhile) are left out and counted. Returns the number, -errno when the segment
 * is gone. */
int heap_mi_pages(const struct heap *h, uint64_t addr, struct heap_mi_page *v, uint64_t *torn);
/* Reads one page again. */
int heap_mi_page_again(const struct heap *h, struct heap_mi_page *p);
int heap_mi_census(struct heap *h, struct heap_census *out);
/* The size of the block that a request of @bytes gets. */
uint64_t heap_mi_good_size(uint64_t bytes);

#endif
