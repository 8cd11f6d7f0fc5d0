/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which birth before one is looked at again. Plain C: tested on the host. */
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

#endif
