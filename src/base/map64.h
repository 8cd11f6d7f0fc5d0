/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An open-addressing map from non-zero 64-bit keys to 64-bit values, for frequent look-ups (one per
 * birth), as a node per entry would cost a cache miss each. Entries cannot be deleted: clear it and
 * fill it again. Each map hashes with a secret of its own, as keys are addresses, which a target
 * may choose. A zeroed map is empty. Not thread-safe. */
#ifndef PYLEAK_MAP64_H
#define PYLEAK_MAP64_H

#include "base/base.h"

struct map64 {
	uint64_t *slot; /* cap pairs of key, value; key 0 = free */
	size_t n, cap;	/* cap is a power of two */
	uint64_t seed[2];
};

void map64_free(struct map64 *m);
void map64_clear(struct map64 *m); /* keeps the memory */
/* The address of the value, which is valid until the next map64_put(); NULL: there is no such key.
 */
uint64_t *map64_get(const struct map64 *m, uint64_t key);
/* The address of the value, which is 0 if the key is new; NULL: memory ran out, or @key is 0. */
uint64_t *map64_put(struct map64 *m, uint64_t key);

#endif
