/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the references of one block. Most objects are read word by word; exceptions are words that
 * point without holding (GC lists, weak references, caches), and arrays with leftovers behind their
 * end. */
#include "py/objects.h"
#include "py/versions.h"
#include "why/scan_priv.h"

#define MAX_SLOTS 65536 /* slots of a class */
#define LEAF_HEAD 80	/* bytes: a str whose characters are elsewhere has the longest */

void scan_emit(struct scan *s, uint64_t word)
{
	struct graph *g = s->g;
	uint32_t to, *e;

	if (word < 0x10000 || word >> 47 || word & 7)
		return;
	to = graph_find(g, word);
	if (to == NODE_NONE)
		return;
	if (graph_is_idle(g, to))
		return;
	if (s->is_new) {
		node_add(g->of_new, to);
		return;
	}
	if (g->edge.n >= g->max_edges) {
		s->err = -E2BIG;
		return;
	}
	e = vec_push(&g->edge);
	if (e)
		*e = to;
	else
		s->err = -ENOMEM;
}

/* The offset of a member from objects.h in this build. */
static int64_t member(const struct scan *s, int64_t off)
{
	return off + py_more_header(s->g->h->rt);
}

uint64_t scan_at(const struct scan *s, int64_t off)
{
	if (!span_has_off(s->lo, s->hi, off, 8))
		return 0;
	return heap_u64(s->b->data + (s->base - s->b->addr) + off);
}

void scan_words(struct scan *s, int64_t from, int64_t to, uint64_t mask)
{
	if (from < s->lo)
		from = (s->lo + 7) & ~7ll;
	for (int64_t off = from; off + 8 <= to && off + 8 <= s->hi; off += 8)
		scan_emit(s, scan_at(s, off) & mask);
}

void scan_some(struct scan *s, int64_t from, uint64_t n, unsigned step, unsigned of)
{
	for (uint64_t i = 0; i < n && from + 8 * (int64_t)i + 8 <= s->hi; i++)
		if (of >> i % step & 1)
			scan_emit(s, scan_at(s, from + 8 * (int64_t)i));
}

/* A deque: blocks of 64 items between two links. Slots outside of its indices were popped, and so
 * were those of an empty one's block and of spare ones: as nodes these would hold what was popped.
 */
static void deque(struct scan *s)
{
	uint64_t block = scan_at(s, member(s, PY_DEQUE_LEFT)),
		 last = scan_at(s, member(s, PY_DEQUE_RIGHT));
	uint64_t from = scan_at(s, member(s, PY_DEQUE_LEFT_INDEX)),
		 end = scan_at(s, member(s, PY_DEQUE_RIGHT_INDEX)),
		 left = scan_at(s, member(s, PY_DEQUE_SIZE));

	for (int64_t off = member(s, PY_DEQUE_LEFT); off + 8 <= s->hi; off += 8)
		if (graph_is_asked(s->g, scan_at(s, off), 1))
			scan_emit(s, scan_at(s, off));
	while (!s->err && left && left < MAX_ITEMS && s->g->direct_bytes >= 8 &&
	       heap_is_pointer(block) && from < PY_DEQUE_SLOTS) {
		uint64_t to = block == last ? end + 1 : PY_DEQUE_SLOTS, next;

		if (to <= from || to > PY_DEQUE_SLOTS)
			return;
		if (graph_is_asked(s->g, block, 1))
			scan_emit(s, block);
		scan_direct(s, block + 8 + 8 * from, to - from, 1, 1);
		left -= to - from < left ? to - from : left;
		if (block == last ||
		    proc_read_u64(s->g->h->rt->proc, block + 8 * (PY_DEQUE_SLOTS + 1), &next))
			return;
		block = next;
		from = 0;
	}
}

