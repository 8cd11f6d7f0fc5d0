/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The objects of the small CPython: one of each kind, as the tables say it is laid out. */
#include "fuzz/world.h"
#include "py/objects.h"
#include "py/py_priv.h"

static const uint32_t class_bytes[] = {64, 128, 256, 512};

static void put_head(struct world *w, uint64_t o, uint64_t type)
{
	const struct py_layout *l = &w->rt.layout;

	if (w->rt.free_threaded) {
		world_put(w, o, 0x7f4000001000, 8);
		world_put(w, o + l->ob_gc_bits, 1, 1);
		world_put(w, o + l->ob_ref_local, 2, 4);
	} else {
		world_put(w, o, 2, 8);
	}
	world_put(w, o + l->ob_type, type, 8);
}

/* ---- pools ---- */

static uint64_t pool_at(size_t cls)
{
	return WORLD_BASE + WORLD_POOLS + cls * 0x4000;
}

static uint64_t block(struct world *w, uint64_t bytes)
{
	size_t cls = 0;
	uint64_t pool, next;

	while (cls < ARRAY_SIZE(class_bytes) && class_bytes[cls] < bytes)
		cls++;
	if (cls == ARRAY_SIZE(class_bytes))
		return world_room(w, bytes);
	pool = pool_at(cls);
	next = world_word(w, pool + 40) & 0xffffffff;
	if (!next) {
		next = HEAP_POOL_HEAD;
		world_put(w, pool + 36, class_bytes[cls] / 16 - 1, 4);
		world_put(w, pool + 44, w->rt.layout.pool_size - class_bytes[cls], 4);
	}
	if (next + class_bytes[cls] > w->rt.layout.pool_size)
		return world_room(w, bytes);
	world_put(w, pool, (world_word(w, pool) & 0xffffffff) + 1, 4);
	world_put(w, pool + 40, next + class_bytes[cls], 4);
	return pool + next;
}

/* A block on each pool's list of free ones. */
static void free_some(struct world *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(class_bytes); i++) {
		uint64_t pool = pool_at(i), at = block(w, class_bytes[i]);

		if (at - pool >= w->rt.layout.pool_size)
			continue;
		world_put(w, pool, (world_word(w, pool) & 0xffffffff) - 1, 4);
		world_put(w, pool + 8, at, 8);
	}
}

/* The array of arenas, with the one there is. */
static void make_arenas(struct world *w)
{
	uint64_t at = world_room(w, 2 * 48 + 64);

	w->rt.usedpools = at;
	w->rt.arenas = at + 16;
	w->rt.maxarenas = at + 24;
	world_put(w, at + 16, at + 64, 8);
	world_put(w, at + 24, 2, 4);
	world_put(w, at + 64, WORLD_BASE + WORLD_POOLS, 8);
	world_put(w, at + 72, WORLD_BASE + WORLD_BRK, 8);
}

/* ---- types ---- */

static uint64_t text(struct world *w, const char *s)
{
	uint64_t at = world_room(w, strlen(s) + 1);

	for (size_t i = 0; s[i]; i++)
		world_put(w, at + i, (uint8_t)s[i], 1);
	return at;
}

static uint64_t t_type, t_str, t_dict, t_tuple, t_bytes, t_int;

struct type_row {
	const char *name;
	uint64_t flags;
	uint16_t basic, item;
	int16_t dict;
};

/* The bytes that lie in front of an object of such a type. */
static uint64_t before(const struct world *w, uint64_t flags)
{
	uint64_t n = (flags & TPF_HAVE_GC) && !w->rt.free_threaded ? 16 : 0;

	if (w->rt.minor == 11 && (flags & TPF_MANAGED_DICT))
		n += 16;
	if (w->rt.minor >= 12 && (flags & (TPF_MANAGED_DICT | TPF_MANAGED_WEAKREF)))
		n += 16;
	return n;
}

