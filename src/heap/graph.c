/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Nodes: numbering the live blocks, and finding the node an address belongs to. */
#include <stdio.h>
#include <unistd.h>

#include "heap/graph.h"

#define MAX_TYPES    65535
#define PAGE_SHIFT   12
#define MAX_LENGTHS  (2u << 20)
#define SMALL_ROOM   4096 /* items; longer ones are not all in memory that was used before */
#define MAX_PREFIX   64
#define GAP	     (1u << 20) /* a greater one begins a new region */
#define MAX_BASES    40
#define DIRECT_LEAST (256ull << 20) /* the process grows meanwhile */
#define DIRECT_SAVED (64ull << 30)  /* of a saved process */
#define MANY_PAGES   4096	    /* of a region: fewer are indexed anyhow */
#define SPARSE	     4		    /* pages to a block: more are searched */
#define SLOT_BITS    ((1ull << GRAPH_SLOTS) - 1)

static const struct {
	const char *name; /* tp_name; one without a dot is asked of static types alone */
	enum graph_kind kind;
} named[] = {
	{"module", GRAPH_MODULE},
	{"cell", GRAPH_CELL},
	{"frame", GRAPH_FRAME},
	{"traceback", GRAPH_TRACEBACK},
	{"code", GRAPH_CODE},
	{"function", GRAPH_FUNCTION},
	{"method", GRAPH_METHOD},
	{"builtin_function_or_method", GRAPH_METHOD},
	{"generator", GRAPH_GENERATOR},
	{"coroutine", GRAPH_COROUTINE},
	{"async_generator", GRAPH_COROUTINE},
	{"weakref", GRAPH_WEAKREF},
	{"weakproxy", GRAPH_WEAKREF},
	{"weakcallableproxy", GRAPH_WEAKREF},
	{"weakref.ReferenceType", GRAPH_WEAKREF},
	{"weakref.ProxyType", GRAPH_WEAKREF},
	{"weakref.CallableProxyType", GRAPH_WEAKREF},
	{"collections.deque", GRAPH_DEQUE},
	{"functools._lru_cache_wrapper", GRAPH_LRU},
	{"functools._lru_list_elem", GRAPH_LRU_LINK},
	{"functools.partial", GRAPH_PARTIAL},
	{"ContextVar", GRAPH_CONTEXTVAR},
	{"_contextvars.ContextVar", GRAPH_CONTEXTVAR},
	{"Context", GRAPH_CONTEXT},
	{"_contextvars.Context", GRAPH_CONTEXT},
	{"hamt", GRAPH_HAMT},
	{"hamt_bitmap_node", GRAPH_HAMT},
	{"hamt_array_node", GRAPH_HAMT},
	{"hamt_collision_node", GRAPH_HAMT},
	{"_thread._local", GRAPH_LOCAL},
	{"memoryview", GRAPH_MEMORYVIEW},
	{"numpy.ndarray", GRAPH_ARRAY},
};

static enum graph_kind kind_by_name(const struct graph *g, uint64_t type)
{
	const struct py_layout *l = &g->h->rt->layout;

	for (int i = 0; type && i < MAX_BASES; i++) {
		uint64_t flags;
		char name[48];

		if (proc_read_u64(g->h->rt->proc, type + l->tp_flags, &flags) ||
		    py_tp_name(g->h->rt, type, name, sizeof(name)))
			return GRAPH_PLAIN;
		for (size_t k = 0; k < ARRAY_SIZE(named); k++)
			if (!strcmp(name, named[k].name) &&
			    (!(flags & TPF_HEAPTYPE) || strchr(name, '.')))
				return named[k].kind;
		if (proc_read_u64(g->h->rt->proc, type + l->tp_base, &type))
			break;
	}
	return GRAPH_PLAIN;
}

static enum graph_kind kind_of(const struct graph *g, const struct heap_type *t)
{
	if (t->flags & TPF_TYPE)
		return GRAPH_TYPE;
	switch ((enum heap_kind)t->kind) {
	case HEAP_K_FLOAT:
	case HEAP_K_INT:
	case HEAP_K_STR:
	case HEAP_K_BYTES:
	case HEAP_K_BYTEARRAY:
	case HEAP_K_NONE:
		return t->flags & TPF_HEAPTYPE ? GRAPH_PLAIN : GRAPH_LEAF;
	case HEAP_K_TUPLE:
		return GRAPH_TUPLE;
	case HEAP_K_DICT:
		return GRAPH_DICT;
	case HEAP_K_LIST:
		return GRAPH_LIST;
	case HEAP_K_SET:
		return GRAPH_SET;
	case HEAP_K_EXCEPTION:
		return GRAPH_EXCEPTION;
	default:
		return kind_by_name(g, t->addr);
	}
}

