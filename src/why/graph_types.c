/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interns types of nodes: which are read in a way of their own, and which was asked for. */
#include <stdio.h>

#include "base/spelling.h"
#include "py/versions.h"
#include "why/graph.h"

#define POOLED_MOST 512 /* bytes: the largest block of pymalloc */

#define MAX_TYPES 65535
#define MAX_BASES 40

static const struct {
	const char *name; /* tp_name; without a dot: only static types, and pybind11's */
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
	{"managedbuffer", GRAPH_MANAGED},
	{"numpy.ndarray", GRAPH_ARRAY},
	{"numpy.number", GRAPH_LEAF},
	{"numpy.datetime64", GRAPH_LEAF},
	{"array.array", GRAPH_NUMBERS},
	{"decimal.Decimal", GRAPH_DECIMAL},
	{"_ctypes.Array", GRAPH_CTYPES},
	{"_io.BufferedReader", GRAPH_FILE},
	{"_io.BufferedWriter", GRAPH_FILE},
	{"_io.BufferedRandom", GRAPH_FILE},
	{"re.Pattern", GRAPH_PATTERN},
	{"pybind11_object", GRAPH_WRAPPER},
};

/* May objects of this class be read like those of its base, which is of @kind? Instances of Python
 * classes have attributes; ctypes names an array by its items: c_char_Array_80 is of characters,
 * c_char_p_Array_80 of addresses. */
static bool is_like_base(enum graph_kind kind, const char *name, uint64_t flags)
{
	if (kind == GRAPH_LEAF)
		return !(flags & TPF_HEAPTYPE);
	return kind != GRAPH_CTYPES ||
	       (!strncmp(name, "c_", 2) && strstr(name, "_Array_") && !strstr(name, "_p_Array_"));
}

static enum graph_kind kind_by_name(const struct graph *g, uint64_t type)
{
	const struct py_layout *l = &g->h->rt->layout;
	uint64_t own_flags = 0;
	char own[48] = "";

	for (int i = 0; type && i < MAX_BASES; i++) {
		uint64_t flags;
		char name[48];

		if (proc_read_u64(g->h->rt->proc, type + l->tp_flags, &flags) ||
		    py_tp_name(g->h->rt, type, name, sizeof(name)))
			return GRAPH_PLAIN;
		if (!i) {
			memcpy(own, name, sizeof(own));
			own_flags = flags;
		}
		for (size_t k = 0; k < ARRAY_SIZE(named); k++)
			if (!strcmp(name, named[k].name) &&
			    (!(flags & TPF_HEAPTYPE) || strchr(name, '.') ||
			     named[k].kind == GRAPH_WRAPPER))
				return is_like_base(named[k].kind, own, own_flags) ? named[k].kind
										   : GRAPH_PLAIN;
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
	case HEAP_K_INT:
	case HEAP_K_BYTES:
		return t->flags & TPF_HEAPTYPE ? GRAPH_VALUE : GRAPH_LEAF;
	case HEAP_K_BYTEARRAY:
		if (py_bytearrays_hold_bytes(g->h->rt))
			return GRAPH_TEXT;
		/* fall through */
	case HEAP_K_STR:
		return t->flags & TPF_HEAPTYPE ? GRAPH_TEXT : GRAPH_LEAF;
	case HEAP_K_FLOAT:
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

	/* too many types: the others are read like buffers, and lose only their names */
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

const char *graph_nearest_type(const struct graph *g, const char *wanted)
{
	unsigned best = SPELLING_FAR;
	const char *nearest = NULL;

	for (size_t i = 0; i < g->types.n; i++) {
		const char *name = g->types.v[i].name;
		const char *last = name ? strrchr(name, '.') : NULL;

		if (!name)
			continue;
		if (spelling_is_nearer(wanted, name, &best) ||
		    (last && spelling_is_nearer(wanted, last + 1, &best)))
			nearest = name;
	}
	return nearest;
}

bool graph_goes_on(const struct graph *g, const struct heap_block *b, const struct graph_type *t)
{
	return t->kind == GRAPH_PLAIN && b->bytes <= POOLED_MOST && !heap_has_mimalloc(g->h);
}
