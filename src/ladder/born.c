/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ladder/born.h"

#define MANY 65536 /* types that are kept: a program may make ever more */

void born_free(struct born *b)
{
	map64_free(&b->all);
	map64_free(&b->now);
	map64_free(&b->classes);
}

void born_begin(struct born *b)
{
	map64_clear(&b->now);
	b->aim = (struct ladder_aim){0};
}

void born_add(struct born *b, uint64_t type)
{
	uint64_t *n = map64_put(&b->now, type);

	if (n)
		++*n;
}

static uint64_t *put(struct map64 *m, uint64_t type)
{
	return m->n < MANY ? map64_put(m, type) : map64_get(m, type);
}

static bool sees_all(const struct born *b, uint64_t type)
{
	const uint64_t *bits = map64_get(&b->classes, type);

	return !ladder_has_aim(&b->aim) || ladder_aims_at(&b->aim, type) ||
	       (bits && *bits && !(*bits & ~b->aim.classes));
}

void born_admit(struct born *b)
{
	for (size_t i = 0; i < b->now.cap; i++) {
		uint64_t type = b->now.slot[2 * i];
		uint64_t *all = type && sees_all(b, type) ? put(&b->all, type) : NULL;

		if (all)
			*all += b->now.slot[2 * i + 1];
		else
			b->now.slot[2 * i + 1] = 0;
	}
}

uint64_t born_until(struct born *b, uint64_t type, uint64_t class)
{
	const uint64_t *now = map64_get(&b->now, type), *all = map64_get(&b->all, type);
	uint64_t *bits = ladder_has_aim(&b->aim) ? NULL : put(&b->classes, type);

	if (bits)
		*bits |= class;
	return now && *now && all ? *all : 0;
}

bool born_may_be(const struct born *b, uint64_t type, const struct ladder_aim *missed)
{
	const uint64_t *bits = map64_get(&b->classes, type);

	return ladder_aims_at(missed, type) || (bits && *bits & missed->classes);
}
