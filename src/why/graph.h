/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The graph of references: every live block is a node with a 32-bit number, every aligned word in
 * it that holds the address of another one is an edge. Made for 50 million blocks: blocks in pools
 * cost a bit and two bytes, the others 16 bytes more, an edge four. */
#ifndef PYLEAK_WHY_GRAPH_H
#define PYLEAK_WHY_GRAPH_H

#include "base/map64.h"
#include "heap/inside.h"
#include "heap/walk.h"

#define GRAPH_SKIP   256
#define GRAPH_RECENT 256
#define NODE_NONE    UINT32_MAX
/* bytes that a block may have in front of the address that is pointed to */
#define GRAPH_MAX_PREFIX 64
#define NODE_MAX	 (1u << 31) /* the top bit marks the last edge of a node, and roots */

/* Kinds of blocks, by what is inside of them. */
enum graph_kind {
	GRAPH_BUFFER, /* no object: dict keys, list items, memory of C code */
	GRAPH_PLAIN,  /* any word may be a reference */
	GRAPH_LEAF,   /* refers to nothing: str, int, float, bytes */
	GRAPH_LIST,
	GRAPH_TUPLE,
	GRAPH_DICT,
	GRAPH_SET,
	GRAPH_TYPE,
	GRAPH_MODULE,
	GRAPH_FUNCTION,
	GRAPH_CELL,
	GRAPH_METHOD,
	GRAPH_GENERATOR,
	GRAPH_COROUTINE, /* or asynchronous generator: one member more */
	GRAPH_FRAME,
	GRAPH_TRACEBACK,
	GRAPH_EXCEPTION,
	GRAPH_CODE,
	GRAPH_WEAKREF,
	GRAPH_DEQUE,
	GRAPH_LRU,
	GRAPH_LRU_LINK,
	GRAPH_CONTEXTVAR,
	GRAPH_CONTEXT,
	GRAPH_HAMT,
	GRAPH_PARTIAL,
	GRAPH_LOCAL, /* threading.local */
	GRAPH_MEMORYVIEW,
	GRAPH_MANAGED, /* the buffer that views of one object share */
	GRAPH_ARRAY,   /* of numpy */
	GRAPH_NUMBERS, /* array.array */
	GRAPH_DECIMAL,
	GRAPH_CTYPES,  /* arrays of numbers and characters */
	GRAPH_FILE,    /* buffered */
	GRAPH_PATTERN, /* of re */
	GRAPH_TEXT,    /* of a class that extends str; a bytearray of one, or that holds bytes */
	GRAPH_WRAPPER, /* pybind11's of an object of C++ */
	GRAPH_VALUE,   /* of a class that extends int or bytes: it has a dict, and no slots */
};

/* numpy's binary interface fixes where an array has its memory, its shape, the array it is a view
 * of, the type of its items and flags (PyArrayObject_fields in numpy/ndarraytypes.h), and where
 * such a type has the size of an item, and flags (PyArray_Descr): numpy 1 has the size in the lower
 * half of a word, an alignment, which is not 0, in the upper one, and the flags in a byte before;
 * numpy 2 has the flags in that word, and the size in the next. */
enum {
	GRAPH_ARRAY_DATA = 16,
	GRAPH_ARRAY_N = 24,
	GRAPH_ARRAY_DIMENSIONS = 32,
	GRAPH_ARRAY_BASE = 48,
	GRAPH_ARRAY_DESCR = 56,
	GRAPH_ARRAY_FLAGS = 64,
	GRAPH_DESCR_FLAGS = 24, /* above the third byte */
	GRAPH_DESCR_ITEM = 32,
};
#define GRAPH_ARRAY_OWNS    4 /* flag of an array: its memory is its own */
#define GRAPH_DESCR_OBJECTS 1 /* flag of a descr: its items are references, or have some */

struct graph_type {
	uint64_t addr; /* of the type object; 0 = buffers */
	struct heap_type t;
	enum graph_kind kind;
	int32_t offset; /* offset of the object in its block */
	bool wanted;	/* was asked for by name */
	uint64_t count;
	char *name;
};

struct graph_pool {
	uint64_t addr;
	uint32_t first, bits; /* number of the first node; where the bitmap begins */
	uint32_t inverse;     /* 2^32 / size, rounded up: an offset times this is a quotient */
	uint16_t size, slots; /* of a block; blocks it has room for */
};

/* A word of a pool's bitmap: bits of so many blocks, above them the count of live ones before. */
#define GRAPH_SLOTS	48
#define GRAPH_SLOT_BITS ((1ull << GRAPH_SLOTS) - 1)

/* The number of a block in its pool. Exact for offsets below 64 KiB and sizes up to 1 KiB: the
 * inverse is too big by less than size parts in 2^32. */
static inline uint32_t graph_slot(const struct graph_pool *p, uint64_t off)
{
	return (uint32_t)((off - HEAP_POOL_HEAD) * p->inverse >> 32);
}

/* A block outside the pools. */
struct graph_block {
	uint64_t addr;
	uint32_t bytes; /* at most 4 GiB are noted */
	uint16_t type;
};

