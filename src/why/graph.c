/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers the live blocks: each becomes a node. */
#include <stdio.h>
#include <unistd.h>

#include "why/graph.h"

#define MAX_LENGTHS  (2u << 20)
#define SMALL_ROOM   4096	/* items; longer ones are not all in memory that was used before */
#define POOL_WORDS   64		/* of the largest block in a pool */
#define GAP	     (1u << 20) /* a greater one begins a new region */
#define DIRECT_LEAST (256ull << 20) /* the process grows meanwhile */
#define DIRECT_SAVED (64ull << 30)  /* of a saved process */
#define MANY_PAGES   4096	    /* pages of a region: fewer are always indexed */
#define SPARSE	     4		    /* pages to a block: above that, the region is searched */
#define EXTRA_BYTES  16

static int new_pool(struct graph *g, uint64_t addr, uint64_t bytes, uint64_t *at)
{
	size_t slots = (g->h->rt->layout.pool_size - HEAP_POOL_HEAD) / bytes;
	size_t words = slots / GRAPH_SLOTS + 1;
	struct graph_pool *p;

	if (!vec_reserve(&g->bits, g->bits.n + words))
		return -ENOMEM;
	p = vec_push(&g->pool);
	if (!p)
		return -ENOMEM;
	*p = (struct graph_pool){.addr = addr,
				 .first = g->n,
				 .bits = (uint32_t)g->bits.n,
				 .inverse = (uint32_t)((1ull << 32) / bytes + 1),
				 .size = (uint16_t)bytes,
				 .slots = (uint16_t)slots};
	memset(g->bits.v + g->bits.n, 0, words * 8);
	g->bits.n += words;
	*at = g->pool.n;
	return 0;
}

static int add_pooled(struct graph *g, const struct heap_block *b)
{
	uint64_t size = g->h->rt->layout.pool_size, pool = b->addr & ~(size - 1), *at, *word, bit;
	const struct graph_pool *p;
	uint32_t k;

	if (b->bytes < 16 || b->bytes > 1024 || b->addr - pool < HEAP_POOL_HEAD)
		return 0;
	at = map64_put(&g->pool_at, pool);
	if (!at || (!*at && new_pool(g, pool, b->bytes, at)))
		return -ENOMEM;
	p = &g->pool.v[*at - 1];
	/* Blocks of a pool come together; one that is walked twice keeps its first account. */
	if (*at != g->pool.n || p->size != b->bytes)
		return 0;
	k = graph_slot(p, b->addr - pool);
	word = &g->bits.v[p->bits + k / GRAPH_SLOTS];
	bit = 1ull << k % GRAPH_SLOTS;
	if (k >= p->slots || (*word & GRAPH_SLOT_BITS) >= bit)
		return 0; /* not ascending */
	if (!*word)
		*word = (uint64_t)(g->n - p->first) << GRAPH_SLOTS;
	*word |= bit;
	return 1;
}

static int note(struct graph *g, uint64_t array, uint64_t n)
{
	uint64_t *to;

	if (g->length.n >= MAX_LENGTHS)
		return 0;
	to = map64_put(&g->length, array);
	if (!to)
		return fail(-ENOMEM, "out of memory for the heap's map");
	*to = n;
	return 0;
}

/* A list has room behind its end, with leftovers in it: the length of its array is noted, for those
 * of which the array may be met before the list. Of a full one, too, but where its items fill a
 * block of the pools, which has an even number of words. */
static int note_length(struct graph *g, const struct heap_block *b)
{
	const struct py_layout *l = &g->h->rt->layout;
	size_t at = (size_t)(b->object - b->addr);
	uint64_t items, n, room;

	if (b->have < at + l->list_allocated + 8)
		return 0;
	n = heap_u64(b->data + at + l->ob_size);
	room = heap_u64(b->data + at + l->list_allocated);
	items = heap_u64(b->data + at + l->list_item);
	if (n == room && !(n & 1) && n <= POOL_WORDS && heap_has_pools(g->h))
		return 0;
	if (n == room && g->length.n >= MAX_LENGTHS / 2) /* room is for those with leftovers */
		return 0;
	return n > room || room > SMALL_ROOM || !heap_is_pointer(items) ? 0 : note(g, items, n);
}

/* Notes a set's table: beside each item is its hash, which is any number and may be an address. */
static int note_table(struct graph *g, const struct heap_block *b)
{
	const struct py_layout *l = &g->h->rt->layout;
	size_t at = (size_t)(b->object - b->addr);
	uint64_t table;

	if (b->have < at + l->set_smalltable)
		return 0;
	table = heap_u64(b->data + at + l->set_table);
	if (table == b->object + l->set_smalltable || !heap_is_pointer(table))
		return 0;
	return note(g, table, GRAPH_TABLE);
}

