/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looking things up in evidence. */
#include "evidence/evidence.h"

#include "base/series.h"

#define BIGGEST 1e18 /* bytes; no block is as big */

const double survivor_age_s[SURVIVOR_RUNGS] = {0.2, 1, 3, 10, 30, 60};

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Compares stacks, or types, by their number, which is their first member. */
static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return compare(*x, *y);
}

static int by_way(const void *a, const void *b)
{
	const struct evidence_way *x = a, *y = b;

	return x->stack == y->stack ? compare(x->of, y->of) : compare(x->stack, y->stack);
}

static void sort(const void *v, size_t n, size_t size, int (*by)(const void *, const void *))
{
	if (n)
		qsort((void *)(uintptr_t)v, n, size, by);
}

void evidence_sort(struct evidence *e)
{
	sort(e->stack, e->n_stacks, sizeof(*e->stack), by_number);
	sort(e->type, e->n_types, sizeof(*e->type), by_number);
	sort(e->native.way, e->native.n_ways, sizeof(*e->native.way), by_way);
}

const struct evidence_stack *evidence_stack(const struct evidence *e, uint64_t id)
{
	const struct evidence_stack key = {.id = id};

	return e->n_stacks ? bsearch(&key, e->stack, e->n_stacks, sizeof(key), by_number) : NULL;
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

	found = e->n_types ? bsearch(&key, e->type, e->n_types, sizeof(key), by_number) : NULL;
	return found && found->name ? found->name : "?";
}

/* glibc's chunk has a word more than was asked for, and is a multiple of 16. */
uint64_t evidence_chunk(double bytes)
{
	uint64_t chunk =
		((uint64_t)(bytes > 0 ? bytes < BIGGEST ? bytes : BIGGEST : 0) + 8 + 15) & ~15ull;

	return chunk < 32 ? 32 : chunk;
}

unsigned evidence_bin(double bytes)
{
	unsigned bin = 63 - (unsigned)__builtin_clzll(evidence_chunk(bytes));

	return bin < PL_UNKNOWN_BINS ? bin : PL_UNKNOWN_BINS - 1;
}

bool evidence_nowhere(uint64_t stack, struct report_frame *out)
{
	if (stack != EVIDENCE_NO_FRAME && stack != EVIDENCE_NO_STACK)
		return false;
	*out = (struct report_frame){
		.function = stack == EVIDENCE_NO_FRAME ? "(no Python frame)" : "(code not known)",
		.file = "?",
	};
	return true;
}