static uint64_t add(struct world *w, uint64_t addr, uint64_t type)
{
	if (w->n_objects == ARRAY_SIZE(w->object))
		abort();
	w->object[w->n_objects++] = (struct world_object){addr, type};
	return addr;
}

static uint64_t make_type(struct world *w, const struct type_row *r, uint64_t base)
{
	const struct py_layout *l = &w->rt.layout;
	uint16_t more = w->rt.free_threaded ? 16 : 0;
	uint64_t t = world_room(w, w->priv.build.heap_type_size);

	put_head(w, t, t_type ? t_type : t);
	world_put(w, t + l->tp_name, text(w, r->name), 8);
	world_put(w, t + l->tp_basicsize, r->basic + more, 8);
	world_put(w, t + l->tp_itemsize, r->item, 8);
	world_put(w, t + l->tp_flags, r->flags | PY_TPFLAGS_READY, 8);
	world_put(w, t + l->tp_dictoffset, (uint64_t)(int64_t)r->dict, 8);
	world_put(w, t + l->tp_base, base, 8);
	return t;
}

static uint64_t size_of(const struct world *w, uint64_t type)
{
	return world_word(w, type + w->rt.layout.tp_basicsize);
}

/* An object with room for so many bytes behind its fixed part. */
static uint64_t object(struct world *w, uint64_t type, uint64_t more)
{
	uint64_t pre = before(w, world_word(w, type + w->rt.layout.tp_flags)), o;

	o = block(w, pre + size_of(w, type) + more) + pre;
	put_head(w, o, type);
	return add(w, o, type);
}

static uint64_t make_str(struct world *w, const char *s)
{
	const struct py_layout *l = &w->rt.layout;
	uint64_t n = strlen(s), o = block(w, l->str_ascii_data + n + 1);

	put_head(w, o, t_str);
	world_put(w, o + l->str_length, n, 8);
	/* one byte each, compact, ASCII */
	world_put(w, o + l->str_state, (1u | 1 << 3 | 1 << 4) << l->str_kind_shift, 4);
	for (size_t i = 0; i < n; i++)
		world_put(w, o + l->str_ascii_data + i, (uint8_t)s[i], 1);
	return o;
}

static uint64_t make_int(struct world *w, uint32_t v)
{
	const struct py_layout *l = &w->rt.layout;
	uint64_t o = block(w, l->ob_size + 16u);

	put_head(w, o, t_int);
	world_put(w, o + l->ob_size, w->rt.minor >= 12 ? 1 << 3 : 1, 8);
	world_put(w, o + l->ob_size + 8, v, 4);
	return o;
}

static uint64_t make_tuple(struct world *w, size_t n, const uint64_t *v)
{
	const struct py_layout *l = &w->rt.layout;
	uint64_t o = object(w, t_tuple, 8 * n);

	world_put(w, o + l->ob_size, n, 8);
	for (size_t i = 0; i < n; i++)
		world_put(w, o + l->tuple_item + 8 * i, v[i], 8);
	return o;
}

static uint64_t make_bytes(struct world *w, const char *s, size_t n)
{
	const struct py_layout *l = &w->rt.layout;
	uint64_t o = block(w, l->bytes_data + n + 1);

	put_head(w, o, t_bytes);
	world_put(w, o + l->ob_size, n, 8);
	for (size_t i = 0; i < n; i++)
		world_put(w, o + l->bytes_data + i, (uint8_t)s[i], 1);
	return o;
}

