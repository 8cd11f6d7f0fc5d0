/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Nodes: numbering the live blocks, and finding the node an address belongs to. */
#include <stdio.h>

#include "heap/graph.h"

#define MAX_TYPES   65535
#define PAGE_SHIFT  12
#define MAX_LENGTHS (2u << 20)
#define SMALL_ROOM  4096 /* items; longer ones are not all in memory that was used before */
#define MAX_PREFIX  64
#define GAP	    (1u << 20) /* a greater one begins a new region */
#define MAX_BASES   40

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
	{"coroutine", GRAPH_GENERATOR},
	{"async_generator", GRAPH_GENERATOR},
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

bool graph_name_fits(const char *name, const char *want)
{
	size_t n = strlen(name), k = strlen(want);

	return !strcmp(name, want) || (n > k && !strchr(want, '.') && name[n - k - 1] == '.' &&
				       !strcmp(name + n - k, want));
}

int graph_intern_type(struct graph *g, uint64_t type, int32_t offset, uint16_t *out)
{
	uint64_t key = type ? type ^ (uint64_t)(uint32_t)offset : 1, *at;
	struct graph_type *t;
	char name[512];

	at = map64_put(&g->type_at, key);
	if (!at)
		return fail(-ENOMEM, "out of memory for types");
	if (*at) {
		*out = (uint16_t)(*at - 1);
		return 0;
	}
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
	t->wanted = g->want && graph_name_fits(name, g->want);
	return 0;
}

const char *graph_type_name(struct graph *g, uint32_t node)
{
	const struct graph_type *t = graph_type(g, node);

	return t->name ? t->name : "memory of C code";
}

static int new_pool(struct graph *g, uint64_t addr, uint64_t bytes, uint64_t *at)
{
	size_t words = (g->h->rt->layout.pool_size / bytes + 63) / 64;
	struct graph_pool *p;

	if (!vec_reserve(&g->bits, g->bits.n + words))
		return -ENOMEM;
	p = vec_push(&g->pool);
	if (!p)
		return -ENOMEM;
	*p = (struct graph_pool){addr, g->n, (uint32_t)g->bits.n, (uint16_t)bytes};
	memset(g->bits.v + g->bits.n, 0, words * 8);
	g->bits.n += words;
	*at = g->pool.n;
	return 0;
}

static int add_pooled(struct graph *g, const struct heap_block *b)
{
	uint64_t size = g->h->rt->layout.pool_size, pool = b->addr & ~(size - 1), k, *at;
	const struct graph_pool *p;

	if (b->bytes < 16 || b->bytes > 1024 || b->addr - pool < HEAP_POOL_HEAD)
		return 0;
	at = map64_put(&g->pool_at, pool);
	if (!at || (!*at && new_pool(g, pool, b->bytes, at)))
		return -ENOMEM;
	p = &g->pool.v[*at - 1];
	/* Blocks of a pool come together; one that is walked twice keeps its first account. */
	if (*at != g->pool.n || p->size != b->bytes)
		return 0;
	k = (b->addr - pool - HEAP_POOL_HEAD) / p->size;
	if (g->bits.v[p->bits + k / 64] >> (k % 64))
		return 0; /* not ascending */
	g->bits.v[p->bits + k / 64] |= 1ull << (k % 64);
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
		return fail(-E2BIG, "the heap has too many blocks for this");
	if (g->deadline_ns && !(g->n & 0xfffff) && clock_ns() > g->deadline_ns)
		return fail(-ETIME, "the heap could not be read in time");
	return 0;
}

static uint32_t find(const struct graph *g, uint64_t addr, uint64_t *block);

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
	first = r->start >> PAGE_SHIFT;
	pages = (r->end >> PAGE_SHIFT) - first + 1;
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
	const uint64_t *at = map64_get(&g->pool_at, pool), *bits;
	const struct graph_pool *p;
	uint32_t k, node;

	if (!at || addr - pool < HEAP_POOL_HEAD)
		return NODE_NONE;
	p = &g->pool.v[*at - 1];
	k = (uint32_t)(addr - pool - HEAP_POOL_HEAD) / p->size;
	bits = g->bits.v + p->bits;
	if (k >= g->h->rt->layout.pool_size / p->size || !(bits[k / 64] >> (k % 64) & 1))
		return NODE_NONE;
	node = p->first;
	for (uint32_t i = 0; i < k / 64; i++)
		node += (uint32_t)__builtin_popcountll(bits[i]);
	node += (uint32_t)__builtin_popcountll(bits[k / 64] & ((1ull << (k % 64)) - 1));
	*block = pool + HEAP_POOL_HEAD + (uint64_t)k * p->size;
	return node;
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
	i = r->page[(addr >> PAGE_SHIFT) - (r->start >> PAGE_SHIFT)];
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
		uint32_t k = (uint32_t)__builtin_popcountll(g->bits.v[p->bits + i]);

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
	       (uint64_t)p->size * (64 * i + (uint32_t)__builtin_ctzll(w)) +
	       (uint64_t)(int64_t)t->offset;
}

static void say(const struct graph *g, const char *what, double share)
{
	if (g->progress)
		g->progress(g->progress_ctx, what, share);
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
	if (!(node & 0xfffff)) {
		say(g, "following pointers", g->n ? (double)node / g->n : 1);
		if (g->deadline_ns && clock_ns() > g->deadline_ns)
			return fail(-ETIME, "the heap could not be read in time");
	}
	if (b->place == HEAP_CHUNK && is_skipped(g, b))
		return 0;
	return graph_scan(g, b, node);
}

int graph_build(struct graph *g)
{
	uint16_t none;
	int err;

	g->h->now_ns = clock_ns();
	find_skipped(g);
	err = graph_intern_type(g, 0, 0, &none);
	if (err)
		return err;
	say(g, "reading the heap", 0);
	err = heap_walk(g->h, 0, first_pass, g, &g->stats);
	if (err)
		return err;
	if (add_extra(g) || index_blocks(g))
		return fail(-ENOMEM, "out of memory for the heap's map");
	g->start = calloc((size_t)g->n + 1, sizeof(*g->start));
	if (!g->start || !vec_push(&g->edge))
		return fail(-ENOMEM, "out of memory for the heap's map");
	g->h->now_ns = clock_ns();
	return heap_walk(g->h, HEAP_WALK_DATA, second_pass, g, &g->stats);
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
}
