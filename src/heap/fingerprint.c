/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes the marks by which an object is recognised when its address is read again.
 *
 * Memory is handed out last in, first out: an object of the same type and small size comes back to
 * the same address all the time, together with the blocks it points to. So the rules are strict and
 * made for each type, and no hash or counter that CPython fills in later takes part. Two items of a
 * container are compared by address and, when they are constants, by value: a pair of equal
 * pointers alone is what a loop produces over and over. */
#include "heap/inside.h"
#include "py/objects.h"
#include "py/versions.h"

/* An object that is referred to. */
struct child {
	uint64_t word;	/* 0 = none */
	uint64_t value; /* hash of its value when it is a constant, the same at every address */
	bool atom;
};

static uint64_t mix_bytes(uint64_t seed, const uint8_t *p, size_t n)
{
	uint64_t v;

	for (; n >= 8; p += 8, n -= 8)
		seed = heap_mix(seed, heap_u64(p));
	if (n) {
		v = 0;
		memcpy(&v, p, n);
		seed = heap_mix(seed, v ^ (uint64_t)n << 56);
	}
	return seed;
}

/* Number of digits from an int's size word: 3.12 moved it into lv_tag, with sign and flags in the
 * low three bits, one of which (immortal, 3.14) may be set later. */
static uint64_t int_digits(const struct py_runtime *rt, uint64_t size)
{
	if (py_ints_have_tags(rt))
		return size >> 3;
	return (int64_t)size < 0 ? 0 - size : size;
}

static uint64_t int_sign(const struct py_runtime *rt, uint64_t size)
{
	return py_ints_have_tags(rt) ? size & 3 : size >> 63;
}

/* Hash of an int's value, of which @p holds @len bytes. Bytes behind the last digit are padding. */
static uint64_t int_value(const struct py_runtime *rt, const uint8_t *p, size_t len)
{
	uint16_t head = heap_head(rt);
	uint64_t size = heap_u64(p + head), n = int_digits(rt, size), room = (len - head - 8) / 4;

	if (!n && !py_ints_have_tags(rt))
		return heap_mix(1, 0);
	if (n > room)
		n = room;
	return mix_bytes(heap_mix(int_sign(rt, size), int_digits(rt, size)), p + head + 8, n * 4);
}

static struct child atom(uint64_t addr, uint64_t type, uint64_t value)
{
	struct child c = {.atom = true};

	c.value = heap_mix(type, value);
	c.word = heap_mix(addr, c.value);
	return c;
}

static struct child text_child(struct heap *h, uint64_t addr, uint64_t type, const uint8_t *p,
			       bool is_str)
{
	uint64_t size = heap_u64(p + heap_head(h->rt)), from = h->rt->layout.bytes_data, v;
	struct heap_str s;

	if (is_str) {
		/* The state word lies within the child's bytes; a data pointer behind does not. */
		s = heap_str_facts(&h->rt->layout, 0, p);
		if (!s.compact)
			return (struct child){.word = heap_mix(addr, type)};
		from = s.data;
		size = s.bytes;
	}
	v = heap_mix(3, size);
	if (from < CHILD_SIZE)
		v = mix_bytes(v, p + from, size < CHILD_SIZE - from ? size : CHILD_SIZE - from);
	/* longer than what was read: equal beginnings are no equal values */
	if (!span_has(0, CHILD_SIZE, from, size))
		v = heap_mix(v, addr);
	return atom(addr, type, v);
}

/* Hash of a tuple's size and items, which stay; the hash that 3.14 keeps between them does not. */
static uint64_t tuple_value(const struct heap *h, uint64_t type, const uint8_t *p)
{
	uint64_t n = heap_u64(p + heap_head(h->rt)), at = h->rt->layout.tuple_item,
		 v = heap_mix(type, n);

	for (; n && at + 8 <= CHILD_SIZE; n--, at += 8)
		v = heap_mix(v, heap_u64(p + at));
	return v;
}

static struct child child_of(struct heap *h, const struct heap_work *w, unsigned i)
{
	struct child c = {0};
	struct heap_type t;
	const uint8_t *p;
	uint64_t type;