/* The end of an object's body, by its type: leftovers follow. */
static int64_t body_end(const struct scan *s)
{
	const struct heap_type *t = &s->t->t;
	int64_t end = t->basicsize;
	uint64_t word;

	if (s->t->kind == GRAPH_TYPE) { /* its items are the descriptions of its slots */
		uint64_t n = scan_at(s, s->g->h->rt->layout.ob_size);

		end += n < MAX_SLOTS ? (int64_t)n * t->itemsize : 0;
		return n < MAX_SLOTS && end < s->hi ? end : s->hi;
	}
	if (t->itemsize)
		return s->hi;
	if (t->flags & TPF_INLINE_VALUES) {
		word = scan_at(s, end);
		if (word >> 8 * PY_VALUES_VALID & 0xff) /* else leftovers, now in the dict */
			end += PY_VALUES_SLOTS + 8 * (int64_t)(word & 0xff);
		return end > s->hi ? s->hi : end;
	}
	/* C types may use more than basicsize says; leftovers in a pool are below 16 bytes */
	return end > s->hi || (graph_goes_on(s->g, s->b, s->t) && s->hi - end >= 16) ? s->hi : end;
}

/* The frame in a generator, or a frame object's own: up to the top of its stack. */
static void frame(struct scan *s, int64_t from)
{
	const struct py_layout *l = &s->g->h->rt->layout;
	uint64_t mask = py_reference_mask(s->g->h->rt), top = scan_at(s, from + l->frame_top);
	int64_t end = s->hi, slots = from + l->frame_localsplus;

	if (py_frame_tops_are_numbers(s->g->h->rt)) {
		int32_t n = (int32_t)top;

		if (n >= 0 && n < 1 << 16)
			end = slots + 8ll * n;
	} else if (top >= s->base + (uint64_t)slots && top - s->base <= (uint64_t)s->hi) {
		end = (int64_t)(top - s->base);
	}
	scan_words(s, from, slots < s->hi ? slots : s->hi, mask);
	scan_words(s, slots, end, mask);
}

static void frame_object(struct scan *s)
{
	const struct py_layout *l = &s->g->h->rt->layout;
	uint64_t top = scan_at(s, l->frame_top);
	int64_t end = s->hi;

	if (!py_frames_are_objects(s->g->h->rt)) {
		int64_t from = member(s, PY_FRAME_OBJECT_OWN),
			own = (int64_t)(scan_at(s, member(s, PY_FRAME_OBJECT_FRAME)) - s->base);
		bool is_own = own > from && own < s->hi;

		scan_words(s, member(s, PY_BODY), from, ~0ull);
		/* Behind the line: its dicts of locals (3.13), locals that were overwritten. */
		scan_words(s, from + 8, is_own ? own : member(s, py_frame_owned_end(s->g->h->rt)),
			   ~0ull);
		if (is_own)
			frame(s, own);
		return;
	}
	if (py_frame_objects_have_tops(s->g->h->rt) && top >= s->base &&
	    top - s->base <= (uint64_t)s->hi)
		end = (int64_t)(top - s->base);
	/* f_gen, behind f_trace and its kin, is borrowed. */
	scan_words(s, member(s, PY_BODY), member(s, py_frame_owned_end(s->g->h->rt)), ~0ull);
	scan_words(s, l->frame_localsplus, end, ~0ull);
}

/* Scans a body word by word, without the list of weak references and a class's flags, which may
 * look like an address in a program that is not relocated. */
static void plain_to(struct scan *s, int64_t from, int64_t to)
{
	int64_t weak = s->t->t.weakoffset,
		flags = s->t->kind == GRAPH_TYPE ? s->g->h->rt->layout.tp_flags : 0;

	for (int64_t off = from; off + 8 <= to; off += 8)
		if (off != weak && off != flags)
			scan_emit(s, scan_at(s, off));
}

static void plain(struct scan *s, int64_t from)
{
	plain_to(s, from, s->hi);
}

/* Follows a pointer to memory of numbers or characters, any of which may look like an address: only
 * if the memory was asked for, and never through it. */
