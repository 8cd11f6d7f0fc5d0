/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looking things up in evidence. */
#include "judge/evidence.h"

#define BIGGEST 1e18 /* bytes; a block that nobody has */

const double survivor_age_s[SURVIVOR_RUNGS] = {0.2, 1, 3, 10, 30, 60};

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_stack(const void *a, const void *b)
{
	const struct evidence_stack *x = a, *y = b;

	return compare(x->id, y->id);
}

static int by_type(const void *a, const void *b)
{
	const struct evidence_type *x = a, *y = b;

	return compare(x->type, y->type);
}

static int by_way(const void *a, const void *b)
{
	const struct evidence_way *x = a, *y = b;

	return x->stack == y->stack ? compare(x->of, y->of) : compare(x->stack, y->stack);
}

const struct evidence_stack *evidence_stack(const struct evidence *e, uint64_t id)
{
	const struct evidence_stack key = {.id = id};

	return e->n_stacks ? bsearch(&key, e->stack, e->n_stacks, sizeof(key), by_stack) : NULL;
}

const struct evidence_way *evidence_way(const struct evidence *e, uint64_t stack, uint64_t of)
{
	const struct evidence_way key = {.stack = stack, .of = of};

	return e->native.n_ways
		       ? bsearch(&key, e->native.way, e->native.n_ways, sizeof(key), by_way)
		       : NULL;
}

const char *evidence_type(const struct evidence *e, uint64_t type)
{
	const struct evidence_type key = {.type = type}, *found;

	found = e->n_types ? bsearch(&key, e->type, e->n_types, sizeof(key), by_type) : NULL;
	return found && found->name ? found->name : "?";
}

/* glibc's chunk is a word bigger than what was asked for, rounded up to 16. */
unsigned evidence_bin(double bytes)
{
	uint64_t chunk =
		((uint64_t)(bytes > 0 ? bytes < BIGGEST ? bytes : BIGGEST : 0) + 8 + 15) & ~15ull;
	unsigned bin = 63 - (unsigned)__builtin_clzll(chunk < 32 ? 32 : chunk);

	return bin < PL_UNKNOWN_BINS ? bin : PL_UNKNOWN_BINS - 1;
}