	if (i >= w->items)
		return c;
	c.word = heap_mix(w->item[i], 1);
	if (i >= HEAP_CHILDREN || !w->ok_child[i])
		return c;
	p = w->child[i];
	type = heap_u64(p + h->rt->layout.ob_type);
	if (!heap_type_get(h, type, &t))
		return c;
	switch ((enum heap_kind)t.kind) {
	case HEAP_K_FLOAT:
		return atom(w->item[i], type, heap_u64(p + heap_head(h->rt)));
	case HEAP_K_INT:
		return atom(w->item[i], type, int_value(h->rt, p, CHILD_SIZE));
	case HEAP_K_NONE:
		return atom(w->item[i], type, 0);
	case HEAP_K_STR:
	case HEAP_K_BYTES:
		return text_child(h, w->item[i], type, p, t.kind == HEAP_K_STR);
	case HEAP_K_TUPLE:
		c.word = heap_mix(w->item[i], tuple_value(h, type, p));
		return c;
	case HEAP_K_SET: /* empty ones in tuples are all alike */
		c.atom = w->t.kind == HEAP_K_TUPLE &&
			 !heap_u64(p + PY_SET_USED + py_more_header(h->rt));
		c.value = heap_mix(type, 0);
		c.word = heap_mix(w->item[i], type);
		return c;
	default:
		c.word = heap_mix(w->item[i], type);
		return c;
	}
}

static void put(struct heap_fingerprint *fp, uint64_t word)
{
	if (fp->n < HEAP_FP_WORDS)
		fp->word[fp->n++] = word;
}

/* Adds a word that, if it is 0, may be filled in later. */
static void put_open(struct heap_fingerprint *fp, uint64_t word)
{
	fp->open |= (uint8_t)(1u << fp->n);
	put(fp, word);
}

static uint64_t named(const struct heap_work *w, uint64_t hash)
{
	hash = heap_mix(w->o->type, hash);
	return hash ? hash : 1;
}

static void mark_empty(struct heap_work *w)
{
	w->o->fp.empty = true;
	w->o->fp.content = named(w, 0x656d707479);
}

/* Adds the first two items, and a content hash if both are constants. */
static void put_items(struct heap *h, struct heap_work *w)
{
	struct heap_fingerprint *fp = &w->o->fp;
	bool keyed = w->t.kind == HEAP_K_DICT;
	struct child c[HEAP_CHILDREN];
	bool constant = w->items > 0;
	uint64_t all = w->items;

	for (unsigned i = 0; i < HEAP_CHILDREN; i++) {
		c[i] = child_of(h, w, i);
		if (keyed)
			put_open(fp, i < w->items ? w->key[i] : 0);
		put_open(fp, c[i].word);
		if (i < w->items)
			all = heap_mix(heap_mix(all, w->key[i]), c[i].value);
		constant = constant && (c[i].atom || i >= w->items);
	}
	for (unsigned i = HEAP_CHILDREN; i < w->items; i++)
		all = heap_mix(heap_mix(all, w->key[i]), w->item[i]);
	if (constant)
		fp->content = named(w, all);
	if (!w->items)
		mark_empty(w);
}

static void fp_text(struct heap *h, struct heap_work *w)
{
	const struct py_layout *l = &h->rt->layout;
	struct heap_fingerprint *fp = &w->o->fp;
	uint64_t from = l->bytes_data, size = work_u64(w, l->ob_size), all;
	int64_t end;

	if (w->t.kind == HEAP_K_STR) {
		struct heap_str s = heap_str_facts(l, w->o->addr, w->win + WIN_BEFORE);

		if (!s.data && !s.length)
			return; /* a string without characters yet (<= 3.11) */
		size = s.bytes;
		from = s.compact ? s.data - w->o->addr : WIN_AFTER;
		put(fp, s.length);
	} else {
		put(fp, size);
	}
	end = (int64_t)(from + size);
	if (end > w->hi || size > 1ull << 44)
		end = w->hi;
	for (int i = 0; i < 2; i++) {
		int64_t at = (int64_t)from + 8 * i;
		uint64_t word = 0;

		if (at < end)
			memcpy(&word, w->win + WIN_BEFORE + at,
			       end - at < 8 ? (size_t)(end - at) : 8);
		put(fp, word);
	}
	all = heap_mix(5, size);
	if ((int64_t)from < end)
		all = mix_bytes(all, w->win + WIN_BEFORE + from, (size_t)(end - (int64_t)from));
	if (w->ok_raw)
		all = mix_bytes(all, w->raw, w->raw_len);
	put(fp, all);
	fp->content = named(w, all);
	fp->empty = !size;
}

