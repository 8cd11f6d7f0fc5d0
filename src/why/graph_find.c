/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the node that an address belongs to, and the address of a node. */
#include "why/graph.h"

/* Counts bits without a library call: the builtin makes one where the processor is not known. */
static uint32_t count_bits(uint64_t v)
{
	v -= v >> 1 & 0x5555555555555555ull;
	v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (uint32_t)(v * 0x0101010101010101ull >> 56);
}

static uint32_t find_pooled(const struct graph *g, uint64_t pool, uint64_t addr, uint64_t *block)
{
	const uint64_t *at = map64_get(&g->pool_at, pool);
	const struct graph_pool *p;
	uint64_t word, bit;
	uint32_t k;

	if (!at || addr - pool < HEAP_POOL_HEAD)
		return NODE_NONE;
	p = &g->pool.v[*at - 1];
	k = graph_slot(p, addr - pool);
	word = k < p->slots ? g->bits.v[p->bits + k / GRAPH_SLOTS] : 0;
	bit = 1ull << k % GRAPH_SLOTS;
	if (!(word & bit))
		return NODE_NONE;
	*block = pool + HEAP_POOL_HEAD + (uint64_t)k * p->size;
	return p->first + (uint32_t)(word >> GRAPH_SLOTS) + count_bits(word & (bit - 1));
}

/* The first block behind @addr in its region, or, by an index of pages, one close before it. */
static uint32_t block_behind(const struct graph *g, const struct graph_region *r, uint64_t addr)
{
	uint32_t lo = r->from, hi = r->to;

	if (r->page)
		return r->page[(addr >> GRAPH_PAGE_SHIFT) - (r->start >> GRAPH_PAGE_SHIFT)];
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (g->block.v[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t find_other(const struct graph *g, uint64_t addr, uint64_t *block)
{
	size_t lo = 0, hi = g->region.n;
	const struct graph_region *r;
	uint32_t i;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (addr >= g->region.v[mid].end)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == g->region.n || addr < g->region.v[lo].start)
		return NODE_NONE;
	r = &g->region.v[lo];
	i = block_behind(g, r, addr);
	while (i < g->block.n && g->block.v[i].addr <= addr)
		i++;
	if (!i || addr - g->block.v[i - 1].addr >= g->block.v[i - 1].bytes)
		return NODE_NONE;
	*block = g->block.v[i - 1].addr;
	return g->n_pooled + i - 1;
}

static uint32_t find(const struct graph *g, uint64_t addr, uint64_t *block)
{
	uint64_t pool_size = g->h->rt->layout.pool_size;
	uint32_t node = NODE_NONE;

	if (addr < 0x10000 || addr >> 47)
		return NODE_NONE;
	if (pool_size)
		node = find_pooled(g, addr & ~(pool_size - 1), addr, block);
	return node != NODE_NONE ? node : find_other(g, addr, block);
}

uint32_t graph_find_block(const struct graph *g, uint64_t addr, uint64_t *block)
{
	uint64_t begin;

	return find(g, addr, block ? block : &begin);
}

uint32_t graph_find(const struct graph *g, uint64_t word)
{
	uint64_t block;
	uint32_t node = find(g, word, &block);
	const struct graph_type *t;

	if (node == NODE_NONE)
		return node;
	t = graph_type(g, node);
	/* A reference to a chunk points close behind its beginning (attribute values, debug hooks);
	 * other addresses inside are mostly glibc's, or leftovers. They count for blocks that are
	 * asked for: else these would be said to have no holder. */
	if (!t->addr && node >= g->n_pooled && word - block > GRAPH_MAX_PREFIX &&
	    !graph_is_asked(g, block, 1))
		return NODE_NONE;
	return !t->addr || word == block + (uint64_t)(int64_t)t->offset ? node : NODE_NONE;
}

uint64_t graph_addr(const struct graph *g, uint32_t node, uint64_t *bytes)
{
	const struct graph_type *t = graph_type(g, node);
	size_t lo = 0, hi = g->pool.n;
	const struct graph_pool *p;
	uint32_t left, i = 0;
	uint64_t w;

	if (node >= g->n_pooled) {
		const struct graph_block *b = &g->block.v[node - g->n_pooled];

		if (bytes)
			*bytes = b->bytes;
		return b->addr + (uint64_t)(int64_t)t->offset;
	}
	while (lo + 1 < hi) {
		size_t mid = (lo + hi) / 2;

		if (g->pool.v[mid].first <= node)
			lo = mid;
		else
			hi = mid;
	}
	p = &g->pool.v[lo];
	left = node - p->first;
	for (;; i++) {
		uint32_t k = count_bits(g->bits.v[p->bits + i] & GRAPH_SLOT_BITS);

		if (left < k)
			break;
		left -= k;
	}
	w = g->bits.v[p->bits + i];
	while (left--)
		w &= w - 1;
	if (bytes)
		*bytes = p->size;
	return p->addr + HEAP_POOL_HEAD +
	       (uint64_t)p->size * (GRAPH_SLOTS * i + (uint32_t)__builtin_ctzll(w)) +
	       (uint64_t)(int64_t)t->offset;
}
