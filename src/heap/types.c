/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds facts about types, by address, that say how their objects are read. Bounded: a slot is
 * taken over by the next type that hashes to it. */
#include "heap/inside.h"
#include "py/versions.h"

#define TYPE_READ  320 /* covers tp_dictoffset (288, or 304), the last member wanted */
#define RECHECK_NS 1000000000ull
#define MAX_BASES  40
#define MAX_SIZE   (1 << 20) /* bytes of a fixed body, or offset in it: more is misread */

struct raw_type {
	uint8_t b[TYPE_READ];
};

static uint64_t raw_u64(const struct raw_type *t, uint16_t off)
{
	uint64_t v = 0;

	if (off <= TYPE_READ - 8)
		memcpy(&v, t->b + off, 8);
	return v;
}

static const struct {
	const char *name;
	enum heap_kind kind;
} named[] = {
	{"object", HEAP_K_INSTANCE},
	{"float", HEAP_K_FLOAT},
	{"set", HEAP_K_SET},
	{"frozenset", HEAP_K_SET},
	{"bytearray", HEAP_K_BYTEARRAY},
	{"function", HEAP_K_FUNCTION},
	{"method", HEAP_K_METHOD},
	{"builtin_function_or_method", HEAP_K_METHOD},
	{"generator", HEAP_K_GENERATOR},
	{"coroutine", HEAP_K_GENERATOR},
	{"async_generator", HEAP_K_GENERATOR},
	{"NoneType", HEAP_K_NONE},
};

/* Finds the kind of a built-in type without a subclass flag by its name; only CPython's own static
 * types are asked. */
static enum heap_kind kind_of_static(const struct heap *h, uint64_t type)
{
	char name[32];

	if (py_tp_name(h->rt, type, name, sizeof(name)))
		return HEAP_K_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		if (!strcmp(name, named[i].name))
			return named[i].kind;
	return HEAP_K_OTHER;
}

static enum heap_kind kind_of(const struct heap *h, uint64_t type, const struct raw_type *t)
{
	const struct py_layout *l = &h->rt->layout;
	uint64_t flags = raw_u64(t, l->tp_flags);
	struct raw_type base = *t;

	if (flags & TPF_LONG)
		return HEAP_K_INT;
	if (flags & TPF_LIST)
		return HEAP_K_LIST;
	if (flags & TPF_TUPLE)
		return HEAP_K_TUPLE;
	if (flags & TPF_BYTES)
		return HEAP_K_BYTES;
	if (flags & TPF_UNICODE)
		return HEAP_K_STR;
	if (flags & TPF_DICT)
		return HEAP_K_DICT;
	if (flags & TPF_EXCEPTION)
		return HEAP_K_EXCEPTION;
	if (flags & TPF_TYPE)
		return HEAP_K_OTHER;
	for (int i = 0; i < MAX_BASES; i++) {
		if (!(raw_u64(&base, l->tp_flags) & TPF_HEAPTYPE))
			return kind_of_static(h, type);
		type = raw_u64(&base, l->tp_base);
		if (!type || proc_read(h->rt->proc, type, &base, sizeof(base)))
			break;
	}
	return HEAP_K_OTHER;
}

static uint8_t pre_header(const struct py_runtime *rt, uint64_t flags)
{
	uint8_t n = 0;

	if ((flags & TPF_HAVE_GC) && !rt->free_threaded)
		n += 16; /* PyGC_Head */
	if (py_managed_dict_alone(rt) && (flags & TPF_MANAGED_DICT))
		n += 16; /* values, dict */
	if (py_managed_with_weakrefs(rt) && (flags & (TPF_MANAGED_DICT | TPF_MANAGED_WEAKREF)))
		n += 16; /* weak references, dict */
	return n;
}

static enum heap_dict dict_place(const struct py_runtime *rt, uint64_t flags, int64_t dictoffset)
{
	if (py_has_managed_dicts(rt) && (flags & TPF_MANAGED_DICT))
		return HEAP_DICT_MANAGED;
	return dictoffset ? HEAP_DICT_SLOT : HEAP_DICT_NONE;
}

/* Is it the type of a type? That has the subclass flag of `type`. */
static bool is_metatype(const struct heap *h, uint64_t meta)
{
	uint64_t flags;

	if (!heap_is_pointer(meta))
		return false;
	if (meta == h->rt->type_type)
		return true;
	return !proc_read_u64(h->rt->proc, meta + h->rt->layout.tp_flags, &flags) &&
	       (flags & TPF_TYPE);
}

/* Are sizes and offsets small enough to be added without overflow? */
static bool sizes_make_sense(const struct heap_type *t)
{
	return t->basicsize >= 16 && t->basicsize <= MAX_SIZE && t->itemsize >= 0 &&
	       t->itemsize <= MAX_SIZE && t->dictoffset >= -MAX_SIZE && t->dictoffset <= MAX_SIZE &&
	       t->weakoffset >= -MAX_SIZE && t->weakoffset <= MAX_SIZE;
}

static void load(struct heap *h, uint64_t addr, struct heap_type *t)
{
	const struct py_layout *l = &h->rt->layout;
	bool known = t->addr == addr && t->is_type;
	struct raw_type raw;
	uint64_t flags;
	int err = heap_is_pointer(addr) ? proc_read(h->rt->proc, addr, &raw, sizeof(raw)) : -EFAULT;

	/* one that is swapped out is as it was: nobody has written to it */
	if (err && !(known && err == -ENODATA))
		*t = (struct heap_type){.addr = addr, .is_swapped = err == -ENODATA};
	t->checked_ns = h->now_ns;
	if (err)
		return;
	flags = raw_u64(&raw, l->tp_flags);
	/* the same type as before */
	if (known && t->flags == flags && t->basicsize == (int64_t)raw_u64(&raw, l->tp_basicsize) &&
	    t->dictoffset == (int64_t)raw_u64(&raw, l->tp_dictoffset))
		return;
	*t = (struct heap_type){
		.addr = addr,
		.flags = flags,
		.basicsize = (int64_t)raw_u64(&raw, l->tp_basicsize),
		.itemsize = (int64_t)raw_u64(&raw, l->tp_itemsize),
		.dictoffset = (int64_t)raw_u64(&raw, l->tp_dictoffset),
		.weakoffset = (int64_t)raw_u64(&raw, l->tp_weaklistoffset),
		.checked_ns = h->now_ns,
	};
	if (!sizes_make_sense(t) || !py_is_ready(h->rt, addr, flags) ||
	    !is_metatype(h, raw_u64(&raw, l->ob_type)))
		return;
	t->is_type = true;
	t->kind = kind_of(h, addr, &raw);
	t->pre = pre_header(h->rt, flags);
	t->has_dict = dict_place(h->rt, flags, t->dictoffset);
}

bool heap_type_get(struct heap *h, uint64_t addr, struct heap_type *out)
{
	uint64_t spread = (addr >> 4) * 0x9e3779b97f4a7c15ull;
	struct heap_type *t;

	if (!addr)
		return false;
	if (!h->type) /* whoever only counts blocks needs none */
		h->type = calloc(HEAP_TYPE_SLOTS, sizeof(*h->type));
	if (!h->type)
		return false;
	t = &h->type[spread >> (64 - HEAP_TYPE_BITS)];
	if (t->addr != addr || h->now_ns - t->checked_ns > RECHECK_NS)
		load(h, addr, t);
	*out = *t;
	return t->is_type;
}
