/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looks at an earlier birth again: at which, and whether its object is dead. Plain C: tested on the
 * host. */
#ifndef PYLEAK_RECHECK_H
#define PYLEAK_RECHECK_H

/* So many births back, by @random; there are @n of them, 1 or more. Half of the looks are among the
 * last 64, half among the last 1024. A quiet program has fewer in all of a look. */
static inline __attribute__((always_inline)) __u32 recheck_back(__u32 random, __u64 n)
{
	__u32 most = random & 0x80000000 ? 64 : 1024;

	if (n < most)
		most = n;
	return 1 + (random & 0x7fffffff) % most;
}

/* With the GIL: the count of a live object is neither 0 nor a pointer, which is what a freed block
 * or one on a free list has there. 32 bits are counted, and from 3.14 on the upper 16 are flags. */
static inline __attribute__((always_inline)) int count_is_none(__u64 count)
{
	return !(__u32)count || (count >> 32 & 0xffff);
}

#define RECHECK_DEFERRED (1ull << 30) /* _PyGC_BITS_DEFERRED, bit 6 of byte 3 */

/* Without the GIL: the collector's bits and the count of the thread that made it, then that of all
 * others, above two bits. Freeing a block leaves both alone. Counts of objects whose references on
 * stacks are not counted may be 0. */
static inline __attribute__((always_inline)) int counts_are_none(const __u64 word[2])
{
	return !(word[0] >> 32) && !(word[1] >> 2) && !(word[0] & RECHECK_DEFERRED);
}

#endif
