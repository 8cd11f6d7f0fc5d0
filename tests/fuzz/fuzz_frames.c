/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Interpreters, threads, frames and their variables.
 *
 * reads: src/py/threads.c src/py/locals.c
 */
#include "fuzz/world.h"

#define MAX 64

static int visit(const struct py_locals *f, void *ctx)
{
	struct world *w = ctx;
	char name[64];

	for (uint32_t i = 0; i < f->n && i < 8; i++) {
		py_local_name(&w->rt, f->code, i, name, sizeof(name));
		py_free_name(&w->rt, f->code, i, name, sizeof(name));
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct world *w = world_take(&in, 0);
	uint64_t interp[4], tstate[4];
	struct pl_frame frame[MAX];
	struct py_locals locals;
	size_t n, k;

	py_interpreters(&w->rt, interp, ARRAY_SIZE(interp));
	py_modules(&w->rt);
	n = py_threads(&w->rt, tstate, ARRAY_SIZE(tstate));
	if (n > ARRAY_SIZE(tstate))
		abort();
	for (size_t i = 0; i < n; i++) {
		py_read_stack(&w->rt, tstate[i], frame, MAX, &k, &(int){PY_MAX_STEPS});
		py_walk_locals(&w->rt, tstate[i], visit, w);
	}
	py_read_locals(&w->rt, w->frame, &locals);
	return 0;
}