static int first_pass(const struct heap_block *b, void *ctx)
{
	struct graph *g = ctx;
	uint16_t *to, type;
	int err, placed;

	if (g->n >= NODE_MAX - 2)
		return fail(-E2BIG, "more than two billion blocks");
	err = graph_intern_type(g, b->object ? b->type : 0,
				b->object ? (int32_t)(b->object - b->addr) : 0, &type);
	if (err)
		return err;
	if (b->place == HEAP_POOL) {
		placed = add_pooled(g, b);
		if (placed < 0)
			return fail(placed, "out of memory for the heap's map");
		if (!placed)
			return 0;
		to = vec_push(&g->type);
		if (!to)
			return fail(-ENOMEM, "out of memory for the heap's map");
		*to = type;
		g->n++;
	} else {
		struct graph_block *o = vec_push(&g->block);

		if (!o)
			return fail(-ENOMEM, "out of memory for the heap's map");
		o->addr = b->addr;
		o->bytes = b->bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)b->bytes;
		o->type = type;
	}
	g->types.v[type].count++;
	if (g->types.v[type].kind == GRAPH_LIST && note_length(g, b))
		return -ENOMEM;
	if (g->types.v[type].kind == GRAPH_SET && note_table(g, b))
		return -ENOMEM;
	if (g->max_blocks && g->n + g->block.n > g->max_blocks)
		return fail(-E2BIG,
			    "its heap has too many blocks for the memory that is left here");
	return 0;
}