/* A stretch of such blocks without a great gap, with the first block that starts in or after each
 * page; NULL where blocks are larger than pages. */
struct graph_region {
	uint64_t start, end;
	uint32_t from, to; /* its blocks */
	uint32_t *page;
};
#define GRAPH_PAGE_SHIFT 12

#define GRAPH_TABLE UINT64_MAX /* as a length: the array is a set's table */

struct graph {
	struct heap *h;
	VEC(struct graph_pool) pool;
	VEC(uint64_t) bits;		       /* words of GRAPH_SLOTS */
	struct map64 pool_at, type_at, length; /* length: items of a list, by their array */
	VEC(struct graph_type) types;
	VEC(uint16_t) type; /* of each node */
	VEC(struct graph_block) block;
	VEC(struct graph_region) region;
	uint32_t n_pooled, n; /* nodes in pools, nodes */
	struct {
		uint64_t key;
		uint16_t type;
	} recent[GRAPH_RECENT]; /* types interned lately */

	uint32_t *start; /* of a node's edges; 0 = none */
	/* Bits for nodes. seen: the second walk met the object, too; of_new: an object points to it
	 * that the first walk had not met. */
	uint8_t *seen, *of_new;
	uint8_t *asked;	    /* likewise: was asked for by address */
	VEC(uint32_t) edge; /* [0] is not used */
	uint32_t *parent;   /* reach.c */
	const char *want;   /* name of the wanted type, NULL = none */
	bool want_leaves;   /* edges to leaves are kept: one may be what is asked for */
	/* addresses asked for, sorted: objects at them are nodes in any case */
	const uint64_t *extra;
	size_t n_extra;

	struct heap_walk_stats stats;
	uint64_t unreadable;
	uint64_t skip[GRAPH_SKIP]; /* states of interpreters and threads: roots.c reads them */
	size_t n_skip;
	uint64_t max_blocks; /* 0 = no limit */
	uint64_t max_edges;
	/* Bytes of arrays that are no nodes which may still be read: a length that exceeds the
	 * process's memory lies. Pages that were never touched stay so. */
	uint64_t direct_bytes;
};

/* Heaps have about one reference for each block; but all items of a list may be the same one. */
static inline uint64_t graph_max_edges(uint64_t max_blocks)
{
	const uint64_t all = UINT32_MAX - 1; /* start[] is as wide as that */

	return max_blocks && max_blocks < all / 4 ? 4 * max_blocks : all;
}

/* Walks over the heap twice: numbers nodes, then finds edges. */
int graph_build(struct graph *g);
void graph_free(struct graph *g);

/* graph_find.c: the node that a word refers to: an object by its exact address, a buffer by any
 * address in it. */
uint32_t graph_find(const struct graph *g, uint64_t word);
/* The same for the block that contains the address, object or not; @block, unless NULL: where it
 * begins. */
uint32_t graph_find_block(const struct graph *g, uint64_t addr, uint64_t *block);
/* Was an address in the @bytes from @addr on asked for? */
bool graph_is_asked(const struct graph *g, uint64_t addr, uint64_t bytes);
/* Address of the object of a node (of the block of a buffer), and the block's size. */
uint64_t graph_addr(const struct graph *g, uint32_t node, uint64_t *bytes);
static inline struct graph_type *graph_type(const struct graph *g, uint32_t node)
{
	return &g->types.v[g->type.v[node]];
}
/* The name of a type in the heap that a mistyped name may have meant; NULL: none. */
const char *graph_nearest_type(const struct graph *g, const char *wanted);
const char *graph_type_name(struct graph *g, uint32_t node);

/* graph_types.c: index of a type, made known when it is new. */
int graph_intern_type(struct graph *g, uint64_t type, int32_t offset, uint16_t *out);
/* May words far behind the body of an object of @t be its own? Only where size classes are narrow:
 * elsewhere leftovers follow. */
bool graph_goes_on(const struct graph *g, const struct heap_block *b, const struct graph_type *t);

/* A set of nodes: a bit for each. */
static inline bool node_in(const uint8_t *set, uint32_t node)
{
	return set[node / 8] >> (node & 7) & 1;
}

static inline void node_add(uint8_t *set, uint32_t node)
{
	set[node / 8] |= (uint8_t)(1u << (node & 7));
}

/* scan.c: put the edges of a block into the graph. */
int graph_scan(struct graph *g, const struct heap_block *b, uint32_t node);
/* Notes what a block without a node points to: it came after blocks were numbered. */
int graph_scan_new(struct graph *g, const struct heap_block *b);

static inline bool graph_is_leaf(const struct graph *g, uint32_t node)
{
	return graph_type(g, node)->kind == GRAPH_LEAF;
}

/* Is this a leaf that nobody asks for? It leads to nothing, and is left out: half of a heap, and of
 * all references. */
static inline bool graph_is_idle(const struct graph *g, uint32_t node)
{
	return graph_is_leaf(g, node) && !g->want_leaves && !graph_type(g, node)->wanted &&
	       !(g->asked && node_in(g->asked, node));
}

#endif