static void fp_tuple(struct heap *h, struct heap_work *w)
{
	struct heap_fingerprint *fp = &w->o->fp;
	uint64_t n = work_u64(w, h->rt->layout.ob_size), rest = 0;
	int64_t at = h->rt->layout.tuple_item + 16;

	put(fp, n);
	put_items(h, w);
	for (uint64_t i = 2; i < n && at + 8 <= w->hi; i++, at += 8)
		rest = heap_mix(rest, work_u64(w, at));
	put(fp, rest);
	if (fp->content)
		fp->content = named(w, heap_mix(heap_mix(fp->content, n), rest));
}

/* Marks of a dict. Up to 3.12 each change gives it a version tag that no other dict ever had: equal
 * tags settle it. Otherwise the first two entries, which a dict that only grows keeps. */
static void fp_dict(struct heap *h, struct heap_work *w)
{
	uint16_t version = h->rt->layout.dict_version;

	if (version != PL_NONE && py_dicts_have_versions(h->rt)) {
		put(&w->o->fp, work_u64(w, version));
		w->o->fp.certain = 1;
	}
	put_items(h, w);
	if (w->o->fp.certain && w->o->fp.empty) {
		w->o->fp.empty = false;
		w->o->fp.content = 0;
	}
}

static void fp_bytearray(struct heap *h, struct heap_work *w)
{
	struct heap_fingerprint *fp = &w->o->fp;

	put(fp, work_u64(w, h->rt->layout.bytearray_bytes));
	put(fp, w->ok_raw ? mix_bytes(7, w->raw, w->raw_len) : 0);
	/* a smaller one of zeros may begin where a bigger one was freed */
	put(fp, work_u64(w, h->rt->layout.ob_size));
	fp->grow = (uint16_t)fp->n;
	if (!w->ok_raw)
		mark_empty(w);
}

/* Marks of a value without pointers that count, like datetime, complex, Decimal. The first word of
 * such bodies is often a hash that is computed later. */
static void fp_plain_body(const struct heap *h, struct heap_work *w)
{
	struct heap_fingerprint *fp = &w->o->fp;
	int64_t head = heap_head(h->rt), from = w->t.basicsize > head + 8 ? head + 8 : head;
	uint64_t all = 0, any = 0;

	for (int64_t off = from; off + 8 <= w->t.basicsize && off + 8 <= w->hi && fp->n < 4;
	     off += 8) {
		uint64_t v = work_u64(w, off);

		if (off == w->t.dictoffset || off == w->t.weakoffset)
			continue;
		put(fp, v);
		all = heap_mix(all, v);
		any |= v;
	}
	fp->content = named(w, all);
	if (!fp->n || !any) {
		fp->n = fp->n ? fp->n : 1;
		mark_empty(w);
	}
}

/* Marks of a function: its code, and what closure and defaults hold; without these all are alike.
 */
static void fp_function(struct heap *h, struct heap_work *w)
{
	struct heap_fingerprint *fp = &w->o->fp;
	uint64_t code = work_u64(w, h->rt->layout.func_code);
	uint64_t closure = work_u64(w, py_func_closure(h->rt) + py_more_header(h->rt));
	uint64_t defaults = work_u64(w, py_func_defaults(h->rt) + py_more_header(h->rt));

	put(fp, code);
	put(fp, closure);
	put(fp, defaults);
	put_items(h, w);
	if (fp->content)
		fp->content = named(w, heap_mix(fp->content, code));
	if (!closure)
		fp->content = named(w, heap_mix(code, defaults));
	fp->empty = false;
}

/* Marks of a generator: code and the first two arguments, else the pair of generator and frame. */
static void fp_generator(struct heap *h, struct heap_work *w)
{
	struct heap_fingerprint *fp = &w->o->fp;

	put(fp, w->code ? w->code : work_u64(w, heap_head(h->rt)));
	put_items(h, w);
	if (!w->items)
		fp->content = named(w, fp->word[0]);
	fp->empty = false;
}

