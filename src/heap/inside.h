/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by this room, why, census and inquiry: type cache, arena list, an object that is being
 * read. */
#ifndef PYLEAK_HEAP_INSIDE_H
#define PYLEAK_HEAP_INSIDE_H

#include "heap/heap.h"
#include "heap/recall.h"
#include "py/versions.h"

/* tp_flags (Include/object.h; 2 - 4 since 3.11 - 3.13, the others in every version). */
#define TPF_INLINE_VALUES   (1ull << 2)
#define TPF_MANAGED_WEAKREF (1ull << 3)
#define TPF_MANAGED_DICT    (1ull << 4)
#define TPF_HEAPTYPE	    (1ull << 9)
#define TPF_BASETYPE	    (1ull << 10)
#define TPF_HAVE_GC	    (1ull << 14)
#define TPF_LONG	    (1ull << 24)
#define TPF_LIST	    (1ull << 25)
#define TPF_TUPLE	    (1ull << 26)
#define TPF_BYTES	    (1ull << 27)
#define TPF_UNICODE	    (1ull << 28)
#define TPF_DICT	    (1ull << 29)
#define TPF_EXCEPTION	    (1ull << 30)
#define TPF_TYPE	    (1ull << 31)

/* How the body of an object is read. A subclass has the kind of the built-in type it extends. */
enum heap_kind {
	HEAP_K_OTHER = 0, /* anything else that C code defines */
	HEAP_K_INSTANCE,  /* extends object itself: classes, and types C modules make from a spec */
	HEAP_K_FLOAT,
	HEAP_K_INT,
	HEAP_K_STR,
	HEAP_K_BYTES,
	HEAP_K_TUPLE,
	HEAP_K_DICT,
	HEAP_K_LIST,
	HEAP_K_SET,
	HEAP_K_BYTEARRAY,
	HEAP_K_EXCEPTION,
	HEAP_K_FUNCTION,
	HEAP_K_METHOD,
	HEAP_K_GENERATOR, /* coroutines too */
	HEAP_K_NONE
};

struct heap_type {
	uint64_t addr; /* 0: empty slot */
	uint64_t flags;
	int64_t basicsize, itemsize, dictoffset, weakoffset;
	uint64_t checked_ns;
	bool is_type;	 /* false: it was read, and is no type */
	bool is_swapped; /* no type, since it is swapped out and was not known */
	uint8_t kind;
	uint8_t pre;	  /* bytes before the object in its block: pre-header and GC head */
	uint32_t index;	  /* order in which a walk met them */
	uint8_t has_dict; /* enum heap_dict */
};

/* Where the attributes of an instance are. */
enum heap_dict {
	HEAP_DICT_NONE,
	HEAP_DICT_SLOT,	  /* pointer to a dict at tp_dictoffset */
	HEAP_DICT_MANAGED /* 3.11+: in front of it (py_managed_attributes), or in the body */
};

#ifndef HEAP_TYPE_BITS
#define HEAP_TYPE_BITS 11
#endif
#define HEAP_TYPE_SLOTS (1 << HEAP_TYPE_BITS) /* direct-mapped */
#define HEAP_MAX_STATES 64 /* obmalloc states: interpreters with a GIL of their own */
#define HEAP_POOL_HEAD	48 /* sizeof(struct pool_header), every version */

struct heap_arena {
	uint64_t start, end, pools_end; /* pools_end: first byte never carved into a pool */
	uint32_t free_pools;		/* pools not carved yet included */
};

struct heap {
	const struct py_runtime *rt;
	struct heap_type *type;		   /* HEAP_TYPE_SLOTS; NULL until the first is wanted */
	VEC(struct heap_arena) arena;	   /* sorted by start; or segments of mimalloc */
	const struct heap_mi_layout *mi;   /* mimalloc serves objects: its layout; else NULL */
	uint64_t mi_cookie;		   /* a segment's cookie xored with its address */
	uint64_t static_start, static_end; /* data and bss of CPython's file; 0, 0 = unknown */
	uint64_t tcache_key,
		key_ns;	     /* glibc's mark of chunks in a tcache; when it was looked for */
	uint64_t now_ns;     /* time of this reading: asking the clock for each object costs */
	uint64_t main_state; /* address of glibc's main arena; 0 = not found yet */
	heap_watch watch;    /* NULL: there is no watcher */
	void *watch_ctx;
	const char *doing; /* what the present walk is for */
	struct recall recall;
	unsigned turn;		  /* of heap_census_in_turn() */
	struct heap_group *group; /* objects in flight; NULL until the first ones are read */
};