/* @kind: 0 any keys, 1 names, 2 names shared by the instances of a class. */
static uint64_t make_keys(struct world *w, int kind, size_t n, const uint64_t *pairs)
{
	const struct py_layout *l = &w->rt.layout;
	bool old = w->rt.minor <= 10;
	size_t entry = old || !kind ? 24 : 16;
	uint64_t log2 = n <= 5 ? 3 : 5, slots = 1ull << log2, usable = 2 * slots / 3;
	uint64_t k = block(w, l->dk_indices + slots + usable * entry);
	uint64_t at = k + l->dk_indices + slots;

	world_put(w, k, 1, 8);
	world_put(w, k + l->dk_usable, usable - n, 8);
	if (old) {
		world_put(w, k + l->dk_size, slots, 8);
	} else {
		world_put(w, k + l->dk_log2_size, log2, 1);
		world_put(w, k + l->dk_log2_index_bytes, log2, 1);
		world_put(w, k + l->dk_kind, (uint64_t)kind, 1);
	}
	world_put(w, k + l->dk_nentries, n, 8);
	for (size_t i = 0; i < n; i++, at += entry) {
		world_put(w, at + entry - 16, pairs[2 * i], 8);
		world_put(w, at + entry - 8, pairs[2 * i + 1], 8);
	}
	return k;
}

static uint64_t make_dict(struct world *w, int kind, size_t n, const uint64_t *pairs)
{
	const struct py_layout *l = &w->rt.layout;
	uint64_t o = object(w, t_dict, 0);

	world_put(w, o + l->dict_used, n, 8);
	world_put(w, o + l->dict_keys, make_keys(w, kind, n, pairs), 8);
	if (l->dict_version != PL_NONE)
		world_put(w, o + l->dict_version, 7 + n, 8);
	return o;
}

/* A class of the program's own. */
static uint64_t make_class(struct world *w, const struct type_row *r, uint64_t base)
{
	const struct py_layout *l = &w->rt.layout;
	const uint64_t pairs[] = {make_str(w, "__module__"), make_str(w, "app")};
	const uint64_t names[] = {make_str(w, "x"), 0, make_str(w, "y"), 0};
	uint64_t t = make_type(w, r, base);

	world_put(w, t + l->tp_dict, make_dict(w, 1, 1, pairs), 8);
	world_put(w, t + l->ht_qualname, make_str(w, r->name), 8);
	if (l->ht_cached_keys != PL_NONE)
		world_put(w, t + l->ht_cached_keys, make_keys(w, 2, 2, names), 8);
	return add(w, t, t_type);
}

/* ---- code, frames, threads ---- */

static uint64_t make_code(struct world *w, uint64_t t_code)
{
	const struct py_layout *l = &w->rt.layout;
	const uint64_t names[] = {make_str(w, "a"), make_str(w, "b")};
	uint64_t o = object(w, t_code, 32), tuple = make_tuple(w, 2, names);
	static const char table[] = {(char)0x80, 1, 2, (char)0xd8, 4, 0, 2, 1, 4, 2};

	w->rt.code_type = t_code;
	world_put(w, o + l->code_firstlineno, 10, 4);
	world_put(w, o + l->code_filename, make_str(w, "/srv/app.py"), 8);
	world_put(w, o + l->code_name, make_str(w, "f"), 8);
	if (l->code_qualname != PL_NONE)
		world_put(w, o + l->code_qualname, make_str(w, "C.f"), 8);
	world_put(w, o + l->code_linetable, make_bytes(w, table, sizeof(table)), 8);
	world_put(w, o + l->code_names, tuple, 8);
	if (l->code_freevars != PL_NONE) {
		world_put(w, o + l->code_freevars, tuple, 8);
		world_put(w, o + l->code_cellvars, tuple, 8);
	}
	world_put(w, o + l->code_stacksize, 4, 4);
	if (w->rt.walk.instr_kind == PL_INSTR_POINTER)
		world_put(w, o + l->ob_size, 16, 8);
	if (l->code_tlbc) {
		uint64_t copies = world_room(w, 64);

		world_put(w, o + l->code_tlbc, copies, 8);
		world_put(w, copies, 2, 8);
		world_put(w, copies + 8, o + l->code_code, 8);
		world_put(w, copies + 16, world_room(w, 32), 8);
	}
	return o;
}

