/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names single things of a path: the key of a value, the attribute at an offset, an object. */
#include <stdio.h>

#include "py/objects.h"
#include "py/versions.h"
#include "why/label_priv.h"

#define MAX_ENTRIES   (1u << 20) /* entries of a dict or array that are searched for an object */
#define PIECE	      4096	 /* entries */
#define MAX_TREE_NODE 4096	 /* bytes: a node has 16 variables, unless hashes are equal */

uint64_t label_peek(const struct labels *l, uint64_t addr)
{
	uint64_t v;

	if (!proc_read_u64(l->rt->proc, addr, &v))
		return v;
	l->r->unreadable++;
	return 0;
}

uint64_t label_entries(const struct graph *g, uint32_t node, uint64_t addr)
{
	const struct graph_type *t = graph_type(g, node);
	const struct py_layout *l = &g->h->rt->layout;
	uint64_t n, off, type;

	switch (t->kind) {
	case GRAPH_DICT:
		off = l->dict_used;
		break;
	case GRAPH_SET:
		off = PY_SET_USED + py_more_header(g->h->rt);
		break;
	case GRAPH_LIST:
	case GRAPH_TUPLE:
	case GRAPH_DEQUE:
		off = l->ob_size;
		break;
	default:
		return WHY_UNKNOWN;
	}
	if (proc_read_u64(g->h->rt->proc, addr + off, &n) || n >> 40 ||
	    proc_read_u64(g->h->rt->proc, addr + l->ob_type, &type) || type != t->addr)
		return WHY_UNKNOWN;
	return n;
}

bool label_is_attributes(struct graph *g, uint32_t owner, uint64_t addr, uint64_t dict)
{
	const struct graph_type *t = graph_type(g, owner);
	const struct proc *p = g->h->rt->proc;
	uint64_t v = 0, more = py_more_header(g->h->rt);

	if (t->kind == GRAPH_MODULE)
		return !proc_read_u64(p, addr + PY_MODULE_DICT + more, &v) && v == dict;
	if (t->kind == GRAPH_TYPE)
		return !proc_read_u64(p, addr + g->h->rt->layout.tp_dict, &v) && v == dict;
	if (t->kind == GRAPH_EXCEPTION && !proc_read_u64(p, addr + PY_EXCEPTION_DICT + more, &v) &&
	    v == dict)
		return true;
	return dict && label_attributes(g->h->rt, t, addr).dict == dict;
}

bool label_is_c_memory(const struct graph *g, uint32_t from, uint32_t to)
{
	const struct graph_type *t = graph_type(g, from);
	uint64_t values;

	if (graph_type(g, to)->addr || (t->kind != GRAPH_PLAIN && t->kind != GRAPH_WRAPPER))
		return false;
	values = label_attributes(g->h->rt, t, graph_addr(g, from, NULL)).values;
	return !values || graph_find_block(g, values & ~7ull, NULL) != to;
}

bool label_read_name(const struct labels *l, uint64_t str, char *buf, size_t size)
{
	int err = heap_is_pointer(str) ? py_read_str(l->rt, str, buf, size) : -EINVAL;

	l->r->unreadable += err == -EFAULT;
	if (err || !*buf)
		return false;
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	return true;
}

int label_find_key(const struct labels *l, uint64_t keys, uint64_t values, uint64_t value,
		   uint64_t *key)
{
	struct heap_keys k;
	uint8_t head[40];
	auto_free uint8_t *buf = malloc(PIECE * 32);

	*key = 0;
	if (!buf || !heap_is_pointer(keys))
		return 0;
	if (proc_read(l->rt->proc, keys, head, sizeof(head))) {
		l->r->unreadable++;
		return 0;
	}
	if (!heap_keys_facts(l->rt, head, &k))
		return 0;
	for (uint64_t at = 0; at < k.n && at < MAX_ENTRIES; at += PIECE) {
		uint64_t n = k.n - at < PIECE ? k.n - at : PIECE;
		const uint8_t *slot = buf + PIECE * 24;

		if (proc_read(l->rt->proc, keys + k.entries + at * k.entry_size, buf,
			      n * k.entry_size) ||
		    (values && proc_read(l->rt->proc, values + 8 * at, buf + PIECE * 24, 8 * n))) {
			l->r->unreadable++;
			return 0;
		}
		for (uint64_t i = 0; i < n; i++) {
			const uint8_t *e = buf + i * k.entry_size + (k.entry_size == 24 ? 8 : 0);

			if (heap_u64(values ? slot + 8 * i : e + 8) == value) {
				*key = heap_u64(e);
				return 1;
			}
			if (!values && heap_u64(e) == value)
				return 2;
		}
	}
	return 0;
}

