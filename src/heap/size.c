/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds how many bytes an object owns alone, block by block. */
#include "heap/inside.h"
#include "heap/mimalloc.h"
#include "py/versions.h"

#define DEBUG_HEAD  16 /* of the debug allocator: size, api, guard */
#define DEBUG_EXTRA 24 /* head and the guard behind */
#define SMALL	    512
#define MAX_BYTES   (1ull << 46)

static void add_part(const struct heap *h, struct heap_object *o, uint64_t addr, uint64_t bytes)
{
	bool pools = heap_has_pools(h);

	if (!bytes || bytes > MAX_BYTES)
		return;
	if (h->rt->allocator == PY_ALLOC_DEBUG) {
		bytes += DEBUG_EXTRA;
		addr -= DEBUG_HEAD;
		/* pymalloc passes big ones on to the raw domain, which is hooked as well. */
		if (bytes > SMALL && pools) {
			bytes += DEBUG_EXTRA;
			addr -= DEBUG_HEAD;
		}
	}
	o->bytes += bytes;
	if (o->parts >= HEAP_MAX_PARTS)
		return; /* none has so many; the sum stays right */
	o->part[o->parts].addr = addr;
	/* mimalloc's counters know blocks, not what was asked for. */
	o->part[o->parts].bytes = h->mi ? heap_mi_good_size(bytes) : bytes;
	o->part[o->parts++].cls = heap_class_for(h, bytes);
}

static uint64_t round8(uint64_t n)
{
	return (n + 7) & ~7ull;
}

/* The size of the block, by its pool's header; 0 = not known. */
static uint64_t block_size(const struct heap_work *w)
{
	uint32_t cls;

	memcpy(&cls, w->pool_head + 36, 4);
	return w->ok_pool && cls < HEAP_CLASSES ? 16 * ((uint64_t)cls + 1) : 0;
}

/* The size by the block: generators and frames have something else in place of ob_size. */
static uint64_t by_block(const struct heap *h, const struct heap_work *w, uint64_t formula)
{
	uint64_t block = w->o->addr - w->t.pre, have = 0, chunk;

	if (w->ok_pool) {
		have = block_size(w);
	} else if (!heap_in_arena(h, block) && !h->mi) {
		chunk = work_u64(w, -(int64_t)w->t.pre - 8 -
					    (h->rt->allocator == PY_ALLOC_DEBUG ? DEBUG_HEAD : 0)) &
			~7ull;
		if (chunk >= 32 && chunk < MAX_BYTES && !(chunk & 15))
			have = chunk - 8; /* glibc: the next chunk's first word is ours too */
	}
	if (h->rt->allocator == PY_ALLOC_DEBUG && have > DEBUG_EXTRA)
		have -= DEBUG_EXTRA;
	have -= have < w->t.pre ? have : w->t.pre;
	if (have < (uint64_t)w->t.basicsize)
		return formula;
	return formula <= have && have - formula < 16 ? formula : have;
}

static uint64_t var_body(const struct heap *h, const struct heap_work *w)
{
	const struct heap_type *t = &w->t;
	uint64_t n = work_u64(w, h->rt->layout.ob_size), bytes;

	if (t->kind == HEAP_K_INT && py_ints_have_tags(h->rt))
		n = n >> 3 ? n >> 3 : 1;
	if (t->kind == HEAP_K_GENERATOR)
		n = 0; /* a weak reference, or a frame, lies there */
	n = n >> 63 ? 0 - n : n;
	if (n > MAX_BYTES / (uint64_t)t->itemsize)
		n = 0;
	/* Types, and what a class makes that extends such a type: one item more, as a sentinel
	 * (PyType_GenericAlloc). */
	if (t->flags & (TPF_HEAPTYPE | TPF_TYPE))
		n++;
	bytes = (uint64_t)t->basicsize + n * (uint64_t)t->itemsize;
	if (t->flags & TPF_HEAPTYPE)
		bytes = round8(bytes);
	return t->kind == HEAP_K_OTHER || t->kind == HEAP_K_GENERATOR ? by_block(h, w, bytes)
								      : bytes;
}

static uint64_t body(const struct heap *h, const struct heap_work *w)
{
	uint64_t bytes = (uint64_t)w->t.basicsize;
	struct heap_str s;

	if (w->t.kind == HEAP_K_STR) {
		s = heap_str_facts(&h->rt->layout, w->o->addr, w->win + WIN_BEFORE);
		if (s.compact && s.data)
			return s.data - w->o->addr + s.bytes + s.kind;
	}
	if (w->t.itemsize)
		return var_body(h, w);
	if (w->t.has_dict == HEAP_DICT_MANAGED && (w->t.flags & TPF_INLINE_VALUES)) {
		bytes += heap_values_bytes(work_u8(w, w->t.basicsize));
		/* While a class is young its instances have one slot more than they say: the room
		 * is taken before the number is counted down (_PyObject_InitInlineValues). */
		return by_block(h, w, bytes);
	}
	return bytes;
}