/* A frame object up to 3.10, a frame of the interpreter since. */
static uint64_t make_frame(struct world *w, uint64_t t_frame, uint64_t back, uint64_t globals)
{
	const struct py_layout *l = &w->rt.layout;
	const struct pl_walk *k = &w->rt.walk;
	uint64_t f = w->rt.minor <= 10 ? object(w, t_frame, 64)
				       : add(w, world_room(w, l->frame_localsplus + 64u), t_frame);

	world_put(w, f + k->frame_code, w->code, 8);
	world_put(w, f + k->frame_back, back, 8);
	if (k->instr_kind == PL_INSTR_POINTER)
		world_put(w, f + k->frame_instr, w->code + l->code_code + 4, 8);
	else
		world_put(w, f + k->frame_instr, 4, 4);
	world_put(w, f + l->frame_globals, globals, 8);
	world_put(w, f + l->frame_localsplus, w->object[0].addr, 8);
	return f;
}

static void make_lists(struct world *w, uint64_t gc)
{
	uint64_t last = gc + w->rt.layout.gc_generations + 48, first = last;

	world_put(w, gc + w->priv.build.gc_generation0, gc + w->rt.layout.gc_generations, 8);
	for (int g = 0; g < 3; g++) {
		uint64_t head = gc + w->rt.layout.gc_generations + 24ull * (uint64_t)g;

		world_put(w, head, head, 8);
		world_put(w, head + 8, head, 8);
		world_put(w, head + 16, 700, 4);
	}
	world_put(w, gc + w->rt.layout.gc_permanent, gc + w->rt.layout.gc_permanent, 8);
	world_put(w, gc + w->rt.layout.gc_permanent + 8, gc + w->rt.layout.gc_permanent, 8);
	world_put(w, gc + w->rt.layout.gc_enabled, 1, 4);
	for (size_t i = 0; i < w->n_objects; i++) {
		uint64_t type = w->object[i].type, o = w->object[i].addr;

		if (!(world_word(w, type + w->rt.layout.tp_flags) & TPF_HAVE_GC) ||
		    type == t_type || w->rt.free_threaded)
			continue;
		world_put(w, last, o - 16, 8);
		world_put(w, o - 8, last, 8);
		last = o - 16;
	}
	world_put(w, last, first, 8);
	world_put(w, first + 8, last, 8);
}

static void make_stats(struct world *w, uint64_t gc)
{
	if (w->rt.minor >= 15)
		world_put(w, gc + w->rt.layout.gc_stats, world_room(w, 1120), 8);
	else
		for (unsigned g = 0; g < 3; g++)
			world_put(w, gc + w->rt.layout.gc_stats + 24ull * g, 5 + g, 8);
}

static void make_threads(struct world *w, uint64_t globals)
{
	const struct py_layout *l = &w->rt.layout;
	const struct pl_walk *k = &w->rt.walk;
	uint64_t runtime = world_room(w, 1100), frame = w->frame, gc;
	/* The part that is read of an interpreter lies in its first pages. */
	uint64_t size = l->interp_obmalloc	? l->interp_obmalloc + 16u
			: l->interp_size < 8192 ? l->interp_size
						: 8192;

	w->rt.layout.interp_size = (uint32_t)size;

	w->rt.runtime = runtime;
	w->interp = world_room(w, size);
	w->tstate = world_room(w, l->tstate_size);
	world_put(w, runtime + l->runtime_interpreters, w->interp, 8);
	world_put(w, w->interp + l->interp_threads, w->tstate, 8);
	world_put(w, w->interp + l->interp_modules, globals, 8);
	world_put(w, w->tstate + l->tstate_interp, w->interp, 8);
	if (k->cframe_frame != PL_NONE) {
		frame = world_room(w, 32);
		world_put(w, frame + k->cframe_frame, w->frame, 8);
	}
	world_put(w, w->tstate + k->tstate_frame, frame, 8);
	gc = py_gc_of(&w->rt, w->interp);
	make_lists(w, gc);
	make_stats(w, gc);
	world_put(w, gc + l->gc_garbage, w->object[2].addr, 8); /* a list */
}

/* ---- glibc ---- */

/* struct malloc_state of the main arena: empty bins point to themselves, a fastbin holds one chunk.
 */