int label_find_in_dict(const struct labels *l, uint64_t dict, uint64_t value, uint64_t *key)
{
	const struct py_layout *o = &l->rt->layout;
	uint64_t values = label_peek(l, dict + o->dict_values);

	return label_find_key(l, label_peek(l, dict + o->dict_keys),
			      values ? values + heap_slots_at(l->rt) : 0, value, key);
}

struct py_attributes label_attributes(const struct py_runtime *rt, const struct graph_type *t,
				      uint64_t addr)
{
	const struct py_layout *l = &rt->layout;
	struct py_attributes a = {0};
	uint64_t word[2] = {0};

	if (t->t.has_dict == HEAP_DICT_SLOT && t->t.dictoffset > 0 &&
	    !proc_read_u64(rt->proc, addr + (uint64_t)t->t.dictoffset, &word[1]))
		a.dict = word[1];
	if (t->t.has_dict != HEAP_DICT_MANAGED ||
	    proc_read_u64(rt->proc, addr + (uint64_t)(int64_t)l->managed_values, &word[0]) ||
	    proc_read_u64(rt->proc, addr + (uint64_t)(int64_t)l->managed_dict, &word[1]))
		return a;
	a = py_managed_attributes(rt, word[0], word[1]);
	addr += (uint64_t)t->t.basicsize;
	if ((t->t.flags & TPF_INLINE_VALUES) && !proc_read_u64(rt->proc, addr, &word[0]) &&
	    (word[0] >> 8 * PY_VALUES_VALID & 0xff))
		a.values = addr + PY_VALUES_SLOTS;
	return a;
}

bool label_slot_name(const struct labels *l, uint64_t type, uint64_t off, char *buf, size_t size)
{
	const struct py_layout *o = &l->rt->layout;

	for (int up = 0; type && up < 20; up++) {
		uint64_t dict = label_peek(l, type + o->tp_dict), keys, at;
		struct heap_keys k;
		uint8_t head[40];

		keys = dict ? label_peek(l, dict + o->dict_keys) : 0;
		if (!heap_is_pointer(keys) || proc_read(l->rt->proc, keys, head, sizeof(head)) ||
		    !heap_keys_facts(l->rt, head, &k))
			return false;
		at = keys + k.entries + (k.entry_size == 24 ? 8 : 0);
		for (uint64_t i = 0; i < k.n && i < 512; i++, at += k.entry_size) {
			uint64_t pair[2], def;
			char name[40];

			if (proc_read(l->rt->proc, at, pair, sizeof(pair)) ||
			    !heap_is_pointer(pair[1]) ||
			    py_type_name(l->rt, label_peek(l, pair[1] + o->ob_type), name,
					 sizeof(name)) ||
			    strcmp(name, "member_descriptor") != 0)
				continue;
			def = label_peek(l, pair[1] + PY_MEMBER_DEF + py_more_header(l->rt));
			if (heap_is_pointer(def) && label_peek(l, def + PY_MEMBER_OFFSET) == off)
				return label_read_name(l, pair[0], buf, size);
		}
		type = label_peek(l, type + o->tp_base);
	}
	return false;
}

int64_t label_find_word(const struct labels *l, uint64_t addr, int64_t from, int64_t to,
			uint64_t word)
{
	uint64_t buf[512], mask = py_reference_mask(l->rt);

	while (from < to) {
		int64_t n = (to - from) / 8 < 512 ? (to - from) / 8 : 512;

		if (n <= 0 || proc_read(l->rt->proc, addr + (uint64_t)from, buf, 8 * (size_t)n))
			return -1;
		for (int64_t i = 0; i < n; i++)
			if (buf[i] == word || (buf[i] & mask) == word)
				return from + 8 * i;
		from += 8 * n;
	}
	return -1;
}

static void function_name(const struct labels *l, uint64_t func, char *buf, size_t size)
{
	if (!label_read_name(l,
			     label_peek(l, func + py_func_qualname(l->rt) + py_more_header(l->rt)),
			     buf, size))
		snprintf(buf, size, "?");
}

void label_code_name(const struct labels *l, uint64_t code, char *buf, size_t size)
{
	struct py_code *c;

	if (py_code_read(l->rt, code, &c)) {
		snprintf(buf, size, "?");
		return;
	}
	snprintf(buf, size, "%s", py_code_function(c));
	py_code_free(c);
}