/* Finds facts of a type; false: it is no type. Cached, and read again when older than a second. */
bool heap_type_get(struct heap *h, uint64_t addr, struct heap_type *out);

/* The pymalloc or mimalloc class of a block for a request of so many bytes; -1 = none. */
int heap_class_for(const struct heap *h, uint64_t bytes);

/* Bytes that the debug hooks keep in front of what they hand out. @small: from pymalloc's pools. */
uint64_t heap_debug_head(const struct heap *h, bool small);

/* Read the arena list of all interpreters, or the segments of mimalloc. */
int heap_read_arenas(struct heap *h);
const struct heap_arena *heap_arena_of(const struct heap *h, uint64_t addr); /* NULL: in none */

/* Bytes around an object that are read first. */
#define WIN_BEFORE 48
#define WIN_AFTER  192
#define WIN_SIZE   (WIN_BEFORE + WIN_AFTER)

#define HEAP_ITEMS    4 /* entries or items of a container that are read */
#define HEAP_CHILDREN 2 /* the first ones of these are read themselves */
#define CHILD_SIZE    80
#define HEAP_REQS     4 /* reads of one object in one round */
#define VALUES_HEAD   48
#define RAW_SIZE      128
#define EXC_ARGS      8 /* PyBaseExceptionObject.args from heap_head() on, 3.8 - 3.15 */
#define HEAP_ROUNDS   6 /* window, dict, keys, entries, children, and the end */

enum work_stage {
	WORK_START,
	WORK_DICT,
	WORK_KEYS,
	WORK_CELL,
	WORK_ENTRIES,
	WORK_CHILDREN,
	WORK_DONE
};

/* Reads of one object in one round. */
struct work_req {
	uint64_t addr;
	void *buf;
	bool *ok;
	uint32_t len;
};

/* One object while it is being read. */
struct heap_work {
	struct heap_object *o;
	struct heap_type t;
	enum work_stage stage;
	int lo, hi; /* the window holds [o->addr + lo, o->addr + hi) */
	uint8_t win[WIN_SIZE];
	struct work_req req[HEAP_REQS];
	unsigned reqs;

	/* A dict: the object itself, or the one of its instance. */
	uint64_t dict, keys;
	uint64_t values;		  /* the array of value slots, 0 = combined */
	uint8_t dict_obj[64];		  /* up to and with ma_values */
	uint8_t keys_head[40];		  /* up to dk_indices */
	uint8_t values_head[VALUES_HEAD]; /* <= 3.12: before the slots; 3.13+: from ma_values */
	uint8_t entry[24 * HEAP_ITEMS];
	uint64_t slot[HEAP_ITEMS];
	uint8_t pool_head[HEAP_POOL_HEAD];
	bool ok_dict, ok_keys, ok_head, ok_entry, ok_slot, ok_pool, ok_raw, ok_raw2;
	bool inline_values;

	uint8_t raw[RAW_SIZE]; /* list items, set table, tail of a string, exception arguments,
				* first cell and first default of a function */
	uint32_t raw_len;

	/* The first items, entries or attributes, by which the object is recognised. */
	uint64_t key[HEAP_ITEMS], item[HEAP_ITEMS];
	unsigned items;
	uint64_t code; /* of a generator or coroutine (3.11+); else 0 */
	uint8_t child[HEAP_CHILDREN][CHILD_SIZE];
	bool ok_child[HEAP_CHILDREN];
};

