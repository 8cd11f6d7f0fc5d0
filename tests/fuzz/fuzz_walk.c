/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All live blocks: pools of pymalloc, what the collector knows, chunks of glibc; and who they
 * are.
 *
 * reads: src/heap/pools.c src/heap/census.c src/heap/walk.c src/heap/walk_pools.c
 * reads: src/heap/walk_find.c src/heap/walk_gc.c src/heap/walk_chunks.c src/census/population.c
 * reads: src/census/own_size.c
 */
#include "fuzz/world.h"
#include "census/population.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum py_allocator by[] = {PY_ALLOC_PYMALLOC, PY_ALLOC_PYMALLOC, PY_ALLOC_DEBUG,
					       PY_ALLOC_MALLOC};
	struct fuzz_in in = {data, size};
	struct world *w = world_take(&in, 1);
	struct heap_population all = {0};
	struct heap_census c;
	struct heap *h;

	if (!w->rt.free_threaded)
		w->rt.allocator = by[in_u8(&in) % ARRAY_SIZE(by)];
	if (heap_open(&w->rt, &h))
		return 0;
	heap_census(h, &c);
	for (size_t i = 0; i < w->n_objects; i++) {
		heap_class_of(h, w->object[i].addr);
		heap_chunk_in_use(h, w->object[i].addr, 32);
	}
	heap_population(h, &all);
	for (unsigned k = 0; k <= HEAP_CLASSES; k++)
		heap_population_unowned(&all, k);
	heap_population_free(&all);
	heap_close(h);
	return 0;
}