static int intern_new(struct graph *g, uint64_t type, int32_t offset, uint64_t *at, uint16_t *out)
{
	struct graph_type *t;
	char name[512];

	/* More types than numbers: they are read like buffers, which loses their names only. */
	if (g->types.n == MAX_TYPES) {
		*at = 1;
		*out = 0;
		return 0;
	}
	t = vec_push(&g->types);
	if (!t)
		return fail(-ENOMEM, "out of memory for types");
	*at = g->types.n;
	*out = (uint16_t)(g->types.n - 1);
	t->addr = type;
	t->offset = offset;
	if (!type)
		return 0;
	t->kind = GRAPH_PLAIN;
	if (heap_type_get(g->h, type, &t->t))
		t->kind = kind_of(g, &t->t);
	if (py_type_name(g->h->rt, type, name, sizeof(name)))
		snprintf(name, sizeof(name), "?");
	t->name = strdup(name);
	if (!t->name)
		return fail(-ENOMEM, "out of memory for types");
	t->wanted = g->want && py_name_fits(name, g->want);
	return 0;
}

int graph_intern_type(struct graph *g, uint64_t type, int32_t offset, uint16_t *out)
{
	uint64_t key = type ? type ^ (uint64_t)(uint32_t)offset : 1, *at;
	size_t slot = (key >> 4 ^ key >> 10) % GRAPH_RECENT;
	int err = 0;

	if (g->recent[slot].key == key) {
		*out = g->recent[slot].type;
		return 0;
	}
	at = map64_put(&g->type_at, key);
	if (!at)
		return fail(-ENOMEM, "out of memory for types");
	if (*at)
		*out = (uint16_t)(*at - 1);
	else
		err = intern_new(g, type, offset, at, out);
	if (err)
		return err;
	g->recent[slot].key = key;
	g->recent[slot].type = *out;
	return 0;
}

const char *graph_type_name(struct graph *g, uint32_t node)
{
	const struct graph_type *t = graph_type(g, node);

	return t->name ? t->name : "memory of C code";
}

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

/* Exact for offsets below 64 KiB and sizes up to 1 KiB: the inverse is too big by less than size
 * parts in 2^32. */
static uint32_t slot_of(const struct graph_pool *p, uint64_t off)
{
	return (uint32_t)((off - HEAP_POOL_HEAD) * p->inverse >> 32);
}

/* Without a library call, which is what the builtin is on a processor of no known year. */
static uint32_t count_bits(uint64_t v)
{
	v -= v >> 1 & 0x5555555555555555ull;
	v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (uint32_t)(v * 0x0101010101010101ull >> 56);
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
	k = slot_of(p, b->addr - pool);
	word = &g->bits.v[p->bits + k / GRAPH_SLOTS];
	bit = 1ull << k % GRAPH_SLOTS;
	if (k >= p->slots || (*word & SLOT_BITS) >= bit)
		return 0; /* not ascending */
	if (!*word)
		*word = (uint64_t)(g->n - p->first) << GRAPH_SLOTS;
	*word |= bit;
	return 1;
}

/* A list has room behind its end, with leftovers in it: the length of its array is noted, for those
 * of which the array may be met before the list. */
static int note_length(struct graph *g, const struct heap_block *b)
{
	const struct py_layout *l = &g->h->rt->layout;
	size_t at = (size_t)(b->object - b->addr);
	uint64_t items, n, room, *to;

	if (b->have < at + l->list_allocated + 8 || g->length.n >= MAX_LENGTHS)
		return 0;
	n = heap_u64(b->data + at + l->ob_size);
	room = heap_u64(b->data + at + l->list_allocated);
	items = heap_u64(b->data + at + l->list_item);
	if (n >= room || room > SMALL_ROOM || !heap_is_pointer(items))
		return 0;
	to = map64_put(&g->length, items);
	if (!to)
		return fail(-ENOMEM, "out of memory for the heap's map");
	*to = n;
	return 0;
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
	if (g->max_blocks && g->n + g->block.n > g->max_blocks)
		return fail(-E2BIG,
			    "its heap has too many blocks for the memory that is left here");
	return 0;
}

static uint32_t find(const struct graph *g, uint64_t addr, uint64_t *block);