bool graph_is_asked(const struct graph *g, uint64_t addr, uint64_t bytes)
{
	size_t lo = 0, hi = g->n_extra;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (g->extra[mid] < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < g->n_extra && g->extra[lo] - addr < bytes;
}

static int add_extra(struct graph *g)
{
	for (size_t i = 0; i < g->n_extra; i++) {
		uint64_t type, block;
		struct graph_block *b;
		uint16_t index = 0;

		if (graph_find_block(g, g->extra[i], &block) != NODE_NONE ||
		    proc_read_u64(g->h->rt->proc, g->extra[i] + g->h->rt->layout.ob_type, &type) ||
		    !py_is_type(g->h->rt, type))
			continue;
		if (graph_intern_type(g, type, 0, &index))
			return -ENOMEM;
		b = vec_push(&g->block);
		if (!b)
			return -ENOMEM;
		*b = (struct graph_block){g->extra[i], EXTRA_BYTES, index};
		g->types.v[index].count++;
	}
	return 0;
}

static int by_addr(const void *a, const void *b)
{
	const struct graph_block *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int make_region(struct graph *g, size_t from, size_t to)
{
	const struct graph_block *v = g->block.v;
	struct graph_region *r = vec_push(&g->region);
	uint64_t first, pages;

	if (!r)
		return -ENOMEM;
	r->start = v[from].addr;
	r->end = v[to - 1].addr + v[to - 1].bytes;
	r->from = (uint32_t)from;
	r->to = (uint32_t)to;
	first = r->start >> GRAPH_PAGE_SHIFT;
	pages = (r->end >> GRAPH_PAGE_SHIFT) - first + 1;
	/* few large blocks need no index, and blocks with false sizes must not get a huge one */
	if (pages > MANY_PAGES && pages / (to - from) > SPARSE)
		return 0;
	r->page = malloc(pages * sizeof(*r->page));
	if (!r->page)
		return -ENOMEM;
	for (uint64_t p = 0, i = from; p < pages; p++) {
		while (i < to && v[i].addr >> GRAPH_PAGE_SHIFT < first + p)
			i++;
		r->page[p] = (uint32_t)i;
	}
	return 0;
}

/* Sorts the blocks outside of the pools, drops overlaps, numbers them behind the pools' blocks. */
static int index_blocks(struct graph *g)
{
	struct graph_block *v = g->block.v;
	size_t n = 0, from = 0;

	if (g->block.n)
		qsort(v, g->block.n, sizeof(*v), by_addr);
	for (size_t i = 0; i < g->block.n; i++)
		if (!n || v[i].addr >= v[n - 1].addr + v[n - 1].bytes)
			v[n++] = v[i];
	g->block.n = n;
	g->n_pooled = g->n;
	if (g->n + n >= NODE_MAX - 2)
		return fail(-E2BIG, "more than two billion blocks");
	if (!vec_reserve(&g->type, g->n + n + 1))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		g->type.v[g->n + i] = v[i].type;
	g->n += (uint32_t)n;
	g->type.n = g->n;
	for (size_t i = 1; i <= n; i++) {
		if (i < n && v[i].addr - v[i - 1].addr - v[i - 1].bytes <= GAP)
			continue;
		if (make_region(g, from, i))
			return -ENOMEM;
		from = i;
	}
	return 0;
}

/* Marks nodes that were asked for by address. Those made for that alone (EXTRA_BYTES) count as seen
 * by the second walk, which does not meet them. */
static void see_extra(struct graph *g)
{
	for (size_t i = 0; i < g->n_extra; i++) {
		uint64_t bytes, block;
		uint32_t node = graph_find_block(g, g->extra[i], &block);

		if (node == NODE_NONE)
			continue;
		node_add(g->asked, node);
		g->want_leaves |= !graph_type(g, node)->addr;
		if (node < g->n_pooled || block != g->extra[i])
			continue;
		graph_addr(g, node, &bytes);
		if (bytes == EXTRA_BYTES)
			node_add(g->seen, node);
	}
}

/* Is an interpreter's state in this chunk? It is full of leftovers (free lists), and everything
 * hangs from it. */
static bool is_skipped(const struct graph *g, const struct heap_block *b)
{
	for (size_t i = 0; i < g->n_skip; i++)
		if (g->skip[i] >= b->addr && g->skip[i] < b->addr + b->bytes)
			return true;
	return false;
}

static void find_skipped(struct graph *g)
{
	int n = py_interpreters(g->h->rt, g->skip, GRAPH_SKIP / 2);

	g->n_skip = n > 0 ? (size_t)n : 0;
	g->n_skip += py_threads(g->h->rt, g->skip + g->n_skip, GRAPH_SKIP - g->n_skip);
}

static int second_pass(const struct heap_block *b, void *ctx)
{
	struct graph *g = ctx;
	uint64_t block = 0;
	uint32_t node = graph_find_block(g, b->addr, &block);

	if (node == NODE_NONE || block != b->addr)
		return graph_scan_new(g, b);
	if (b->object && b->type == graph_type(g, node)->addr)
		node_add(g->seen, node);
	if (g->start[node])
		return 0;
	if (b->place == HEAP_CHUNK && is_skipped(g, b))
		return 0;
	return graph_scan(g, b, node);
}

static void find_bounds(struct graph *g)
{
	const struct proc *p = g->h->rt->proc;
	struct proc_memory m;

	g->direct_bytes = DIRECT_SAVED;
	if (!proc_is_live(p))
		return;
	if (!proc_memory(p, &m))
		g->direct_bytes = DIRECT_LEAST + 2 * (m.rss_bytes + m.swap_bytes);
}

int graph_build(struct graph *g)
{
	uint16_t none;
	int err;

	g->max_edges = graph_max_edges(g->max_blocks);
	find_bounds(g);
	find_skipped(g);
	err = graph_intern_type(g, 0, 0, &none);
	if (err)
		return err;
	err = heap_walk(g->h, 0, first_pass, g, &g->stats);
	if (err)
		return err;
	if (add_extra(g) || index_blocks(g))
		return fail(-ENOMEM, "out of memory for the heap's map");
	g->start = calloc((size_t)g->n + 1, sizeof(*g->start));
	g->seen = calloc((size_t)g->n / 8 + 1, 1);
	g->of_new = calloc((size_t)g->n / 8 + 1, 1);
	g->asked = calloc((size_t)g->n / 8 + 1, 1);
	if (!g->start || !g->seen || !g->of_new || !g->asked || !vec_push(&g->edge))
		return fail(-ENOMEM, "out of memory for the heap's map");
	see_extra(g);
	g->h->doing = "following pointers";
	err = heap_walk(g->h, HEAP_WALK_DATA, second_pass, g, &g->stats);
	g->h->doing = NULL;
	map64_free(&g->length);
	return err;
}

void graph_free(struct graph *g)
{
	for (size_t i = 0; i < g->types.n; i++)
		free(g->types.v[i].name);
	for (size_t i = 0; i < g->region.n; i++)
		free(g->region.v[i].page);
	vec_free(&g->pool);
	vec_free(&g->bits);
	vec_free(&g->types);
	vec_free(&g->type);
	vec_free(&g->block);
	vec_free(&g->region);
	vec_free(&g->edge);
	map64_free(&g->pool_at);
	map64_free(&g->type_at);
	map64_free(&g->length);
	free(g->start);
	free(g->seen);
	free(g->of_new);
	free(g->asked);
	free(g->parent);
}