static void numbers(struct scan *s, uint64_t word)
{
	const struct graph *g = s->g;
	uint64_t block, bytes;
	uint32_t node =
		g->n_extra && heap_is_pointer(word) ? graph_find_block(g, word, &block) : NODE_NONE;

	if (node != NODE_NONE && graph_addr(g, node, &bytes) && graph_is_asked(g, block, bytes))
		scan_emit(s, word);
}

/* Are the items of this numpy array no references? */
static bool is_numeric(const struct scan *s)
{
	uint64_t descr = scan_at(s, member(s, GRAPH_ARRAY_DESCR)), word[2];

	if (proc_read(s->g->h->rt->proc, descr + (uint64_t)member(s, GRAPH_DESCR_FLAGS), word,
		      sizeof(word)))
		return false;
	return !((word[1] >> 32 ? word[0] >> 24 : word[1]) & GRAPH_DESCR_OBJECTS);
}

/* A numpy array: a view points into its base's memory, which is skipped. */
static void numpy_array(struct scan *s)
{
	int64_t data = member(s, GRAPH_ARRAY_DATA);
	bool is_own = scan_at(s, member(s, GRAPH_ARRAY_FLAGS)) & GRAPH_ARRAY_OWNS ||
		      !scan_at(s, member(s, GRAPH_ARRAY_BASE));

	if (is_own && is_numeric(s))
		numbers(s, scan_at(s, data));
	else if (is_own)
		scan_emit(s, scan_at(s, data));
	plain(s, data + 8);
}

/* Scans from a Py_buffer, at @buf: its memory belongs to its object, the next word. */
static void view(struct scan *s, int64_t buf)
{
	if (!scan_at(s, buf + 8))
		numbers(s, scan_at(s, buf));
	plain(s, buf + 8);
}

/* Scans an object whose member @at points to memory of numbers; references begin at @behind. */
static void around_numbers(struct scan *s, int64_t at, int64_t behind)
{
	numbers(s, scan_at(s, member(s, at)));
	plain(s, member(s, behind));
}

/* In a str of a subclass, or a bytearray, only words that point to objects are references: others
 * may be characters. */
static void text(struct scan *s)
{
	for (int64_t off = member(s, PY_BODY); off + 8 <= s->hi; off += 8) {
		uint64_t word = off == s->t->t.weakoffset ? 0 : scan_at(s, off);
		uint32_t node = graph_find(s->g, word);

		if (node != NODE_NONE && graph_type(s->g, node)->addr)
			scan_emit(s, word);
		else
			numbers(s, word);
	}
}

/* Memory of a bytearray, and of a str that is not compact. An int is not followed: it may be an
 * address (those in tp_subclasses are). */
static void leaf(struct scan *s)
{
	if (s->t->t.kind != HEAP_K_STR && s->t->t.kind != HEAP_K_BYTEARRAY)
		return;
	for (int64_t off = PY_BODY; off < LEAF_HEAD; off += 8)
		numbers(s, scan_at(s, member(s, off)));
}

/* An int or bytes of a subclass: its dict is behind the value, whose size varies. */
static void value(struct scan *s)
{
	const struct heap_type *t = &s->t->t;
	int64_t n = (int64_t)scan_at(s, s->g->h->rt->layout.ob_size);

	if (t->has_dict == HEAP_DICT_SLOT && t->dictoffset < 0 && n > -s->hi && n < s->hi)
		scan_emit(s, scan_at(s, ((t->basicsize + t->itemsize * llabs(n) + 7) & ~7ll) +
						t->dictoffset));
}

static void dict(struct scan *s)
{
	const struct py_layout *l = &s->g->h->rt->layout;
	uint64_t values = scan_at(s, l->dict_values);

	scan_keys(s, l->dict_keys);
	if (values)
		scan_emit(s, values & ~7ull); /* in a buffer or in the instance */
	if (s->t->t.basicsize > member(s, PY_DICT_BODY))
		plain(s, member(s, PY_DICT_BODY));
}

/* Follows the attributes in front of the object; values in a block of their own begin behind a
 * prefix. */
