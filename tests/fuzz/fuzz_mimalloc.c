/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Segments and pages of mimalloc, with a few objects in one page: found, counted, walked.
 *
 * reads: src/heap/mimalloc.c src/heap/walk_mimalloc.c
 */
#include "fuzz/world.h"
#include "heap/mimalloc.h"
#include "census/population.h"

#define SEGMENT (WORLD_BASE + (64ull << 20))
#define SLICES	40
#define BLOCK	128
#define BLOCKS	16
#define SECRET	0x1234567890abcdefull

/* As src/heap/mimalloc.c has them: free-threaded, with a GIL, and 2.2. */
static const struct {
	uint16_t cookie, entries, info, slices, page;
	uint8_t block_size, used, local_free, thread_free, start;
} layout[] = {{216, 248, 232, 264, 96, 28, 24, 32, 40, 0},
	      {216, 248, 232, 264, 80, 28, 24, 32, 40, 0},
	      {224, 272, 256, 288, 96, 40, 32, 24, 56, 48}};

static uint8_t segment[SLICES * MI_SLICE_SIZE];

static ssize_t read_segment(struct proc_source *s, uint64_t addr, void *buf, size_t len)
{
	uint64_t off = addr - SEGMENT;

	if (off >= sizeof(segment))
		return world_read(s, addr, buf, len);
	if (len > sizeof(segment) - off)
		len = sizeof(segment) - off;
	memcpy(buf, segment + off, len);
	return (ssize_t)len;
}

static void put(uint64_t at, uint64_t v, size_t bytes)
{
	memcpy(segment + at, &v, bytes);
}

/* A page of blocks, all with a copy of sys.modules; the first two are free. Returns where the dict
 * is. */
static uint64_t make(struct world *w, size_t k)
{
	uint64_t page = layout[k].slices + layout[k].page, first = MI_SLICE_SIZE + BLOCK;
	uint64_t pre = k ? 16 : 0, dict = w->modules;

	memset(segment, 0, 2 * MI_SLICE_SIZE);
	put(32, 32 << 20, 8);
	put(layout[k].cookie, SECRET ^ SEGMENT, 8);
	put(layout[k].entries, SLICES, 8);
	put(layout[k].info, 1, 8);
	put(page, 1, 4);
	put(page + 10, BLOCKS, 2);
	put(page + 16, SEGMENT + first, 8);
	put(page + layout[k].local_free, SEGMENT + first + BLOCK, 8);
	put(page + layout[k].thread_free, SEGMENT + first + 2 * BLOCK, 8);
	put(page + layout[k].block_size, BLOCK, k == 2 ? 8 : 4);
	put(page + layout[k].used, BLOCKS - 2, k == 2 ? 2 : 4);
	if (!k)
		put(page + 8, 2 << 3, 1); /* objects that the collector knows */
	if (layout[k].start)
		put(page + layout[k].start, SEGMENT + first, 8);
	/* Behind it one block that fits no window. */
	page += layout[k].page;
	put(page, SLICES - 2, 4);
	put(page + 10, 1, 2);
	put(page + layout[k].block_size, 2 << 20, k == 2 ? 8 : 4);
	put(page + layout[k].used, 1, k == 2 ? 2 : 4);
	if (layout[k].start)
		put(page + layout[k].start, SEGMENT + 2 * MI_SLICE_SIZE, 8);
	for (size_t i = 3; i < BLOCKS; i++)
		memcpy(segment + first + i * BLOCK, w->mem + (dict - pre - WORLD_BASE), 96);
	return SEGMENT + first + 5 * BLOCK + pre;
}

static void lie(struct world *w, struct fuzz_in *in)
{
	for (unsigned n = in_u8(in) % 8; n; n--) {
		uint16_t where = in_u16(in);
		uint8_t how = in_u8(in);
		uint64_t at =
			where & 0x8000 ? MI_SLICE_SIZE + (where & 0x1ff) * 8u : (where & 0xff) * 8u;

		put(at, world_value(w, in, how, 0), 8u >> (how >> 3 & 3));
	}
}

/* 3.13 and 3.14 without a GIL; with one, as PYTHONMALLOC=mimalloc has it. */
static void choose(struct world *w, size_t k)
{
	struct py_private *x = &w->priv;
	uint64_t tables = w->tstate; /* any words that can be changed */

	if (!k)
		return;
	/* Three tables of allocators: the objects' is in CPython's own text, the others are not. */
	x->raw_table = tables + 64;
	x->obj_table = tables + 64 + 40;
	x->mem_table = tables + 64 + 80;
	x->text_start = 0x1000;
	x->text_end = 0x2000;
	for (int i = 0; i < 3; i++)
		world_put(w, tables + 64 + 40u * (unsigned)i + 8,
			  i == 1 ? 0x1800 : 0x9000 + (unsigned)i, 8);
	w->rt.allocator = PY_ALLOC_MIMALLOC;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t version[] = {8, 9, 1, 6, 7};
	struct fuzz_in in = {data, size}, rest;
	uint8_t which = in_u8(&in) % ARRAY_SIZE(version), begin = version[which];
	size_t k = which < 2 ? 0 : which == 2 ? 1 : 2;
	struct heap_population all = {0};
	struct heap_census c;
	struct world *w;
	struct heap *h;

	rest = (struct fuzz_in){&begin, 1};
	w = world_take(&rest, 0);
	for (size_t i = 0; i < w->n_objects; i++)
		if (world_word(w, w->object[i].type + w->rt.layout.tp_flags) & TPF_DICT)
			w->modules = w->object[i].addr;
	{
		struct py_private kept = w->priv;
		struct py_runtime kept_rt = w->rt;
		struct proc_map *row = &w->maps[WORLD_ROWS - 1];
		uint64_t at = w->interp + w->rt.layout.interp_modules;
		uint64_t modules = world_word(w, at);
		uint8_t words[256];

		memcpy(words, w->mem + (w->tstate - WORLD_BASE), sizeof(words));
		choose(w, k);
		world_put(w, at, make(w, k), 8);
		lie(w, &in);
		*row = (struct proc_map){.start = SEGMENT,
					 .end = SEGMENT + (32ull << 20),
					 .readable = true,
					 .writable = true,
					 .path = ""};
		w->proc.n_maps = WORLD_ROWS;
		w->source.read = read_segment;
		if (!heap_open(&w->rt, &h)) {
			if (heap_has_mimalloc(h)) {
				heap_census(h, &c);
				heap_population(h, &all);
				heap_population_free(&all);
			}
			heap_close(h);
		}
		w->source.read = world_read;
		w->proc.n_maps = WORLD_ROWS - 1;
		memcpy(w->mem + (w->tstate - WORLD_BASE), words, sizeof(words));
		world_put(w, at, modules, 8);
		w->priv = kept;
		w->rt = kept_rt;
	}
	return 0;
}