bool label_generator_frame(const struct labels *l, uint64_t addr, struct py_locals *f)
{
	uint64_t frame = py_frames_are_objects(l->rt) ? label_peek(l, addr + PY_GEN_FRAME)
						      : addr + l->rt->layout.gen_iframe;

	return frame && !py_read_locals(l->rt, frame, f);
}

static bool is_over(const struct labels *l, uint64_t generator)
{
	return py_frames_are_objects(l->rt)
		       ? !label_peek(l, generator + PY_GEN_FRAME)
		       : py_generator_is_over(
				 l->rt, label_peek(l, generator + l->rt->layout.gen_iframe - 8));
}

/* Is it an asyncio task whose coroutine has run to its end? */
static bool is_done(const struct labels *l, uint32_t node)
{
	uint64_t bytes;
	uint32_t to;

	if (strcmp(graph_type_name(l->g, node), "_asyncio.Task") != 0)
		return false;
	REACH_EACH(l->g, node, e, to)
	if (graph_type(l->g, to)->kind == GRAPH_COROUTINE &&
	    is_over(l, graph_addr(l->g, to, &bytes)))
		return true;
	return false;
}

bool label_object_frame(const struct labels *l, uint64_t addr, struct py_locals *f)
{
	uint64_t frame =
		py_frames_are_objects(l->rt)
			? addr
			: label_peek(l, addr + PY_FRAME_OBJECT_FRAME + py_more_header(l->rt));

	return frame && !py_read_locals(l->rt, frame, f);
}

char *label_describe(const struct labels *l, uint32_t node, uint64_t addr)
{
	const struct graph_type *t = graph_type(l->g, node);
	const char *type = graph_type_name(l->g, node);
	char name[MAX_NAME], text[2 * MAX_NAME + 16];
	struct py_locals f;

	snprintf(text, sizeof(text), "%.200s", type);
	switch (t->kind) {
	case GRAPH_FUNCTION:
		function_name(l, addr, name, sizeof(name));
		snprintf(text, sizeof(text), "function %s", name);
		break;
	case GRAPH_TYPE:
		if (!py_type_name(l->rt, addr, name, sizeof(name)))
			snprintf(text, sizeof(text), "class %s", name);
		break;
	case GRAPH_GENERATOR:
	case GRAPH_COROUTINE:
		if (!label_generator_frame(l, addr, &f)) {
			if (is_over(l, addr))
				snprintf(text, sizeof(text), "%.60s, ended", type);
			break;
		}
		label_code_name(l, f.code, name, sizeof(name));
		snprintf(text, sizeof(text), "%.60s %s%s", type, name,
			 is_over(l, addr) ? ", ended" : "");
		break;
	case GRAPH_FRAME:
		if (!label_object_frame(l, addr, &f))
			break;
		label_code_name(l, f.code, name, sizeof(name));
		snprintf(text, sizeof(text), "frame of %s", name);
		break;
	case GRAPH_CONTEXTVAR:
		if (label_read_name(
			    l, label_peek(l, addr + PY_CONTEXTVAR_NAME + py_more_header(l->rt)),
			    name, sizeof(name)))
			snprintf(text, sizeof(text), "ContextVar %s", name);
		break;
	case GRAPH_MEMORYVIEW:
	case GRAPH_ARRAY:
		if (label_is_whole_view(l, node, addr))
			snprintf(text, sizeof(text), "%.200s, all of its base", type);
		break;
	case GRAPH_PLAIN:
		if (is_done(l, node))
			snprintf(text, sizeof(text), "%.200s, done", type);
		break;
	default:
		break;
	}
	return strdup(text);
}

/* In a node of the tree, a value is behind its key. */
void label_context_variable(const struct labels *l, uint32_t node, uint64_t addr, uint64_t value,
			    char *buf, size_t size)
{
	int64_t from = PY_HAMT_ARRAY + py_more_header(l->rt), at;
	auto_free char *name = NULL;
	uint64_t bytes;
	uint32_t key;

	graph_addr(l->g, node, &bytes);
	bytes = bytes < MAX_TREE_NODE ? bytes : MAX_TREE_NODE;
	at = label_find_word(l, addr, from, (int64_t)bytes - graph_type(l->g, node)->offset, value);
	key = at > from ? graph_find(l->g, label_peek(l, addr + (uint64_t)at - 8)) : NODE_NONE;
	if (key == NODE_NONE || graph_type(l->g, key)->kind != GRAPH_CONTEXTVAR)
		return;
	name = label_describe(l, key, graph_addr(l->g, key, NULL));
	snprintf(buf, size, "%s", name ? name : "");
}