static uint64_t all_words(const struct heap_fingerprint *fp)
{
	uint64_t all = 11;

	for (unsigned i = 0; i < fp->n && i < HEAP_FP_WORDS; i++)
		all = heap_mix(all, fp->word[i]);
	return all;
}

static void fp_body(struct heap *h, struct heap_work *w)
{
	struct heap_fingerprint *fp = &w->o->fp;

	/* a type without GC has only values, or pointers that never change */
	if (!w->items || (!w->t.has_dict && !(w->t.flags & TPF_HAVE_GC))) {
		bool instance = w->t.kind == HEAP_K_INSTANCE && w->t.has_dict;

		if (instance)
			put_items(h, w);
		else
			fp_plain_body(h, w);
		return;
	}
	put_items(h, w);
	if (w->t.kind != HEAP_K_OTHER)
		return;
	/* address and place of a third item: two may be shared by all objects of a type */
	for (unsigned i = HEAP_CHILDREN; i < w->items; i++)
		put(fp, heap_mix(w->item[i], w->key[i]));
	/* memory that C code hangs below its object can come back with it (a deque and its block):
	 * seen on more than one sample, it says nothing */
	fp->content = named(w, all_words(fp));
}

void heap_fingerprint_of(struct heap *h, struct heap_work *w)
{
	struct heap_fingerprint *fp = &w->o->fp;

	switch ((enum heap_kind)w->t.kind) {
	case HEAP_K_FLOAT:
		put(fp, work_u64(w, heap_head(h->rt)));
		fp->content = named(w, fp->word[0]);
		break;
	case HEAP_K_INT:
		put(fp, int_digits(h->rt, work_u64(w, heap_head(h->rt))));
		put(fp, work_has(w, 0, heap_head(h->rt) + 16)
				? int_value(h->rt, w->win + WIN_BEFORE, (size_t)w->hi)
				: 0);
		fp->content = named(w, fp->word[1]);
		break;
	case HEAP_K_STR:
	case HEAP_K_BYTES:
		fp_text(h, w);
		break;
	case HEAP_K_TUPLE:
		fp_tuple(h, w);
		break;
	case HEAP_K_DICT:
		fp_dict(h, w);
		break;
	case HEAP_K_LIST:
		put(fp, work_u64(w, h->rt->layout.ob_size));
		fp->grow = 1;
		put_items(h, w);
		break;
	case HEAP_K_SET:
		put_items(h, w);
		break;
	case HEAP_K_BYTEARRAY:
		fp_bytearray(h, w);
		break;
	case HEAP_K_EXCEPTION:
		put(fp, work_u64(w, heap_head(h->rt) + EXC_ARGS)); /* the tuple of args */
		put_items(h, w);
		break;
	case HEAP_K_FUNCTION:
		fp_function(h, w);
		break;
	case HEAP_K_METHOD:
		/* A method dies with the call, and comes back in the same place with the same two
		 * pointers: seen twice, it says nothing. */
		put_items(h, w);
		fp->content = named(w, heap_mix(w->item[0], w->item[1]));
		break;
	case HEAP_K_GENERATOR:
		fp_generator(h, w);
		break;
	case HEAP_K_INSTANCE:
	case HEAP_K_OTHER:
	case HEAP_K_NONE:
		fp_body(h, w);
		break;
	}
}

bool heap_same_object(const struct heap_fingerprint *then, const struct heap_fingerprint *now)
{
	bool certain = then->certain > 0, seen = false;

	if (then->n != now->n || then->grow != now->grow || then->certain != now->certain ||
	    then->n > HEAP_FP_WORDS || then->empty != now->empty)
		return false;
	for (unsigned i = 0; i < then->certain && i < then->n; i++)
		certain = certain && then->word[i] && then->word[i] == now->word[i];
	if (certain)
		return true;
	for (unsigned i = then->certain; i < then->n; i++) {
		uint64_t a = then->word[i], b = now->word[i];

		if (then->grow == i + 1) {
			if (b < a)
				return false;
			continue;
		}
		if (!a && (then->open >> i & 1))
			continue;
		if (a != b)
			return false;
		seen = seen || a;
	}
	/* equal in type only: enough only if nothing is all there can be */
	return seen || !then->certain;
}
