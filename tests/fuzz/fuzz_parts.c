/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the resident memory is made of: rows, arenas, and glibc's chunks followed in every arena.
 *
 * reads: src/heap/parts.c src/heap/malloc_find.c src/heap/malloc_walk.c src/heap/chunk.c
 */
#include "fuzz/world.h"
#include "heap/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct world *w = world_take(&in, 0);
	struct heap_parts parts;
	struct heap *h;

	if (heap_open(&w->rt, &h))
		return 0;
	heap_tcache_key(h);
	for (uint64_t at = WORLD_BRK + 16; at < WORLD_SIZE; at += 0x1f0)
		heap_chunk_in_use(h, WORLD_BASE + at, 100);
	if (!heap_parts(h, &parts) && parts.python_live > parts.rss + WORLD_SIZE)
		abort();
	heap_close(h);
	return 0;
}