static void make_arena(struct world *w, uint64_t top)
{
	uint64_t state = world_room(w, 0x898);

	world_put(w, state + 0x10, WORLD_BASE + WORLD_BRK + 0x290 + 0x40, 8);
	world_put(w, state + 0x60, top, 8);
	for (unsigned i = 0; i < 127; i++) {
		world_put(w, state + 0x70 + 16u * i, state + 0x60 + 16u * i, 8);
		world_put(w, state + 0x78 + 16u * i, state + 0x60 + 16u * i, 8);
	}
}

/* The thread's cache is the first chunk of the heap; what it lists bears its key. */
static void make_cache(struct world *w)
{
	static const uint16_t at[] = {0x290, 0x820};
	uint64_t brk = WORLD_BASE + WORLD_BRK;

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		uint64_t ptr = brk + at[i] + 16;

		world_put(w, ptr, ptr >> 12, 8);
		world_put(w, ptr + 8, 0xabcdef0123456789, 8);
		world_put(w, brk + 16 + 128 + 16 * i, ptr, 8);
	}
}

static void make_chunks(struct world *w)
{
	static const uint16_t bytes[] = {0x290, 0x40, 0x20, 0x110, 0x410, 0x80, 0x1010, 0x40};
	uint64_t at = WORLD_BASE + WORLD_BRK, end = WORLD_BASE + WORLD_SIZE - 4096;

	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		world_put(w, at + 8, bytes[i] | 1u, 8);
		if (i == 3) { /* an object in a chunk */
			put_head(w, at + 16, t_bytes);
			world_put(w, at + 16 + w->rt.layout.ob_size, 0xe0, 8);
		}
		at += bytes[i];
	}
	world_put(w, at + 8, (end - at) | 1, 8);
	make_arena(w, at);
	make_cache(w);
}

/* ---- all of it ---- */

#define GC  TPF_HAVE_GC
#define OWN TPF_HEAPTYPE

static void make_kinds(struct world *w, uint64_t t_object)
{
	static const struct type_row rows[] = {
		{"float", 0, 24, 0, 0},
		{"NoneType", 0, 16, 0, 0},
		{"builtin_function_or_method", GC, 56, 0, 0},
		{"method", GC, 48, 0, 0},
		{"cell", GC, 24, 0, 0},
		{"weakref", GC, 72, 0, 0},
		{"memoryview", GC, 184, 8, 0},
		{"collections.deque", GC, 80, 0, 0},
		{"functools.partial", GC, 64, 0, 48},
		{"functools._lru_cache_wrapper", GC, 128, 0, 120},
		{"traceback", GC, 48, 0, 0},
		{"_thread._local", GC, 48, 0, 0},
		{"numpy.ndarray", GC, 96, 0, 0},
		{"coroutine", GC, 128, 8, 0},
		{"functools._lru_list_elem", GC, 48, 0, 0},
		{"Context", GC, 40, 0, 0},
		{"hamt", GC, 40, 0, 0},
		{"member_descriptor", GC, 72, 0, 0},
		{"module", GC, 56, 0, 16},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t o = object(w, make_type(w, &rows[i], t_object), 0);

		/* Pointers where most of them have some. */
		for (unsigned k = 0; rows[i].basic > 24 && k < 2; k++)
			world_put(w, o + w->rt.layout.ob_size + 8 * k, w->object[k].addr, 8);
		if (i >= ARRAY_SIZE(rows) - 1)
			w->modules = o;
	}
}

