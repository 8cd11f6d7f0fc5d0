/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Objects of every kind, read from outside, with types and bodies that lie.
 *
 * reads: src/heap/object.c src/heap/follow.c src/heap/fingerprint.c src/heap/size.c
 * reads: src/heap/types.c
 */
#include "fuzz/world.h"

static void read_all(struct world *w, struct heap *h, enum heap_depth depth)
{
	struct heap_object v[ARRAY_SIZE(w->object)] = {0}, again[ARRAY_SIZE(w->object)];
	uint64_t object, type;

	for (size_t i = 0; i < w->n_objects; i++) {
		v[i].addr = w->object[i].addr;
		v[i].type = world_word(w, v[i].addr + w->rt.layout.ob_type);
		again[i] = v[i];
	}
	heap_read_objects(h, v, w->n_objects, depth);
	heap_read_objects(h, again, w->n_objects, depth);
	for (size_t i = 0; i < w->n_objects; i++) {
		heap_same_object(&v[i].fp, &again[i].fp);
		heap_object_in_block(h, w->object[i].addr - 16, 64, &object, &type);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum py_allocator by[] = {PY_ALLOC_PYMALLOC, PY_ALLOC_MALLOC, PY_ALLOC_DEBUG};
	struct fuzz_in in = {data, size};
	struct world *w = world_take(&in, 1);
	uint8_t how = in_u8(&in);
	struct heap *h;

	if (!w->rt.free_threaded)
		w->rt.allocator = by[how % ARRAY_SIZE(by)];
	if (heap_open(&w->rt, &h))
		return 0;
	read_all(w, h, how & 16 ? HEAP_IDENTITY : HEAP_FULL);
	heap_close(h);
	return 0;
}
