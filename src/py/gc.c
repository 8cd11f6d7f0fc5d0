/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the cycle collector's own counters, and finds its lists. */
#include "py/py_priv.h"

#define STATS_SIZE \
	24 /* struct gc_generation_stats to 3.14: collections, collected, uncollectable */
/* 3.15 (Include/internal/pycore_interp_structs.h, struct gc_stats): a pointer to rings of 64-byte
 * items; the oldest generation's ring has 3 items. */
#define RING_OLD	 912
#define RING_ITEMS	 3
#define RING_ITEM	 64
#define RING_COLLECTIONS 16

uint64_t py_gc_of(const struct py_runtime *rt, uint64_t interp)
{
	return rt->layout.runtime_gc ? rt->runtime + rt->layout.runtime_gc
				     : interp + rt->layout.interp_gc;
}

/* Finds the generations, whose offset differs within 3.13: generation0 points to them. */
void py_find_gc(struct py_runtime *rt)
{
	uint64_t interp = py_main_interpreter(rt), gc = py_gc_of(rt, interp), head;

	if (!interp)
		return;
	if (!proc_read_u64(rt->proc, gc + rt->priv->build.gc_generation0, &head) && head > gc &&
	    head - gc <= 64)
		rt->layout.gc_generations = (uint32_t)(head - gc);
	else
		log_debug("process %d: the gc struct is not where CPython %s has it", rt->proc->pid,
			  rt->version);
}

/* struct gc_generation: list head, threshold, count. The incremental collector of 3.14.0 - 3.14.4
 * has three, too, with other names. */
#define GENERATIONS	3
#define GENERATION_SIZE 24

size_t py_gc_heads(const struct py_runtime *rt, uint64_t *out, size_t max)
{
	uint64_t interps[PY_MAX_INTERPRETERS];
	int n = py_interpreters(rt, interps, PY_MAX_INTERPRETERS);
	size_t k = 0;

	if (rt->free_threaded)
		return 0; /* without a GIL the collector goes through the allocator's pages */
	if (n > 0 && rt->layout.runtime_gc)
		n = 1; /* 3.8 has one collector for all */
	for (int i = 0; i < n && k + GENERATIONS < max; i++) {
		uint64_t gc = py_gc_of(rt, interps[i]);

		for (uint64_t g = 0; g < GENERATIONS; g++)
			out[k++] = gc + rt->layout.gc_generations + g * GENERATION_SIZE;
		out[k++] = gc + rt->layout.gc_permanent;
	}
	return k;
}

/* Reads full collections of 3.15: each item of the ring counts on from the one before. */
static int ring_collections(const struct py_runtime *rt, uint64_t gc, uint64_t *out)
{
	uint64_t stats, one;

	*out = 0;
	if (proc_read_u64(rt->proc, gc + rt->layout.gc_stats, &stats) || !stats)
		return -ENODATA;
	stats += RING_OLD + RING_COLLECTIONS;
	for (uint64_t i = 0; i < RING_ITEMS; i++) {
		if (proc_read_u64(rt->proc, stats + RING_ITEM * i, &one))
			return -ENODATA;
		*out = one > *out ? one : *out;
	}
	return 0;
}

/* Reads collections of a build without a GIL: all are full, though counted by the generation that
 * the program asked for. */
static int all_collections(const struct py_runtime *rt, uint64_t gc, uint64_t *out)
{
	uint64_t at = gc + rt->layout.gc_stats, one;

	*out = 0;
	for (int g = 0; g < GENERATIONS; g++, at += STATS_SIZE) {
		if (proc_read_u64(rt->proc, at, &one) || one >> 40)
			return -ENODATA;
		*out += one;
	}
	return 0;
}

int py_full_collections(const struct py_runtime *rt, uint64_t *out)
{
	uint64_t interps[PY_MAX_INTERPRETERS], sum = 0;
	int n = py_interpreters(rt, interps, PY_MAX_INTERPRETERS);

	if (n <= 0)
		return -ENODATA;
	/* 3.8 has one collector for all */
	if (rt->layout.runtime_gc)
		n = 1;
	for (int i = 0; i < n; i++) {
		uint64_t gc = py_gc_of(rt, interps[i]), one;
		int err;

		if (rt->free_threaded)
			err = all_collections(rt, gc, &one);
		else if (rt->minor >= 15)
			err = ring_collections(rt, gc, &one);
		else
			err = proc_read_u64(rt->proc, gc + rt->layout.gc_stats + 2 * STATS_SIZE,
					    &one);

		/* no process reaches such a count */
		if (err || one >> 40)
			return -ENODATA;
		sum += one;
	}
	*out = sum;
	return 0;
}

int py_gc_enabled(const struct py_runtime *rt, bool *out)
{
	uint64_t interp = py_main_interpreter(rt);
	uint32_t enabled;

	if (!interp ||
	    proc_read_u32(rt->proc, py_gc_of(rt, interp) + rt->layout.gc_enabled, &enabled) ||
	    enabled > 1)
		return -ENODATA;
	*out = enabled;
	return 0;
}