static void make_containers(struct world *w, uint64_t t_object)
{
	const struct py_layout *l = &w->rt.layout;
	const struct type_row list = {"list", TPF_LIST | GC, 40, 0, 0},
			      set = {"set", GC, 200, 0, 0};
	const struct type_row array = {"bytearray", 0, 56, 0, 0};
	const uint64_t two[] = {make_int(w, 7), make_str(w, "seven")};
	const uint64_t pairs[] = {two[1], two[0], two[0], two[1]};
	uint64_t o = object(w, make_type(w, &list, t_object), 0), items = block(w, 64);

	world_put(w, o + l->ob_size, 3, 8);
	world_put(w, o + l->list_item, items, 8);
	world_put(w, o + l->list_allocated, 8, 8);
	world_put(w, items, two[0], 8);
	world_put(w, items + 8, two[1], 8);
	world_put(w, items + 16, o, 8); /* a cycle */
	add(w, two[0], t_int);
	add(w, two[1], t_str);
	add(w, make_bytes(w, "some bytes", 10), t_bytes);
	make_tuple(w, 2, two);
	make_dict(w, 0, 2, pairs);
	o = object(w, make_type(w, &set, t_object), 0);
	world_put(w, o + l->set_mask - 8, 1, 8);
	world_put(w, o + l->set_mask, 7, 8);
	world_put(w, o + l->set_table, o + l->set_smalltable, 8);
	world_put(w, o + l->set_smalltable, two[1], 8);
	world_put(w, o + l->set_smalltable + 8, 99, 8);
	o = object(w, make_type(w, &array, t_object), 0);
	world_put(w, o + l->ob_size, 5, 8);
	world_put(w, o + l->bytearray_alloc, 64, 8);
	world_put(w, o + l->bytearray_bytes, block(w, 64), 8);
}

static void make_instances(struct world *w, uint64_t t_object)
{
	const struct py_layout *l = &w->rt.layout;
	uint64_t managed = w->rt.minor >= 11 ? TPF_MANAGED_DICT : 0, o, values;
	const struct type_row rows[] = {
		{"Slots", OWN | GC, 32, 0, 0},
		{"Plain", OWN | GC | managed, managed ? 16 : 32, 0, managed ? -1 : 16},
		{"Error", OWN | GC | TPF_EXCEPTION, 72, 0, 16},
		{"Inline", OWN | GC | managed | (w->rt.minor >= 13 ? TPF_INLINE_VALUES : 0), 16, 0,
		 managed ? -1 : 0},
		{"Behind", OWN | GC | TPF_TUPLE, 24, 8, -8},
	};
	const uint64_t pairs[] = {w->object[1].addr, w->object[0].addr};
	uint64_t dict = make_dict(w, 1, 1, pairs);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		o = object(w, make_class(w, &rows[i], t_object), 48);
		world_put(w, o + l->ob_size, i == 4 ? 2 : dict, 8);
		if (!managed || !(rows[i].flags & TPF_MANAGED_DICT))
			continue;
		values = block(w, 64);
		world_put(w, values, w->object[0].addr, 8);
		if (w->rt.minor == 11) {
			world_put(w, o + (uint64_t)(int64_t)l->managed_values, values, 8);
		} else if (w->rt.minor == 12 && i == 3) {
			world_put(w, o + (uint64_t)(int64_t)l->managed_dict, values - 1, 8);
		} else {
			world_put(w, o + (uint64_t)(int64_t)l->managed_dict, dict, 8);
		}
		if (w->rt.minor >= 13 && i == 3) {
			values = o + size_of(w, w->object[w->n_objects - 1].type);
			world_put(w, values, 2 | 2u << 8 | 1u << 16 | 1u << 24, 4);
			world_put(w, values + 8, w->object[0].addr, 8);
		}
	}
}