static void pre_header(struct scan *s)
{
	const struct py_runtime *rt = s->g->h->rt;
	struct py_attributes a;

	if (s->t->t.has_dict != HEAP_DICT_MANAGED)
		return;
	a = py_managed_attributes(rt, scan_at(s, rt->layout.managed_values),
				  scan_at(s, rt->layout.managed_dict));
	scan_emit(s, a.values & ~7ull);
	scan_emit(s, a.dict);
}

/* A generator. The frame of an ended one is full of leftovers. */
static void generator(struct scan *s)
{
	const struct py_runtime *rt = s->g->h->rt;
	int64_t from = rt->layout.gen_iframe, code = from + rt->walk.frame_code;

	if (py_frames_are_objects(rt)) {
		scan_emit(s, scan_at(s, PY_GEN_FRAME));
		/* gi_running is a byte, with seven leftover bytes */
		plain(s, PY_GEN_FRAME + py_generator_rest(rt));
		return;
	}
	/* Before the state: who runs it (borrowed), and a coroutine's origin or an async
	 * generator's finalizer, which a plain generator leaves unset. */
	plain_to(s, member(s, PY_BODY), from - 24);
	if (s->t->kind == GRAPH_COROUTINE)
		scan_emit(s, scan_at(s, from - 16));
	if (!py_generator_is_over(rt, scan_at(s, from - 8)))
		frame(s, from);
	else if (py_ended_frames_hold_code(rt)) /* before, gi_code above held it */
		scan_words(s, code, code + 8, ~(uint64_t)rt->walk.code_tag_mask);
}

static void object(struct scan *s)
{
	const struct py_layout *l = &s->g->h->rt->layout;

	pre_header(s);
	if (s->t->t.flags & TPF_HEAPTYPE)
		scan_emit(s, scan_at(s, l->ob_type));
	switch (s->t->kind) {
	case GRAPH_LEAF:
		leaf(s);
		break;
	case GRAPH_VALUE:
		value(s);
		break;
	case GRAPH_TEXT:
		text(s);
		break;
	case GRAPH_HAMT: /* a node's bitmap, or hash, is a number */
		plain(s, member(s, s->t->t.itemsize ? PY_HAMT_ARRAY : PY_BODY));
		break;
	case GRAPH_NUMBERS: /* arrayobject.ob_item */
		around_numbers(s, 24, 32);
		break;
	case GRAPH_DECIMAL: /* PyDecObject.dec.data, and four words of it in the object */
		around_numbers(s, 64, 104);
		break;
	case GRAPH_CTYPES: /* CDataObject.b_base to .b_objects; .b_ptr, and few bytes in the object
			    */
		scan_words(s, member(s, 32), member(s, 72), ~0ull);
		around_numbers(s, 16, 96);
		break;
	case GRAPH_FILE: /* buffered.raw, .buffer */
		scan_emit(s, scan_at(s, member(s, 16)));
		around_numbers(s, 56, 64);
		break;
	case GRAPH_PATTERN: /* PatternObject.groupindex, .indexgroup, .pattern; its end is code */
		scan_words(s, member(s, 32), member(s, 56), ~0ull);
		break;
	case GRAPH_MEMORYVIEW:
		scan_emit(s, scan_at(s, member(s, PY_VAR_BODY)));
		view(s, member(s, PY_MEMORYVIEW_OBJ - 8));
		break;
	case GRAPH_MANAGED:
		view(s, member(s, PY_MANAGED_OBJ - 8));
		break;
	case GRAPH_BUFFER:
		break;
	case GRAPH_ARRAY:
		numpy_array(s);
		break;
	case GRAPH_LIST:
		scan_items(s, l->list_item, l->ob_size);
		if (s->t->t.basicsize > member(s, PY_LIST_BODY))
			plain(s, member(s, PY_LIST_BODY));
		break;
	case GRAPH_TUPLE:
		scan_tuple(s);
		break;
	case GRAPH_DICT:
		dict(s);
		break;
	case GRAPH_SET:
		if (scan_at(s, l->set_table) == s->base + l->set_smalltable)
			scan_some(s, l->set_smalltable,
				  (uint64_t)(member(s, PY_SMALL_TABLE_END) - l->set_smalltable) / 8,
				  2, 1);
		else
			scan_table(s, l->set_table, l->set_mask);
		if (s->t->t.basicsize > member(s, PY_SET_BODY))
			plain(s, member(s, PY_SET_BODY));
		break;
	case GRAPH_WEAKREF:
		scan_emit(s, scan_at(s, member(s, PY_WEAKREF_CALLBACK)));
		if (s->t->t.flags & TPF_HEAPTYPE)
			plain(s, member(s, PY_WEAKREF_END)); /* a subclass's own */
		break;
	case GRAPH_CONTEXTVAR:
		scan_words(s, member(s, PY_CONTEXTVAR_NAME), member(s, PY_CONTEXTVAR_DEFAULT) + 8,
			   ~0ull);
		break;
	case GRAPH_LRU_LINK: /* its neighbours are not its own; a hash may be any number */
	case GRAPH_LRU:
		plain(s, member(s, PY_LRU_KEY));
		break;
	case GRAPH_CODE:
		scan_words(s, member(s, PY_BODY), l->code_linetable + 8, ~0ull);
		break;
	case GRAPH_DEQUE:
		deque(s);
		if (s->t->t.weakoffset > 0) /* before are spare blocks with leftovers in them */
			plain(s, s->t->t.weakoffset);
		break;
	case GRAPH_GENERATOR:
	case GRAPH_COROUTINE:
		generator(s);
		break;
	case GRAPH_FRAME:
		frame_object(s);
		break;
	default:
		plain(s, member(s, PY_BODY));
		break;
	}
}

