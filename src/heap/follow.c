/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Chooses the memory that is read of an object beside its body: items, entries, attributes, and the
 * first two objects it refers to. One step per round of reads. */
#include "heap/inside.h"
#include "py/objects.h"
#include "py/versions.h"

#define MAX_LOG2_SIZE 40 /* size of a dict: more is no dict */
#define SET_ENTRY     16 /* key, hash */

struct heap_str heap_str_facts(const struct py_layout *l, uint64_t addr, const uint8_t *obj)
{
	struct heap_str s = {.length = heap_u64(obj + l->str_length)};
	uint32_t state = (uint32_t)heap_u64(obj + l->str_state);

	state >>= l->str_kind_shift & 31;
	s.kind = state & 7;
	s.compact = state & 1 << 3;
	s.ascii = state & 1 << 4;
	if (s.length >= 1ull << 44 || (s.kind != 1 && s.kind != 2 && s.kind != 4))
		return (struct heap_str){0};
	s.bytes = s.length * s.kind;
	if (!s.compact)
		s.data = heap_u64(obj + l->str_noncompact_data);
	else
		s.data = addr + (s.ascii ? l->str_ascii_data : l->str_compact_data);
	return s;
}

/* PyDictKeysObject (Objects/dict-common.h, pycore_dict.h). */
bool heap_keys_facts(const struct py_runtime *rt, const uint8_t *head, struct heap_keys *out)
{
	const struct py_layout *l = &rt->layout;
	uint64_t size, index, usable;

	*out = (struct heap_keys){.entry_size = 24};
	if (!py_keys_are_logarithmic(rt)) {
		size = heap_u64(head + l->dk_size);
		index = size * (size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8);
	} else {
		unsigned log2 = head[l->dk_log2_size], log2_index = head[l->dk_log2_index_bytes];

		if (log2 > MAX_LOG2_SIZE || log2_index > MAX_LOG2_SIZE + 3)
			return false;
		size = 1ull << log2;
		index = 1ull << log2_index;
		if (head[l->dk_kind])
			out->entry_size = 16;
		out->shared = head[l->dk_kind] == 2;
	}
	if (!size || (size & (size - 1)) || size > 1ull << MAX_LOG2_SIZE)
		return false;
	usable = (size << 1) / 3;
	out->n = heap_u64(head + l->dk_nentries);
	if (out->n > usable)
		return false;
	out->usable = usable;
	out->entries = l->dk_indices + index;
	if (size > 1) /* the empty keys object is static and has one slot */
		out->bytes = out->entries + usable * out->entry_size;
	if (heap_u64(head) != 1) /* dk_refcnt */
		out->shared = true;
	return true;
}

static void want_pool(struct heap *h, struct heap_work *w, uint64_t block)
{
	uint64_t size = h->rt->layout.pool_size;

	if (heap_has_pools(h) && heap_in_arena(h, block))
		work_want(w, block & ~(size - 1), w->pool_head, HEAP_POOL_HEAD, &w->ok_pool);
}

/* Asks for the slots of a split dict or of an instance, and for what says their number. */
static void want_values(struct heap *h, struct heap_work *w, uint64_t values, enum heap_depth depth)
{
	enum py_values kind = py_values_kind(h->rt);

	w->values = values + heap_slots_at(h->rt);
	work_want(w, w->values, w->slot, sizeof(w->slot), &w->ok_slot);
	if (kind == PY_VALUES_AS_KEYS || depth != HEAP_FULL)
		return;
	if (kind == PY_VALUES_HEADED) {
		work_want(w, values, w->values_head, 8, &w->ok_head);
	} else {
		work_want(w, values - VALUES_HEAD, w->values_head, VALUES_HEAD, &w->ok_head);
		want_pool(h, w, values);
	}
}

static void start_dict(struct heap *h, struct heap_work *w, enum heap_depth depth)
{
	const struct py_layout *l = &h->rt->layout;
	uint64_t values = heap_u64(w->dict_obj + l->dict_values);

	w->stage = WORK_KEYS;
	w->keys = heap_u64(w->dict_obj + l->dict_keys);
	if (!heap_is_pointer(w->keys))
		return;
	work_want(w, w->keys, w->keys_head, sizeof(w->keys_head), &w->ok_keys);
	if (heap_is_pointer(values) && !w->inline_values)
		want_values(h, w, values, depth);
}

