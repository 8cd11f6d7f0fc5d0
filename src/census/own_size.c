/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "census/own_size.h"
#include "heap/inside.h"
#include "py/objects.h"
#include "py/versions.h"

#define MAX_BYTES (1ull << 46)

struct object {
	const struct py_runtime *rt;
	const struct py_layout *l;
	const struct heap_type *t;
	const uint8_t *p; /* the object */
	size_t have;	  /* bytes of it that were read */
	uint64_t room;	  /* bytes to the end of its block */
	uint64_t addr;
};

static uint64_t word(const struct object *o, size_t off)
{
	return span_has(0, o->have, off, 8) ? heap_u64(o->p + off) : 0;
}

/* Multiplies items by their size; 0 if the number is impossible, or a type says that its items have
 * no size. */
static uint64_t times(uint64_t n, uint64_t size)
{
	return size && n < MAX_BYTES / size ? n * size : 0;
}

/* Takes the size of the block unless the formula ends where the block does: generators and frames
 * keep another value where other objects keep their number of items. */
static uint64_t by_block(const struct object *o, uint64_t formula)
{
	return formula <= o->room && o->room - formula < 16 ? formula : o->room;
}

static uint64_t digits(const struct object *o)
{
	uint64_t n = word(o, o->l->ob_size);

	if (py_ints_have_tags(o->rt))
		return n >> 3 ? n >> 3 : 1;
	return n >> 63 ? 0 - n : n;
}

static uint64_t body(const struct object *o)
{
	uint64_t size = (uint64_t)o->t->basicsize, cap, n;
	struct heap_str s;

	switch ((enum heap_kind)o->t->kind) {
	case HEAP_K_STR:
		s = heap_str_facts(o->l, 0, o->p);
		return s.compact ? s.data + s.bytes + s.kind : size;
	case HEAP_K_INT:
		n = size + times(digits(o), (uint64_t)o->t->itemsize);
		return n <= o->room ? n : size;
	case HEAP_K_BYTES:
	case HEAP_K_TUPLE:
		n = size + times(word(o, o->l->ob_size), (uint64_t)o->t->itemsize);
		return n <= o->room ? n : size;
	case HEAP_K_GENERATOR:
		return o->t->itemsize ? by_block(o, size) : size;
	default:
		break;
	}
	if (o->t->itemsize)
		return by_block(o, size + times(word(o, o->l->ob_size), (uint64_t)o->t->itemsize));
	if (o->t->has_dict == HEAP_DICT_MANAGED && (o->t->flags & TPF_INLINE_VALUES)) {
		cap = size < o->have ? o->p[size + PY_VALUES_CAPACITY] : 0;
		return by_block(o, size + heap_values_bytes(cap));
	}
	return size;
}

/* The address of an instance's attribute values, which 3.11 and 3.12 keep in a block of their own;
 * 0 = none. */
static uint64_t values(const struct object *o, const uint8_t *block)
{
	const struct py_layout *l = o->l;

	if (o->t->has_dict != HEAP_DICT_MANAGED || o->p - block < -l->managed_values)
		return 0;
	return py_managed_attributes(o->rt, heap_u64(o->p + l->managed_values),
				     heap_u64(o->p + l->managed_dict))
		.values;
}

static void satellites(const struct object *o, struct heap_own *out)
{
	const struct py_layout *l = o->l;
	struct heap_str s;
	uint64_t n, utf8;

	switch ((enum heap_kind)o->t->kind) {
	case HEAP_K_LIST:
		if (word(o, l->list_item))
			/* without a GIL the array begins with its own length */
			out->satellite = times(word(o, l->list_allocated) + !!l->ob_gc_bits, 8);
		break;
	case HEAP_K_SET:
		n = word(o, l->set_mask);
		if (word(o, l->set_table) != o->addr + l->set_smalltable)
			out->satellite = times(n + 1, 16);
		break;
	case HEAP_K_BYTEARRAY:
		n = word(o, l->bytearray_alloc);
		/* from 3.15 on the buffer is a bytes object, with its header and a NUL */
		if (n && n < MAX_BYTES && py_bytearrays_hold_bytes(o->rt))
			out->hidden = n + l->bytes_data + 1;
		else if (n < MAX_BYTES)
			out->satellite = n;
		break;
	case HEAP_K_STR:
		s = heap_str_facts(l, o->addr, o->p);
		if (!s.compact && s.data)
			out->satellite = s.bytes + s.kind;
		utf8 = word(o, l->str_ascii_data + 8u);
		if (!s.ascii && s.data && utf8 && utf8 != s.data)
			out->satellite += times(word(o, l->str_ascii_data) + 1, 1);
		break;
	case HEAP_K_DICT:
		out->keys = word(o, l->dict_keys);
		out->values = word(o, l->dict_values);
		break;
	default:
		break;
	}
}

void heap_own_of(const struct py_runtime *rt, const struct heap_block *b, struct heap_own *out)
{
	size_t off = (size_t)(b->object - b->addr);
	struct object o = {
		.rt = rt,
		.l = &rt->layout,
		.t = b->facts,
		.p = b->data + off,
		.have = b->have - off,
		.room = b->bytes - off,
		.addr = b->object,
	};
	uint8_t head[104]; /* covers the head of a str; the block may be shorter */

	if (o.t->kind == HEAP_K_STR && o.have < sizeof(head)) {
		memset(head, 0, sizeof(head));
		memcpy(head, o.p, o.have);
		o.p = head;
	}
	*out = (struct heap_own){.bytes = o.t->pre + body(&o)};
	satellites(&o, out);
	o.p = b->data + off;
	out->instance_values = values(&o, b->data);
}