static void make_functions(struct world *w, uint64_t t_object)
{
	const struct py_layout *l = &w->rt.layout;
	const struct type_row function = {"function", GC, 152, 0, 0};
	const struct type_row code = {
		"code", w->rt.minor >= 11 ? 0u : 0u,
		(uint16_t)(w->priv.build.code_basicsize - (w->rt.free_threaded ? 16 : 0)),
		w->rt.minor >= 11 ? 2 : 0, 0};
	const struct type_row frame = {"frame", GC, 424, 8, 0}, gen = {"generator", GC, 128, 8, 0};
	uint64_t one[] = {w->object[0].addr}, t_frame = make_type(w, &frame, t_object), o;

	w->code = make_code(w, make_type(w, &code, t_object));
	o = object(w, make_type(w, &function, t_object), 0);
	world_put(w, o + l->func_code, w->code, 8);
	world_put(w, o + py_func_closure(&w->rt) + py_more_header(&w->rt), make_tuple(w, 1, one),
		  8);
	world_put(w, o + py_func_defaults(&w->rt) + py_more_header(&w->rt), make_tuple(w, 1, one),
		  8);
	w->frame = make_frame(w, t_frame, 0, w->object[0].addr);
	w->frame = make_frame(w, t_frame, w->frame, w->object[0].addr);
	o = object(w, make_type(w, &gen, t_object), 64);
	if (l->gen_iframe != PL_NONE)
		world_put(w, o + l->gen_iframe + w->rt.walk.frame_code, w->code, 8);
	else
		world_put(w, o + PY_GEN_FRAME, w->frame, 8);
}

/* One module, from which everything else can be reached by a name. */
static uint64_t make_modules(struct world *w)
{
	static const char *const name[] = {"CACHE",   "MAXSIZE", "QUEUE", "registry", "table",
					   "handler", "pool",	 "limit", "local",    "jobs"};
	uint64_t pairs[2 * ARRAY_SIZE(name)], all[ARRAY_SIZE(w->object)], n = w->n_objects;
	const struct py_layout *l = &w->rt.layout;
	uint64_t module, dict;

	for (size_t i = 0; i < n; i++)
		all[i] = w->object[i].addr;
	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		pairs[2 * i] = make_str(w, name[i]);
		pairs[2 * i + 1] = all[(3 * i + 2) % n];
	}
	pairs[1] = make_tuple(w, n, all);
	pairs[3] = make_int(w, 100);
	module = w->modules;
	dict = make_dict(w, 1, ARRAY_SIZE(name), pairs);
	world_put(w, module + PY_MODULE_DICT + py_more_header(&w->rt), dict, 8);
	/* 32 places for an index in front of the entries. */
	w->names = world_word(w, dict + l->dict_keys) + l->dk_indices + 32 +
		   (w->rt.minor <= 10 ? 16 : 8);
	pairs[0] = make_str(w, "app");
	pairs[1] = module;
	return make_dict(w, 1, 1, pairs);
}

void world_fill(struct world *w)
{
	static const struct type_row base[] = {
		{"object", 0, 16, 0, 0},
		{"int", TPF_LONG, 24, 4, 0},
		{"str", TPF_UNICODE, 0, 0, 0},
		{"bytes", TPF_BYTES, 33, 1, 0},
		{"tuple", TPF_TUPLE | GC, 24, 8, 0},
		{"dict", TPF_DICT | GC, 48, 0, 0},
	};
	struct type_row type = {"type", TPF_TYPE | GC, w->priv.build.heap_type_size, 40, 0};
	uint64_t t[ARRAY_SIZE(base)];

	/* In the order of versions the tables move: no address of the last world may stay. */
	t_type = 0;
	world_room(w, 256);
	t_type = make_type(w, &type, 0);
	for (size_t i = 0; i < ARRAY_SIZE(base); i++) {
		struct type_row r = base[i];

		if (!r.basic)
			r.basic = (uint16_t)(w->priv.build.str_header -
					     (w->rt.free_threaded ? 16 : 0));
		t[i] = make_type(w, &r, i ? t[0] : 0);
	}
	t_int = t[1];
	t_str = t[2];
	t_bytes = t[3];
	t_tuple = t[4];
	t_dict = t[5];
	w->rt.type_type = t_type;
	w->rt.unicode_type = t_str;
	make_arenas(w);
	add(w, make_int(w, 5), t_int);
	add(w, make_str(w, "name"), t_str);
	make_containers(w, t[0]);
	make_kinds(w, t[0]);
	make_instances(w, t[0]);
	make_functions(w, t[0]);
	make_threads(w, make_modules(w));
	free_some(w);
	make_chunks(w);
}
