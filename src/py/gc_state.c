/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the state of the cycle collectors of all interpreters, summed. */
#include "py/py_priv.h"

/* struct gc_generation: list head, threshold at 16, count at 20. */
#define GENERATION_SIZE 24
#define THRESHOLD	16
#define MAX_COUNT	(1ull << 40) /* no process reaches such a count */
/* Up to 3.14: collections, collected, uncollectable per generation. */
#define STATS_SIZE	  24
#define STATS_UNCOLLECTED 16
/* 3.15: a pointer to rings of 64-byte items (see gc.c): offset, offset of the index, items. */
#define RING_ITEM	 64
#define RING_COLLECTIONS 16
#define RING_UNCOLLECTED 32

static const struct {
	uint16_t at, index;
	uint8_t items;
} ring[PY_GENERATIONS] = {{0, 704, 11}, {712, 904, 3}, {912, 1104, 3}};

static int read_ring(const struct py_runtime *rt, uint64_t gc, struct py_gc_state *out)
{
	uint64_t stats, v[2];
	int8_t index;

	if (proc_read_u64(rt->proc, gc + rt->layout.gc_stats, &stats) || !stats)
		return -ENODATA;
	for (int g = 0; g < PY_GENERATIONS; g++) {
		uint64_t item;

		if (proc_read(rt->proc, stats + ring[g].index, &index, 1) || index < 0 ||
		    index >= ring[g].items)
			return -ENODATA;
		item = stats + ring[g].at + RING_ITEM * (uint64_t)index;
		if (proc_read_u64(rt->proc, item + RING_COLLECTIONS, &v[0]) ||
		    proc_read_u64(rt->proc, item + RING_UNCOLLECTED, &v[1]) || v[0] > MAX_COUNT ||
		    v[1] > MAX_COUNT)
			return -ENODATA;
		out->collections[g] += v[0];
		out->uncollectable += v[1];
	}
	return 0;
}

static int read_stats(const struct py_runtime *rt, uint64_t gc, struct py_gc_state *out)
{
	uint64_t v[PY_GENERATIONS][STATS_SIZE / 8];

	if (rt->minor >= 15)
		return read_ring(rt, gc, out);
	if (proc_read(rt->proc, gc + rt->layout.gc_stats, v, sizeof(v)))
		return -ENODATA;
	for (int g = 0; g < PY_GENERATIONS; g++) {
		if (v[g][0] > MAX_COUNT || v[g][STATS_UNCOLLECTED / 8] > MAX_COUNT)
			return -ENODATA;
		out->collections[g] += v[g][0];
		out->uncollectable += v[g][STATS_UNCOLLECTED / 8];
	}
	return 0;
}

static int read_one(const struct py_runtime *rt, uint64_t gc, bool is_main, struct py_gc_state *out)
{
	uint32_t enabled, threshold;
	uint64_t garbage;

	if (proc_read_u32(rt->proc, gc + rt->layout.gc_enabled, &enabled) || enabled > 1 ||
	    read_stats(rt, gc, out))
		return -ENODATA;
	if (is_main)
		out->is_enabled = enabled;
	for (unsigned g = 0; g < PY_GENERATIONS && is_main; g++) {
		if (proc_read_u32(rt->proc,
				  gc + rt->layout.gc_generations + g * GENERATION_SIZE + THRESHOLD,
				  &threshold))
			return -ENODATA;
		out->threshold[g] = threshold;
	}
	if (!proc_read_u64(rt->proc, gc + rt->layout.gc_garbage, &garbage) && garbage &&
	    out->n_garbage < PY_MAX_GARBAGE)
		out->garbage[out->n_garbage++] = garbage;
	return 0;
}

int py_gc_state(const struct py_runtime *rt, struct py_gc_state *out)
{
	uint64_t interps[PY_MAX_INTERPRETERS];
	int n = py_interpreters(rt, interps, PY_MAX_INTERPRETERS);

	memset(out, 0, sizeof(*out));
	if (n <= 0)
		return -ENODATA;
	if (rt->layout.runtime_gc)
		n = 1; /* 3.8 has one collector for all */
	/* the main interpreter is the last of the list, as new ones are put in front */
	for (int i = 0; i < n; i++)
		if (read_one(rt, py_gc_of(rt, interps[i]), i == n - 1, out))
			return -ENODATA;
	return 0;
}