static void start_instance(struct heap *h, struct heap_work *w, enum heap_depth depth)
{
	const struct py_layout *l = &h->rt->layout;
	int64_t off = w->t.dictoffset, size = (int64_t)work_u64(w, heap_head(h->rt));
	struct py_attributes a = {0};

	switch ((enum heap_dict)w->t.has_dict) {
	case HEAP_DICT_NONE:
		return;
	case HEAP_DICT_SLOT:
		if (off < 0 && size > -1000000 && size < 1000000)
			off += (w->t.basicsize + w->t.itemsize * llabs(size) + 7) & ~7ll;
		a.dict = off > 0 ? work_u64(w, off) : 0;
		break;
	case HEAP_DICT_MANAGED:
		a = py_managed_attributes(h->rt, work_u64(w, l->managed_values),
					  work_u64(w, l->managed_dict));
		off = w->t.basicsize;
		if ((w->t.flags & TPF_INLINE_VALUES) && work_u8(w, off + PY_VALUES_CAPACITY) &&
		    work_u8(w, off + PY_VALUES_VALID))
			w->inline_values = true;
		for (int i = 0;
		     w->inline_values && i < HEAP_ITEMS && i < work_u8(w, off + PY_VALUES_CAPACITY);
		     i++)
			w->slot[i] = work_u64(w, off + PY_VALUES_SLOTS + 8 * i);
		w->ok_slot = w->inline_values;
		break;
	}
	if (heap_is_pointer(a.values))
		want_values(h, w, a.values, depth);
	/* with values known, only the dict's size is needed */
	if (!heap_is_pointer(a.dict) || (w->inline_values && depth != HEAP_FULL))
		return;
	w->dict = a.dict;
	w->stage = WORK_DICT;
	work_want(w, a.dict, w->dict_obj, sizeof(w->dict_obj), &w->ok_dict);
}

static void start_set(struct heap *h, struct heap_work *w)
{
	const struct py_layout *l = &h->rt->layout;
	uint64_t table = work_u64(w, l->set_table);

	w->raw_len = RAW_SIZE;
	if (table != w->o->addr + l->set_smalltable) {
		work_want(w, table, w->raw, RAW_SIZE, &w->ok_raw);
		return;
	}
	w->raw_len = WIN_AFTER - l->set_smalltable;
	w->ok_raw = work_has(w, l->set_smalltable, w->raw_len);
	if (w->ok_raw)
		memcpy(w->raw, w->win + WIN_BEFORE + l->set_smalltable, w->raw_len);
}

/* Asks for the end of a long string, as many share their beginning. */
static void start_text(struct heap_work *w, uint64_t data, uint64_t bytes)
{
	uint64_t seen = w->o->addr + WIN_AFTER;

	if (!data || !bytes || span_has(w->o->addr, seen, data, bytes))
		return;
	w->raw_len = bytes < 32 ? (uint32_t)bytes : 32;
	work_want(w, data + bytes - w->raw_len, w->raw, w->raw_len, &w->ok_raw);
}

static void start_kind(struct heap *h, struct heap_work *w, enum heap_depth depth)
{
	const struct py_layout *l = &h->rt->layout;
	uint64_t size = work_u64(w, l->ob_size);
	struct heap_str s;

	switch ((enum heap_kind)w->t.kind) {
	case HEAP_K_STR:
		if (!work_has(w, 0, l->str_compact_data))
			return;
		s = heap_str_facts(l, w->o->addr, w->win + WIN_BEFORE);
		start_text(w, s.data, s.bytes);
		break;
	case HEAP_K_BYTES:
		if (size < 1ull << 44)
			start_text(w, w->o->addr + l->bytes_data, size);
		break;
	case HEAP_K_LIST:
		w->raw_len = size < HEAP_ITEMS ? (uint32_t)size * 8 : HEAP_ITEMS * 8;
		work_want(w, work_u64(w, l->list_item), w->raw, w->raw_len, &w->ok_raw);
		break;
	case HEAP_K_DICT:
		w->dict = w->o->addr;
		w->ok_dict = work_has(w, 0, sizeof(w->dict_obj));
		memcpy(w->dict_obj, w->win + WIN_BEFORE, sizeof(w->dict_obj));
		if (w->ok_dict)
			start_dict(h, w, depth);
		break;
	case HEAP_K_SET:
		start_set(h, w);
		break;
	case HEAP_K_BYTEARRAY:
		w->raw_len = size < 16 ? (uint32_t)size : 16;
		work_want(w, work_u64(w, l->bytearray_bytes), w->raw, w->raw_len, &w->ok_raw);
		break;
	case HEAP_K_FUNCTION:
		/* closure and defaults, both tuples, tell functions of one code object apart */
		work_want(w,
			  work_u64(w, py_func_closure(h->rt) + py_more_header(h->rt)) +
				  l->tuple_item,
			  w->raw, 8, &w->ok_raw);
		work_want(w,
			  work_u64(w, py_func_defaults(h->rt) + py_more_header(h->rt)) +
				  l->tuple_item,
			  w->raw + 8, 8, &w->ok_raw2);
		w->stage = WORK_CELL;
		break;
	case HEAP_K_GENERATOR:
		w->stage = WORK_CELL;
		if (py_frames_are_objects(h->rt)) /* the frame is an object of its own: gi_frame */
			work_want(w, work_u64(w, 16), w->raw, 16, &w->ok_raw);
		break;
	case HEAP_K_EXCEPTION:
		w->raw_len = 40; /* of the argument tuple, from ob_size on */
		work_want(w, work_u64(w, l->ob_size + EXC_ARGS) + l->ob_size, w->raw, w->raw_len,
			  &w->ok_raw);
		break;
	default:
		break;
	}
}

