/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Computes the bytes that an object takes itself and those that belong to it alone, from the
 * content of its block: it reads nothing, as it runs for every object of the heap. (heap/size.c
 * does the same for single objects, with as many reads as it takes.) */
#ifndef PYLEAK_CENSUS_OWN_SIZE_H
#define PYLEAK_CENSUS_OWN_SIZE_H

#include "heap/walk.h"

struct heap_own {
	uint64_t bytes;	    /* the object itself, with pre-header and GC head */
	uint64_t satellite; /* bytes of further blocks that are its own */
	uint64_t hidden;    /* bytes of a bytes object that is its buffer */
	uint64_t keys,
		values; /* addresses of those of a dict, which have their sizes in their blocks */
	uint64_t instance_values; /* address of its attribute values; 0 = none */
};

/* @b must hold an object, whose type is known. */
void heap_own_of(const struct py_runtime *rt, const struct heap_block *b, struct heap_own *out);

#endif