/* Adds the array of attribute values, if it is a block of its own. */
static void add_values(const struct heap *h, const struct heap_work *w, struct heap_object *o)
{
	bool is_debug = h->rt->allocator == PY_ALLOC_DEBUG;
	uint64_t debug = is_debug ? DEBUG_EXTRA : 0, head = is_debug ? DEBUG_HEAD : 0;
	uint64_t cap, bytes, have;
	struct heap_keys k;

	if (!w->values)
		return;
	if (py_values_kind(h->rt) == PY_VALUES_HEADED) {
		cap = w->ok_head ? w->values_head[0] : 0;
		if (cap && w->values_head[2] == 0) /* not embedded in an object */
			add_part(h, o, w->values - 8, heap_values_bytes(cap));
		return;
	}
	if (py_values_kind(h->rt) == PY_VALUES_AS_KEYS) {
		if (w->ok_keys && heap_keys_facts(h->rt, w->keys_head, &k))
			add_part(h, o, w->values, 8 * k.usable);
		return;
	}
	/* 3.11, 3.12: the byte before the slots is the length of what lies in front of them: the
	 * order of insertion. The number of slots stands nowhere: the block tells. */
	cap = w->ok_head ? w->values_head[VALUES_HEAD - 1] : 0;
	if (!cap || (cap & 7))
		return;
	bytes = cap + 8 * (cap - 2); /* cap = round8(slots + 2): this many at most */
	if (w->ok_pool) {
		if (block_size(w) > debug)
			bytes = block_size(w) - debug;
	} else if (VALUES_HEAD >= cap + head + 8 && !heap_in_arena(h, w->values - cap)) {
		have = heap_u64(w->values_head + VALUES_HEAD - cap - head - 8) & ~7ull;
		if (have > 8 + debug && have - 8 - debug < bytes)
			bytes = have - 8 - debug;
	}
	add_part(h, o, w->values - cap, bytes);
}

static void add_dict(const struct heap *h, const struct heap_work *w, struct heap_object *o)
{
	uint64_t gc_head = h->rt->free_threaded ? 0 : 16;
	struct heap_keys k;

	/* An instance's dict is an object of its own, with a GC head. */
	if (w->dict && w->dict != w->o->addr && w->ok_dict)
		add_part(h, o, w->dict - gc_head, h->rt->layout.dict_values + 8 + gc_head);
	add_values(h, w, o);
	if (w->ok_keys && heap_keys_facts(h->rt, w->keys_head, &k) && !k.shared && !w->values)
		add_part(h, o, w->keys, k.bytes);
}

static void add_str(const struct heap *h, const struct heap_work *w, struct heap_object *o)
{
	const struct py_layout *l = &h->rt->layout;
	struct heap_str s = heap_str_facts(l, o->addr, w->win + WIN_BEFORE);
	uint64_t utf8 = work_u64(w, l->str_ascii_data + 8);

	if (!s.compact && s.data)
		add_part(h, o, s.data, s.bytes + s.kind);
	/* utf8_length and utf8 follow the header that ASCII strings have alone. */
	if (!s.ascii && s.data && utf8 && utf8 != s.data)
		add_part(h, o, utf8, work_u64(w, l->str_ascii_data) + 1);
}

static void add_kind(const struct heap *h, const struct heap_work *w, struct heap_object *o)
{
	const struct py_layout *l = &h->rt->layout;
	uint64_t table = work_u64(w, l->set_table), n, list_head = h->rt->free_threaded ? 8 : 0;

	switch ((enum heap_kind)w->t.kind) {
	case HEAP_K_LIST:
		n = work_u64(w, l->list_allocated);
		/* Without a GIL the array says itself how long it is. */
		if (work_u64(w, l->list_item) && n < MAX_BYTES / 8)
			add_part(h, o, work_u64(w, l->list_item) - list_head, 8 * n + list_head);
		break;
	case HEAP_K_SET:
		n = work_u64(w, l->set_mask);
		if (table != o->addr + l->set_smalltable && n < MAX_BYTES / 16)
			add_part(h, o, table, 16 * (n + 1));
		break;
	case HEAP_K_BYTEARRAY:
		n = work_u64(w, l->bytearray_alloc);
		if (!n)
			break;
		/* From 3.15 on the buffer is a bytes object: 32 bytes of header and a NUL. */
		if (py_bytearrays_hold_bytes(h->rt)) {
			o->buffer = work_u64(w, l->bytearray_bytes) - l->bytes_data;
			add_part(h, o, o->buffer, n + l->bytes_data + 1);
		} else {
			add_part(h, o, work_u64(w, l->bytearray_bytes), n);
		}
		break;
	case HEAP_K_STR:
		add_str(h, w, o);
		break;
	default:
		break;
	}
}

/* Corrects the class of an object that was cut to its length in place (a formatted string, a short
 * read, a tuple from a generator): realloc leaves it in its block while it fills three quarters of
 * it. */
static void correct_class(const struct heap_work *w, struct heap_object *o)
{
	uint64_t block = block_size(w);

	if (block && !w->values && o->parts && o->part[0].cls >= 0 && block >= o->part[0].bytes)
		o->part[0].cls = (int)(block / 16) - 1;
}

void heap_sizes_of(struct heap *h, struct heap_work *w)
{
	struct heap_object *o = w->o;

	o->bytes = 0;
	o->parts = 0;
	add_part(h, o, o->addr - w->t.pre, w->t.pre + body(h, w));
	correct_class(w, o);
	add_kind(h, w, o);
	add_dict(h, w, o);
}
