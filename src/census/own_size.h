/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PYLEAK_CENSUS_OWN_SIZE_H
#define PYLEAK_CENSUS_OWN_SIZE_H

#include "heap/walk.h"

struct heap_own {
	uint64_t bytes;	       /* itself, with pre-header and GC head */
	uint64_t satellite;    /* one more block of this size is its own */
	uint64_t hidden;       /* a bytes object of this size is its buffer */
	uint64_t keys, values; /* of a dict; whose sizes stand elsewhere */
	uint64_t instance_values;
};

void heap_own_of(const struct py_runtime *rt, const struct heap_block *b, struct heap_own *out);

#endif
