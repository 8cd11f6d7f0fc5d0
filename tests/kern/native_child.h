/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The target of test_native: does what one byte tells it and answers which blocks it now holds. It
 * makes no allocator call of its own besides. */
#ifndef PYLEAK_NATIVE_CHILD_H
#define PYLEAK_NATIVE_CHILD_H

#include <stdint.h>

#define CHILD_BLOCKS   4096
#define CHILD_PAIRS    10000 /* under probes */
#define CHILD_FLOOD_NS 4000000000ull
#define CHILD_AFTER_NS 2000000000ull

struct child_block {
	uint64_t addr, size;
};

struct child_answer {
	uint32_t n;
	uint32_t truncated;
	uint64_t calls; /* allocator calls made by this command */
	uint64_t ns;	/* and how long they took */
	struct child_block block[CHILD_BLOCKS];
};

int native_child_main(int in, int out);

#endif