/* Read from the window; 0 where it was not readable. */
uint64_t work_u64(const struct heap_work *w, int64_t off);
uint8_t work_u8(const struct heap_work *w, int64_t off);
bool work_has(const struct heap_work *w, int64_t off, size_t len);
void work_want(struct heap_work *w, uint64_t addr, void *buf, size_t len, bool *ok);
static inline uint64_t heap_u64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

/* Bytes of attribute values with @slots slots: a head and the order of insertion, a byte each, then
 * the slots (3.13 and newer). */
static inline uint64_t heap_values_bytes(uint64_t slots)
{
	return ((slots + 7) & ~7ull) + 8 * (slots + 1);
}

/* Could this word be a pointer to an object or a block? */
static inline bool heap_is_pointer(uint64_t v)
{
	return v >= 0x10000 && v < (1ull << 47) && !(v & 7);
}

/* Include/refcount.h. Up to 3.11 a plain count; 3.12 and 3.13: immortal when the low 32 bits are
 * all ones; 3.14 on: a 32-bit count (immortal from 2^31 on), 16 bits of overflow, 16 of flags, of
 * which five are in use. The first word of a free block, or of an object on a free list, is a
 * pointer: it fails here. */
static inline bool heap_count_plausible(const struct py_runtime *rt, uint64_t word, bool *immortal)
{
	if (py_counts_have_flags(rt)) {
		if (!(uint32_t)word || ((word >> 32) & 0xffff) || word >> 48 >= 32)
			return false;
		*immortal = (uint32_t)word >= 0x80000000u || (word >> 48 & 1);
		return true;
	}
	if (!word || word >> 32)
		return false;
	*immortal = py_has_immortals(rt) && (uint32_t)word == 0xffffffffu;
	return true;
}

/* Facts from the state word of a str. */
struct heap_str {
	uint64_t data; /* where the characters are; 0 = a string that is not ready (<= 3.11) */
	uint64_t length, bytes;
	bool ascii, compact;
	unsigned kind;
};
struct heap_str heap_str_facts(const struct py_layout *l, uint64_t addr, const uint8_t *obj);

/* The keys object of a dict. */
struct heap_keys {
	uint64_t entries;    /* offset of the first entry */
	uint64_t n, usable;  /* entries in use; room for entries in all */
	uint64_t entry_size; /* 16 or 24 */
	uint64_t bytes;	     /* bytes of the keys object; 0 = the static empty one */
	bool shared;
};
/* False when the header makes no sense. */
bool heap_keys_facts(const struct py_runtime *rt, const uint8_t *head, struct heap_keys *out);

/* Offset of the value slots from ma_values: 3.13 put a head of its own in front of them. */
static inline uint64_t heap_slots_at(const struct py_runtime *rt)
{
	return py_values_kind(rt) == PY_VALUES_HEADED ? 8 : 0;
}

/* Takes what was read, and asks for more; false when nothing more is wanted. */
bool heap_step(struct heap *h, struct heap_work *w, enum heap_depth depth);

void heap_fingerprint_of(struct heap *h, struct heap_work *w);
void heap_sizes_of(struct heap *h, struct heap_work *w);

/* glibc's mark of chunks in a tcache; 0 = not known. */
uint64_t heap_tcache_key(struct heap *h);
/* Is the block at @ptr, in a chunk of @have bytes, in a fastbin? @first: its first word. False
 * before glibc 2.32, which does not tell. */
bool heap_in_fastbin(const struct heap *h, uint64_t ptr, uint64_t first, uint64_t have);

uint64_t heap_mix(uint64_t seed, uint64_t v);

/* Offset of the members behind an object's header; ob_size is the first. */
static inline uint16_t heap_head(const struct py_runtime *rt)
{
	return rt->layout.ob_size;
}

#define HEAP_HEAD_MAX 32 /* heap_head() of a free-threaded build */

/* Could the header at @p (heap_head() bytes) be that of a live object? */
bool heap_ref_plausible(const struct py_runtime *rt, const uint8_t *p, bool *immortal);
/* Is it tracked by the collector? @p: the object; a PyGC_Head in front of it must be readable. */
bool heap_is_tracked(const struct py_runtime *rt, const struct heap_type *t, const uint8_t *p);

#endif
