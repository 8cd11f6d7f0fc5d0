/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The open-addressing map, with linear probing, at most half full. */
#include "base/map64.h"

#include <sys/random.h>

/* Joins both halves of the product, so that each bit of the key changes each bit of the hash. */
static size_t spread(const struct map64 *m, uint64_t key)
{
	unsigned __int128 x = (unsigned __int128)(key ^ m->seed[0]) * m->seed[1];

	return (size_t)(x ^ x >> 64);
}

/* Makes a secret. Where the kernel has no randomness yet, early after boot, it is only hard to
 * guess.
 */
static void new_seed(struct map64 *m)
{
	if (getrandom(m->seed, sizeof(m->seed), GRND_NONBLOCK) != sizeof(m->seed)) {
		m->seed[0] = clock_ns() ^ (uintptr_t)m;
		m->seed[1] = clock_ns() * 0x9e3779b97f4a7c15ull;
	}
	/* odd, and never small, so that the upper half of the product is used */
	m->seed[1] |= 1ull << 63 | 1;
}

void map64_free(struct map64 *m)
{
	free(m->slot);
	memset(m, 0, sizeof(*m));
}

void map64_clear(struct map64 *m)
{
	if (m->n)
		memset(m->slot, 0, m->cap * 16);
	m->n = 0;
}

static uint64_t *find(const struct map64 *m, uint64_t key)
{
	size_t i = spread(m, key) & (m->cap - 1);

	while (m->slot[2 * i] && m->slot[2 * i] != key)
		i = (i + 1) & (m->cap - 1);
	return &m->slot[2 * i];
}

uint64_t *map64_get(const struct map64 *m, uint64_t key)
{
	uint64_t *s;

	if (!m->cap || !key)
		return NULL;
	s = find(m, key);
	return *s ? s + 1 : NULL;
}

static bool grow(struct map64 *m)
{
	struct map64 bigger = {.cap = m->cap ? m->cap * 2 : 64, .n = m->n};

	bigger.slot = calloc(bigger.cap, 16);
	if (!bigger.slot)
		return false;
	new_seed(&bigger);
	for (size_t i = 0; i < m->cap; i++) {
		uint64_t *s;

		if (!m->slot[2 * i])
			continue;
		s = find(&bigger, m->slot[2 * i]);
		s[0] = m->slot[2 * i];
		s[1] = m->slot[2 * i + 1];
	}
	free(m->slot);
	*m = bigger;
	return true;
}

uint64_t *map64_put(struct map64 *m, uint64_t key)
{
	uint64_t *s;

	if (!key || (2 * (m->n + 1) > m->cap && !grow(m)))
		return NULL;
	s = find(m, key);
	if (!*s) {
		s[0] = key;
		s[1] = 0;
		m->n++;
	}
	return s + 1;
}