/* Ends the list of references of @node, which begins at s->begin. */
static int finish(struct scan *s, uint32_t node)
{
	struct graph *g = s->g;

	if (s->err == -E2BIG && g->max_blocks)
		return fail(s->err,
			    "its heap has too many references for the memory that is left here");
	if (s->err == -E2BIG || s->err == -ENOMEM)
		return fail(s->err, s->err == -E2BIG ? "more than four billion references"
						     : "out of memory for references");
	if (s->err)
		return s->err;
	if (g->edge.n > s->begin) {
		g->start[node] = (uint32_t)s->begin;
		g->edge.v[g->edge.n - 1] |= NODE_MAX;
	}
	return 0;
}

/* Scans the block as it is now. */
static void scan_block(struct scan *s)
{
	s->base = s->b->addr;
	s->hi = (int64_t)s->b->have;
	if (!s->b->object) {
		scan_buffer(s);
		return;
	}
	s->base = s->b->object;
	s->lo = -(int64_t)(s->b->object - s->b->addr);
	s->hi += s->lo;
	s->hi = body_end(s);
	object(s);
}

int graph_scan_new(struct graph *g, const struct heap_block *b)
{
	struct scan s = {.g = g, .b = b, .is_new = true};
	int32_t offset = b->object ? (int32_t)(b->object - b->addr) : 0;
	uint16_t type;
	int err = graph_intern_type(g, b->object ? b->type : 0, offset, &type);

	if (err)
		return err;
	s.t = &g->types.v[type];
	scan_block(&s);
	return s.err == -ENOMEM ? fail(s.err, "out of memory for references") : s.err;
}

int graph_scan(struct graph *g, const struct heap_block *b, uint32_t node)
{
	struct scan s = {.g = g, .b = b, .begin = g->edge.n, .t = graph_type(g, node)};
	int err;

	/* the block may hold something else by now: another object, or none */
	if (s.t->addr != (b->object ? b->type : 0))
		return graph_scan_new(g, b);
	scan_block(&s);
	err = finish(&s, node);
	if (err || !s.soon.node)
		return err;
	s.begin = g->edge.n;
	scan_array(&s, &s.soon);
	return finish(&s, s.soon.node);
}