/* Is the size to be taken from the block? Where ob_size or the number of slots is not reliable; and
 * a block may be longer than what was cut to its length in place. */
static bool tells_by_block(const struct heap *h, const struct heap_work *w)
{
	if (w->t.flags & TPF_INLINE_VALUES)
		return true;
	if (!w->t.itemsize && w->t.kind != HEAP_K_STR)
		return false;
	/* up to 3.12 the room for a pool is needed for the values of what has some */
	return w->t.kind == HEAP_K_OTHER || w->t.kind == HEAP_K_GENERATOR ||
	       py_values_kind(h->rt) == PY_VALUES_HEADED || w->t.has_dict != HEAP_DICT_MANAGED;
}

static void start(struct heap *h, struct heap_work *w, enum heap_depth depth)
{
	w->stage = WORK_ENTRIES;
	if (depth == HEAP_FULL && tells_by_block(h, w))
		want_pool(h, w, w->o->addr - w->t.pre);
	start_kind(h, w, depth);
	if (w->stage != WORK_ENTRIES) /* a dict, or what has no attributes worth a look */
		return;
	if (depth == HEAP_FULL || w->t.kind == HEAP_K_INSTANCE || w->t.kind == HEAP_K_OTHER)
		start_instance(h, w, depth);
}

/* Asks for the second hop. Function: what the first cell of the closure holds (ob_ref of
 * PyCellObject). Generator up to 3.10: the arguments, at the end of the fixed part of its frame
 * object. */
static void start_cell(struct heap *h, struct heap_work *w)
{
	struct heap_type t;

	w->stage = WORK_ENTRIES;
	if (!w->ok_raw)
		return;
	w->ok_raw = false;
	if (w->t.kind == HEAP_K_FUNCTION)
		work_want(w, heap_u64(w->raw) + heap_head(h->rt), w->raw, 8, &w->ok_raw);
	else if (heap_type_get(h, heap_u64(w->raw + 8), &t) && t.itemsize == 8)
		work_want(w, work_u64(w, 16) + (uint64_t)t.basicsize - 8, w->raw, 16, &w->ok_raw);
}

static void want_entries(struct heap *h, struct heap_work *w)
{
	struct heap_keys k;

	w->stage = WORK_ENTRIES;
	if (!w->ok_keys || w->values || w->inline_values ||
	    !heap_keys_facts(h->rt, w->keys_head, &k))
		return;
	if (k.n > HEAP_ITEMS)
		k.n = HEAP_ITEMS;
	work_want(w, w->keys + k.entries, w->entry, k.n * k.entry_size, &w->ok_entry);
}

static void add_item(struct heap_work *w, uint64_t key, uint64_t item)
{
	if (item && w->items < HEAP_ITEMS) {
		w->key[w->items] = key;
		w->item[w->items++] = item;
	}
}

static void take_entries(struct heap *h, struct heap_work *w)
{
	struct heap_keys k;

	if (w->ok_slot && !w->ok_entry) {
		/* a slot's place is its name: places of empty slots are kept, too */
		for (int i = 0; i < HEAP_ITEMS; i++)
			add_item(w, (uint64_t)i, w->slot[i]);
		return;
	}
	if (!w->ok_entry || !heap_keys_facts(h->rt, w->keys_head, &k))
		return;
	for (unsigned i = 0; i < HEAP_ITEMS && i < k.n; i++) {
		const uint8_t *e = w->entry + i * k.entry_size + (k.entry_size - 16);

		add_item(w, heap_u64(e), heap_u64(e + 8));
	}
}

