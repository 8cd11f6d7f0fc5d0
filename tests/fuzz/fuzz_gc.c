/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The collector's lists and counters.
 *
 * reads: src/py/gc.c src/py/gc_state.c src/census/gc_lists.c
 */
#include "fuzz/world.h"
#include "census/gc_lists.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct world *w = world_take(&in, 0);
	struct py_runtime kept = w->rt;
	struct heap_gc_lists lists;
	struct py_gc_state state;
	uint64_t full, heads[16];
	bool enabled;
	struct heap *h;

	py_find_gc(&w->rt);
	py_gc_heads(&w->rt, heads, ARRAY_SIZE(heads));
	py_full_collections(&w->rt, &full);
	py_gc_enabled(&w->rt, &enabled);
	if (!py_gc_state(&w->rt, &state) && !heap_open(&w->rt, &h)) {
		heap_gc_lists(h, &state, &lists);
		heap_gc_lists_free(&lists);
		heap_close(h);
	}
	w->rt = kept;
	return 0;
}
