/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parts of the resident memory: rows, arenas, and glibc's chunks followed in every arena.
 *
 * reads: src/heap/parts.c src/heap/malloc_find.c src/heap/malloc_walk.c src/heap/chunk.c
 */
#include "fuzz/world.h"
#include "heap/parts.h"

/* A thread's arena, beside what the world has: heaps begin at multiples of 64 MiB. */
#define ARENA	   (WORLD_BASE + (64ull << 20))
#define ARENA_SIZE 0x20000u

static uint8_t arena[ARENA_SIZE];

static ssize_t read_arena(struct proc_source *s, uint64_t addr, void *buf, size_t len)
{
	uint64_t off = addr - ARENA;

	if (off >= ARENA_SIZE)
		return world_read(s, addr, buf, len);
	if (len > ARENA_SIZE - off)
		len = ARENA_SIZE - off;
	memcpy(buf, arena + off, len);
	return (ssize_t)len;
}

static int arena_pages(struct proc_source *s, uint64_t start, uint64_t end, uint8_t *out)
{
	if (start < ARENA)
		return world_pages(s, start, end, out);
	memset(out, 1, (end - start) / 4096);
	return 0;
}

static void put(uint64_t at, uint64_t v)
{
	memcpy(arena + at, &v, 8);
}

/* heap_info, malloc_state, a few chunks of which one is on a list, the top. */
static void make(struct world *w, struct fuzz_in *in)
{
	static const uint16_t bytes[] = {0x290, 0x40, 0x80, 0x500, 0x40};
	uint64_t at = 0x8d0;

	memset(arena, 0, sizeof(arena));
	put(0, ARENA + 0x30);
	put(16, ARENA_SIZE);
	put(24, ARENA_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		put(at + 8, bytes[i] | (i == 4 ? 4u : 5u));
		at += bytes[i];
	}
	put(0x30 + 0x10, ARENA + 0x8d0 + 0x290);
	put(0x30 + 0x60, ARENA + at);
	put(at + 8, (ARENA_SIZE - at) | 5);
	/* A block with a mapping of its own. */
	put(ARENA_SIZE - 0x2000 + 8, 0x2000 | 2);
	for (unsigned n = in_u8(in) % 8; n; n--) {
		uint16_t where = in_u16(in);
		uint8_t how = in_u8(in);

		put(where & 1 ? 8ull * (where >> 1) % 0x2000 : 8ull * (where >> 1 & 15),
		    world_value(w, in, how, 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct world *w = world_take(&in, 40);
	size_t rows = w->source.rows.n;
	struct proc_resident *r = vec_push(&w->source.rows);
	struct heap_parts parts;
	struct heap *h;

	make(w, &in);
	*r = (struct proc_resident){ARENA, ARENA + ARENA_SIZE, ARENA_SIZE, PROC_ROW_ANON, 1};
	w->source.read = read_arena;
	w->source.pages = arena_pages;
	if (!heap_open(&w->rt, &h)) {
		heap_tcache_key(h);
		for (uint64_t at = WORLD_BRK + 16; at < WORLD_SIZE; at += 0x1f0)
			heap_chunk_in_use(h, WORLD_BASE + at, 100);
		heap_chunk_in_use(h, ARENA + 0x8d0 + 0x290 + 16, 0x30);
		heap_chunk_in_use(h, WORLD_BASE + WORLD_BRK + 0x290 + 16, 0x30);
		if (!heap_parts(h, &parts) && parts.python_live > parts.rss + WORLD_SIZE)
			abort();
		heap_close(h);
	}
	w->source.read = world_read;
	w->source.pages = world_pages;
	w->source.rows.n = rows;
	return 0;
}