/* Takes the arguments of a generator or coroutine. From 3.11 on its frame is in its body, with the
 * code object first and the arguments behind the fixed part. */
static void take_frame(struct heap *h, struct heap_work *w)
{
	const struct pl_walk *walk = &h->rt->walk;
	uint64_t tag = walk->code_tag_mask;

	if (py_frames_are_objects(h->rt)) {
		for (unsigned i = 0; w->ok_raw && i < 2; i++)
			add_item(w, i, heap_u64(w->raw + 8 * i));
		return;
	}
	if (h->rt->layout.gen_iframe == PL_NONE)
		return;
	w->code = work_u64(w, h->rt->layout.gen_iframe + walk->frame_code) & ~tag;
	for (unsigned i = 0; i < 2; i++)
		add_item(w, i, work_u64(w, w->t.basicsize + 8 * i) & ~tag);
}

/* Takes pointers of the body, except dict and weak references, which come and go. */
static void take_body(const struct heap *h, struct heap_work *w)
{
	int64_t end = w->t.basicsize < WIN_AFTER ? w->t.basicsize : WIN_AFTER;

	for (int64_t off = heap_head(h->rt); off + 8 <= end; off += 8)
		if (off != w->t.dictoffset && off != w->t.weakoffset &&
		    heap_is_pointer(work_u64(w, off)))
			add_item(w, (uint64_t)off, work_u64(w, off));
}

static void take_items(struct heap *h, struct heap_work *w)
{
	const struct py_layout *l = &h->rt->layout;
	uint64_t n = work_u64(w, l->ob_size);

	switch ((enum heap_kind)w->t.kind) {
	case HEAP_K_DICT:
		take_entries(h, w);
		break;
	case HEAP_K_LIST:
		for (unsigned i = 0; w->ok_raw && i < w->raw_len / 8; i++)
			add_item(w, i, heap_u64(w->raw + 8 * i));
		break;
	case HEAP_K_TUPLE:
		for (unsigned i = 0; i < n && i < HEAP_ITEMS; i++)
			add_item(w, i, work_u64(w, l->tuple_item + 8 * i));
		break;
	case HEAP_K_SET:
		/* A removed entry keeps a dummy key with the hash -1. */
		for (unsigned i = 0; w->ok_raw && i < w->raw_len / SET_ENTRY; i++)
			if (heap_u64(w->raw + SET_ENTRY * i + 8) != UINT64_MAX)
				add_item(w, heap_u64(w->raw + SET_ENTRY * i + 8),
					 heap_u64(w->raw + SET_ENTRY * i));
		break;
	case HEAP_K_EXCEPTION:
		n = w->ok_raw ? heap_u64(w->raw) : 0;
		for (unsigned i = 0; i < n && i < 2; i++)
			add_item(w, i, heap_u64(w->raw + l->tuple_item - l->ob_size + 8 * i));
		break;
	case HEAP_K_FUNCTION:
		if (w->ok_raw)
			add_item(w, 0, heap_u64(w->raw));
		if (w->ok_raw2)
			add_item(w, 1, heap_u64(w->raw + 8));
		break;
	case HEAP_K_INSTANCE:
	case HEAP_K_OTHER:
		take_entries(h, w);
		if (w->items < 2)
			take_body(h, w);
		break;
	case HEAP_K_METHOD:
		take_body(h, w);
		break;
	case HEAP_K_GENERATOR:
		take_frame(h, w);
		break;
	default:
		break;
	}
}

bool heap_step(struct heap *h, struct heap_work *w, enum heap_depth depth)
{
	switch (w->stage) {
	case WORK_START:
		start(h, w, depth);
		if (w->reqs)
			return true;
		break;
	case WORK_DICT:
		w->stage = WORK_ENTRIES;
		if (w->ok_dict)
			start_dict(h, w, depth);
		if (w->reqs)
			return true;
		break;
	case WORK_KEYS:
		want_entries(h, w);
		if (w->reqs)
			return true;
		break;
	case WORK_CELL:
		start_cell(h, w);
		if (w->reqs)
			return true;
		break;
	case WORK_ENTRIES:
		break;
	case WORK_CHILDREN:
	case WORK_DONE:
		w->stage = WORK_DONE;
		return false;
	}
	take_items(h, w);
	w->stage = WORK_CHILDREN;
	for (unsigned i = 0; i < w->items && i < HEAP_CHILDREN; i++)
		if (heap_is_pointer(w->item[i]))
			work_want(w, w->item[i], w->child[i], CHILD_SIZE, &w->ok_child[i]);
	return w->reqs;
}