bool graph_is_asked(const struct graph *g, uint64_t addr)
{
	size_t lo = 0, hi = g->n_extra;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (g->extra[mid] < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < g->n_extra && g->extra[lo] == addr;
}

static int add_extra(struct graph *g)
{
	for (size_t i = 0; i < g->n_extra; i++) {
		uint64_t type, block;
		struct graph_block *b;
		uint16_t index = 0;

		if (find(g, g->extra[i], &block) != NODE_NONE ||
		    proc_read_u64(g->h->rt->proc, g->extra[i] + g->h->rt->layout.ob_type, &type) ||
		    !py_is_type(g->h->rt, type))
			continue;
		if (graph_intern_type(g, type, 0, &index))
			return -ENOMEM;
		b = vec_push(&g->block);
		if (!b)
			return -ENOMEM;
		*b = (struct graph_block){g->extra[i], 16, index};
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
	first = r->start >> PAGE_SHIFT;
	pages = (r->end >> PAGE_SHIFT) - first + 1;
	/* A few blocks that are large, or say so, need no index, and must not have one of any size.
	 */
	if (pages > MANY_PAGES && pages / (to - from) > SPARSE)
		return 0;
	r->page = malloc(pages * sizeof(*r->page));
	if (!r->page)
		return -ENOMEM;
	for (uint64_t p = 0, i = from; p < pages; p++) {
		while (i < to && v[i].addr >> PAGE_SHIFT < first + p)
			i++;
		r->page[p] = (uint32_t)i;
	}
	return 0;
}

/* Sort what lies outside the pools, drop overlaps, and number it behind the pools' blocks. */
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

static uint32_t find_pooled(const struct graph *g, uint64_t pool, uint64_t addr, uint64_t *block)
{
	const uint64_t *at = map64_get(&g->pool_at, pool);
	const struct graph_pool *p;
	uint64_t word, bit;
	uint32_t k;

	if (!at || addr - pool < HEAP_POOL_HEAD)
		return NODE_NONE;
	p = &g->pool.v[*at - 1];
	k = slot_of(p, addr - pool);
	word = k < p->slots ? g->bits.v[p->bits + k / GRAPH_SLOTS] : 0;
	bit = 1ull << k % GRAPH_SLOTS;
	if (!(word & bit))
		return NODE_NONE;
	*block = pool + HEAP_POOL_HEAD + (uint64_t)k * p->size;
	return p->first + (uint32_t)(word >> GRAPH_SLOTS) + count_bits(word & (bit - 1));
}

/* The first block of a region behind @addr, as near as an index of pages tells. */
static uint32_t block_behind(const struct graph *g, const struct graph_region *r, uint64_t addr)
{
	uint32_t lo = r->from, hi = r->to;

	if (r->page)
		return r->page[(addr >> PAGE_SHIFT) - (r->start >> PAGE_SHIFT)];
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

uint32_t graph_find_block(const struct graph *g, uint64_t addr)
{
	uint64_t block;

	return find(g, addr, &block);
}

uint32_t graph_find(const struct graph *g, uint64_t word)
{
	uint64_t block;
	uint32_t node = find(g, word, &block);
	const struct graph_type *t;

	if (node == NODE_NONE)
		return node;
	t = graph_type(g, node);
	/* Attribute values and the debug hooks have a little of their own in front of what is
	 * pointed to; other addresses inside a chunk are mostly glibc's, or leftovers. */
	if (!t->addr && node >= g->n_pooled && word - block > MAX_PREFIX)
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
		uint32_t k = count_bits(g->bits.v[p->bits + i] & SLOT_BITS);

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

int graph_tell(struct graph *g, const char *doing, uint64_t nodes)
{
	const struct heap_progress at = {.doing = doing, .objects = nodes};

	return g->h->watch ? g->h->watch(&at, g->h->watch_ctx) : 0;
}

/* An interpreter's state may lie in a chunk: full of leftovers (free lists), and everything hangs
 * off it. */
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
	uint32_t node = find(g, b->addr, &block);

	/* New since the first pass, or seen already. */
	if (node == NODE_NONE || block != b->addr || g->start[node])
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
	g->pagemap = proc_open_pagemap(p) + 1;
}

int graph_build(struct graph *g)
{
	uint16_t none;
	int err;

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
	if (!g->start || !vec_push(&g->edge))
		return fail(-ENOMEM, "out of memory for the heap's map");
	g->h->doing = "following pointers";
	err = heap_walk(g->h, HEAP_WALK_DATA, second_pass, g, &g->stats);
	g->h->doing = NULL;
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
	free(g->parent);
	if (g->pagemap > 0)
		close(g->pagemap - 1);
}
