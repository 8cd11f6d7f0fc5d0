/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names for the steps of a path: which attribute, key, variable leads from one object to the next.
 * The target has run on meanwhile: what is not there any more stays without a name. */
#include "heap/label.h"

#include <stdio.h>

#include "py/objects.h"

#define MAX_ENTRIES (1u << 20) /* of a dict or array that is searched for an object */
#define MAX_NAME    200
#define PIECE	    4096 /* entries */

struct labels {
	struct reach *r;
	struct graph *g;
	const struct py_runtime *rt;
	struct why_path *out;
	size_t cap;
};

static uint64_t peek(const struct labels *l, uint64_t addr)
{
	uint64_t v;

	return proc_read_u64(l->rt->proc, addr, &v) ? 0 : v;
}

uint64_t label_entries(const struct graph *g, enum graph_kind kind, uint64_t addr)
{
	const struct py_layout *l = &g->h->rt->layout;
	uint64_t n, off;

	switch (kind) {
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
	if (proc_read_u64(g->h->rt->proc, addr + off, &n) || n >> 40)
		return WHY_UNKNOWN;
	return n;
}

bool label_is_attributes(struct graph *g, uint32_t owner, uint64_t addr, uint64_t dict)
{
	const struct graph_type *t = graph_type(g, owner);
	const struct proc *p = g->h->rt->proc;
	uint64_t v = 0, more = py_more_header(g->h->rt);
	int64_t off;

	if (t->kind == GRAPH_MODULE)
		return !proc_read_u64(p, addr + PY_MODULE_DICT + more, &v) && v == dict;
	if (t->kind == GRAPH_TYPE)
		return !proc_read_u64(p, addr + g->h->rt->layout.tp_dict, &v) && v == dict;
	if (t->kind == GRAPH_EXCEPTION && !proc_read_u64(p, addr + PY_EXCEPTION_DICT + more, &v) &&
	    v == dict)
		return true;
	if (t->t.has_dict == HEAP_DICT_SLOT) {
		off = t->t.dictoffset;
		if (off < 0) /* behind the items: at the end of the block */
			return false;
		return !proc_read_u64(p, addr + (uint64_t)off, &v) && v == dict;
	}
	if (t->t.has_dict == HEAP_DICT_NONE)
		return false;
	return !proc_read_u64(p, addr + (uint64_t)(int64_t)g->h->rt->layout.managed_dict, &v) &&
	       v == dict;
}

/* A str as one short line. */
static bool read_name(const struct labels *l, uint64_t str, char *buf, size_t size)
{
	if (!heap_is_pointer(str) || py_read_str(l->rt, str, buf, size) || !*buf)
		return false;
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	return true;
}

/* The key of @value in a keys object; 1 = found, 2 = it is a key itself. */
static int find_key(const struct labels *l, uint64_t keys, uint64_t values, uint64_t value,
		    uint64_t *key)
{
	struct heap_keys k;
	uint8_t head[40];
	auto_free uint8_t *buf = malloc(PIECE * 24);
	uint64_t slot[64];

	*key = 0;
	if (!buf || !heap_is_pointer(keys) || proc_read(l->rt->proc, keys, head, sizeof(head)) ||
	    !heap_keys_facts(l->rt, head, &k))
		return 0;
	if (values) {
		uint64_t n = k.n < ARRAY_SIZE(slot) ? k.n : ARRAY_SIZE(slot);

		if (!n || proc_read(l->rt->proc, values, slot, 8 * n))
			return 0;
		for (uint64_t i = 0; i < n; i++)
			if (slot[i] == value) {
				*key = peek(l, keys + k.entries + i * k.entry_size +
						       (k.entry_size == 24 ? 8 : 0));
				return 1;
			}
		return 0;
	}
	for (uint64_t at = 0; at < k.n && at < MAX_ENTRIES; at += PIECE) {
		uint64_t n = k.n - at < PIECE ? k.n - at : PIECE;

		if (proc_read(l->rt->proc, keys + k.entries + at * k.entry_size, buf,
			      n * k.entry_size))
			return 0;
		for (uint64_t i = 0; i < n; i++) {
			const uint8_t *e = buf + i * k.entry_size + (k.entry_size == 24 ? 8 : 0);

			if (heap_u64(e + 8) == value) {
				*key = heap_u64(e);
				return 1;
			}
			if (heap_u64(e) == value)
				return 2;
		}
	}
	return 0;
}

static int find_in_dict(const struct labels *l, uint64_t dict, uint64_t value, uint64_t *key)
{
	const struct py_layout *o = &l->rt->layout;
	uint64_t values = peek(l, dict + o->dict_values);

	return find_key(l, peek(l, dict + o->dict_keys), values ? values + heap_slots_at(l->rt) : 0,
			value, key);
}

/* The values of an instance that has no dict of its own yet (3.11+). */
static uint64_t own_values(const struct labels *l, const struct graph_type *t, uint64_t addr)
{
	uint64_t v;

	switch ((enum heap_dict)t->t.has_dict) {
	case HEAP_DICT_3_11:
		return peek(l, addr - 32);
	case HEAP_DICT_3_12:
		v = peek(l, addr - 24);
		return v & 1 ? v + 1 : 0;
	case HEAP_DICT_MANAGED:
		return t->t.flags & TPF_INLINE_VALUES ? addr + (uint64_t)t->t.basicsize + 8 : 0;
	default:
		return 0;
	}
}

/* __slots__: the descriptor in a class of the mro whose member lies at @off. */
static bool slot_name(const struct labels *l, uint64_t type, uint64_t off, char *buf, size_t size)
{
	const struct py_layout *o = &l->rt->layout;

	for (int up = 0; type && up < 20; up++) {
		uint64_t dict = peek(l, type + o->tp_dict), keys, at;
		struct heap_keys k;
		uint8_t head[40];

		keys = dict ? peek(l, dict + o->dict_keys) : 0;
		if (!heap_is_pointer(keys) || proc_read(l->rt->proc, keys, head, sizeof(head)) ||
		    !heap_keys_facts(l->rt, head, &k))
			return false;
		at = keys + k.entries + (k.entry_size == 24 ? 8 : 0);
		for (uint64_t i = 0; i < k.n && i < 512; i++, at += k.entry_size) {
			uint64_t pair[2], def;
			char name[40];

			if (proc_read(l->rt->proc, at, pair, sizeof(pair)) ||
			    !heap_is_pointer(pair[1]) ||
			    py_type_name(l->rt, peek(l, pair[1] + o->ob_type), name,
					 sizeof(name)) ||
			    strcmp(name, "member_descriptor") != 0)
				continue;
			def = peek(l, pair[1] + PY_MEMBER_DEF + py_more_header(l->rt));
			if (heap_is_pointer(def) && peek(l, def + PY_MEMBER_OFFSET) == off)
				return read_name(l, pair[0], buf, size);
		}
		type = peek(l, type + o->tp_base);
	}
	return false;
}

/* Where in [addr + from, addr + to) the word is; -1 = nowhere. */
static int64_t find_word(const struct labels *l, uint64_t addr, int64_t from, int64_t to,
			 uint64_t word)
{
	uint64_t buf[512], mask = l->rt->minor >= 14 ? ~3ull : ~0ull;

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
	if (!read_name(l, peek(l, func + py_func_qualname(l->rt) + py_more_header(l->rt)), buf,
		       size))
		snprintf(buf, size, "?");
}

static void code_name(const struct labels *l, uint64_t code, char *buf, size_t size)
{
	struct py_code *c;

	if (py_code_read(l->rt, code, &c)) {
		snprintf(buf, size, "?");
		return;
	}
	snprintf(buf, size, "%s", py_code_function(c));
	py_code_free(c);
}

/* The code of a generator, and where its frame is. */
static bool generator_frame(const struct labels *l, uint64_t addr, struct py_locals *f)
{
	uint64_t frame =
		l->rt->minor >= 11 ? addr + l->rt->layout.gen_iframe : peek(l, addr + PY_GEN_FRAME);

	return frame && !py_read_locals(l->rt, frame, f);
}

static bool object_frame(const struct labels *l, uint64_t addr, struct py_locals *f)
{
	uint64_t frame = l->rt->minor >= 11
				 ? peek(l, addr + PY_FRAME_OBJECT_FRAME + py_more_header(l->rt))
				 : addr;

	return frame && !py_read_locals(l->rt, frame, f);
}

/* What an object is called in a path. */
static char *describe(const struct labels *l, uint32_t node, uint64_t addr)
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
		if (!generator_frame(l, addr, &f))
			break;
		code_name(l, f.code, name, sizeof(name));
		snprintf(text, sizeof(text), "%.60s %s", type, name);
		break;
	case GRAPH_FRAME:
		if (!object_frame(l, addr, &f))
			break;
		code_name(l, f.code, name, sizeof(name));
		snprintf(text, sizeof(text), "frame of %s", name);
		break;
	case GRAPH_CONTEXTVAR:
		if (read_name(l, peek(l, addr + PY_CONTEXTVAR_NAME + py_more_header(l->rt)), name,
			      sizeof(name)))
			snprintf(text, sizeof(text), "ContextVar %s", name);
		break;
	default:
		break;
	}
	return strdup(text);
}

static struct why_step *push(struct labels *l, enum why_edge edge, const char *label)
{
	struct why_path *p = l->out;
	struct why_step *s;

	if (!vec_grow((void **)&p->step, &l->cap, p->n + 1, sizeof(*p->step)))
		return NULL;
	s = &p->step[p->n++];
	*s = (struct why_step){.edge = edge, .entries = WHY_UNKNOWN};
	s->label = label && *label ? strdup(label) : NULL;
	return s;
}

static void variable(const struct labels *l, const struct py_locals *f, uint64_t child, char *buf,
		     size_t size)
{
	int64_t at = find_word(l, f->slots, 0, 8ll * (f->n + f->n_stack), child);

	if (at < 0)
		return;
	if (at / 8 >= f->n)
		snprintf(buf, size, "(temporary)");
	else
		py_local_name(l->rt, f->code, (uint32_t)(at / 8), buf, size);
}

/* Attribute of an instance in its values or its slots. */
static bool instance_attribute(const struct labels *l, const struct graph_type *t, uint64_t addr,
			       uint64_t child, char *buf, size_t size)
{
	uint64_t values = own_values(l, t, addr), key, bytes = (uint64_t)t->t.basicsize;
	int64_t at;

	if (values &&
	    find_key(l, peek(l, t->addr + l->rt->layout.ht_cached_keys), values, child, &key) == 1)
		return read_name(l, key, buf, size);
	at = find_word(l, addr, PY_BODY + py_more_header(l->rt), (int64_t)bytes, child);
	return at >= 0 && slot_name(l, t->addr, (uint64_t)at, buf, size);
}

struct named_slot {
	uint16_t off;
	const char *name;
};

static enum why_edge by_offset(const struct labels *l, uint64_t addr, uint64_t child,
			       const struct named_slot *v, size_t n, char *buf, size_t size)
{
	for (size_t i = 0; i < n; i++)
		if (peek(l, addr + v[i].off + py_more_header(l->rt)) == child) {
			snprintf(buf, size, "%s", v[i].name);
			return strchr(v[i].name, ' ') ? WHY_FIELD : WHY_ATTRIBUTE;
		}
	return WHY_FIELD;
}

/* How @child hangs off @addr. A variable of a closure and a default need the function that the
 * tuple belongs to: see label_path. */
static enum why_edge edge(const struct labels *l, uint32_t parent, uint64_t addr, uint64_t child,
			  char *buf, size_t size)
{
	const struct py_runtime *rt = l->rt;
	const struct graph_type *t = graph_type(l->g, parent);
	struct py_locals f;
	uint64_t key;
	int found;

	buf[0] = '\0';
	switch (t->kind) {
	case GRAPH_LIST:
	case GRAPH_TUPLE:
	case GRAPH_SET:
	case GRAPH_DEQUE:
		if (instance_attribute(l, t, addr, child, buf, size))
			return WHY_ATTRIBUTE;
		return WHY_ITEM;
	case GRAPH_DICT:
		found = find_in_dict(l, addr, child, &key);
		if (found == 2)
			return WHY_AS_KEY;
		if (found)
			return WHY_KEY;
		return instance_attribute(l, t, addr, child, buf, size) ? WHY_ATTRIBUTE : WHY_KEY;
	case GRAPH_CELL:
		return WHY_CELL;
	case GRAPH_GENERATOR:
		if (!generator_frame(l, addr, &f))
			return WHY_FIELD;
		variable(l, &f, child, buf, size);
		return WHY_VARIABLE;
	case GRAPH_FRAME:
		if (!object_frame(l, addr, &f))
			return WHY_FIELD;
		variable(l, &f, child, buf, size);
		return *buf ? WHY_VARIABLE : WHY_FIELD;
	case GRAPH_FUNCTION: {
		const struct named_slot v[] = {
			{py_func_closure(rt), "__closure__"},
			{py_func_defaults(rt), "__defaults__"},
			{py_func_kwdefaults(rt), "__kwdefaults__"},
			{py_func_globals(rt), "__globals__"},
			{(uint16_t)(rt->layout.func_code - py_more_header(rt)), "__code__"},
		};

		return by_offset(l, addr, child, v, ARRAY_SIZE(v), buf, size);
	}
	case GRAPH_METHOD: {
		static const struct named_slot v[] = {{PY_METHOD_SELF, "__self__"},
						      {PY_METHOD_FUNC, "__func__"}};

		return by_offset(l, addr, child, v, ARRAY_SIZE(v), buf, size);
	}
	case GRAPH_TRACEBACK: {
		static const struct named_slot v[] = {{PY_TRACEBACK_FRAME, "tb_frame"},
						      {PY_TRACEBACK_NEXT, "tb_next"}};

		return by_offset(l, addr, child, v, ARRAY_SIZE(v), buf, size);
	}
	case GRAPH_EXCEPTION: {
		const struct named_slot v[] = {
			{py_exception_traceback(rt), "__traceback__"},
			{(uint16_t)(py_exception_traceback(rt) + 8), "__context__"},
			{(uint16_t)(py_exception_traceback(rt) + 16), "__cause__"},
			{PY_EXCEPTION_ARGS, "args"},
		};

		return by_offset(l, addr, child, v, ARRAY_SIZE(v), buf, size);
	}
	case GRAPH_PARTIAL: {
		static const struct named_slot v[] = {{PY_PARTIAL_FUNC, "func"},
						      {PY_PARTIAL_FUNC + 8, "args"},
						      {PY_PARTIAL_FUNC + 16, "keywords"}};

		return by_offset(l, addr, child, v, ARRAY_SIZE(v), buf, size);
	}
	case GRAPH_WEAKREF: {
		static const struct named_slot v[] = {{PY_WEAKREF_CALLBACK, "weakref callback"}};

		return by_offset(l, addr, child, v, ARRAY_SIZE(v), buf, size);
	}
	case GRAPH_MEMORYVIEW: {
		static const struct named_slot v[] = {{PY_MEMORYVIEW_OBJ, "obj"}};

		return by_offset(l, addr, child, v, ARRAY_SIZE(v), buf, size);
	}
	case GRAPH_LRU:
	case GRAPH_LRU_LINK:
		snprintf(buf, size, t->kind == GRAPH_LRU ? "cached" : "result");
		return WHY_FIELD;
	default:
		if (instance_attribute(l, t, addr, child, buf, size))
			return WHY_ATTRIBUTE;
		return WHY_FIELD;
	}
}

/* Steps that say nothing to a reader: the tuple of a closure, the cell, the dict of attributes. */
static bool is_hidden(const char *label)
{
	return !strcmp(label, "__closure__") || !strcmp(label, "__defaults__") ||
	       !strcmp(label, "__dict__");
}

struct object {
	uint32_t node;
	uint64_t addr;
};

/* One step behind @at; returns how many objects it takes. */
static size_t step(struct labels *l, const struct object *o, size_t at, size_t n)
{
	char label[MAX_NAME];
	uint32_t parent = o[at - 1].node;
	struct why_step *s = NULL;
	enum why_edge e;
	size_t used = 1;
	uint64_t key = 0;

	/* threading.local -> dicts by thread -> the dict of one -> value */
	if (graph_type(l->g, parent)->kind == GRAPH_LOCAL && at + 2 < n &&
	    graph_type(l->g, o[at].node)->kind == GRAPH_DICT &&
	    graph_type(l->g, o[at + 1].node)->kind == GRAPH_DICT) {
		label[0] = '\0';
		if (find_in_dict(l, o[at + 1].addr, o[at + 2].addr, &key) == 1)
			read_name(l, key, label, sizeof(label));
		s = push(l, WHY_ATTRIBUTE, label);
		used = 3;
		/* owner -> its dict -> value */
	} else if (graph_type(l->g, o[at].node)->kind == GRAPH_DICT &&
		   label_is_attributes(l->g, parent, o[at - 1].addr, o[at].addr)) {
		if (at + 1 == n) {
			push(l, WHY_ATTRIBUTE, "__dict__");
			s = l->out->n ? &l->out->step[l->out->n - 1] : NULL;
		} else {
			label[0] = '\0';
			if (find_in_dict(l, o[at].addr, o[at + 1].addr, &key) == 1)
				read_name(l, key, label, sizeof(label));
			s = push(l, WHY_ATTRIBUTE, label);
			used = 2;
		}
	} else {
		e = edge(l, parent, o[at - 1].addr, o[at].addr, label, sizeof(label));
		/* function -> __closure__ -> cell -> value */
		if (e == WHY_ATTRIBUTE && is_hidden(label) && at + 1 < n) {
			bool closure = label[2] == 'c';
			int64_t i = find_word(l, o[at].addr, l->rt->layout.tuple_item,
					      l->rt->layout.tuple_item + 8 * 512, o[at + 1].addr);

			label[0] = '\0';
			if (closure && i >= 0)
				py_free_name(l->rt,
					     peek(l, o[at - 1].addr + l->rt->layout.func_code),
					     (uint32_t)((i - l->rt->layout.tuple_item) / 8), label,
					     sizeof(label));
			s = push(l, closure ? WHY_CELL : WHY_DEFAULT, label);
			used = 2;
			if (closure && at + 2 < n &&
			    graph_type(l->g, o[at + 1].node)->kind == GRAPH_CELL)
				used = 3;
		} else if (e == WHY_VARIABLE && at + 1 < n &&
			   graph_type(l->g, o[at].node)->kind == GRAPH_CELL) {
			s = push(l, e, label);
			used = 2;
		} else {
			s = push(l, e, label);
		}
	}
	if (s) {
		const struct object *last = &o[at + used - 1];

		s->type = describe(l, last->node, last->addr);
		s->addr = last->addr;
		s->entries = label_entries(l->g, graph_type(l->g, last->node)->kind, last->addr);
	}
	return used;
}

/* The first step: the root's own name, and the object it leads to. */
static size_t first_step(struct labels *l, const struct reach_root *root, const struct object *o,
			 size_t n)
{
	char label[2 * MAX_NAME + 64] = "", name[MAX_NAME] = "", var[MAX_NAME] = "",
				  thread[32] = "";
	size_t used = 1;
	struct why_step *s;
	uint64_t key;

	if (root->thread)
		snprintf(thread, sizeof(thread), "thread %llu, ", (unsigned long long)root->thread);
	switch (root->kind) {
	case REACH_MODULE:
		snprintf(label, sizeof(label), "module %s", root->name ? root->name : "?");
		if (o[0].addr != root->owner && n > 1) {
			if (find_in_dict(l, o[0].addr, o[1].addr, &key) == 1 &&
			    read_name(l, key, name, sizeof(name)))
				snprintf(label, sizeof(label), "module %s :: %s",
					 root->name ? root->name : "?", name);
			used = 2;
		}
		break;
	case REACH_LOCAL:
	case REACH_TEMPORARY:
		code_name(l, root->owner, name, sizeof(name));
		if (root->at == REACH_FRAME_DICT)
			snprintf(var, sizeof(var), "(locals)");
		else if (root->kind == REACH_TEMPORARY)
			snprintf(var, sizeof(var), "(temporary)");
		else if (py_local_name(l->rt, root->owner, (uint32_t)root->at, var, sizeof(var)))
			snprintf(var, sizeof(var), "?");
		snprintf(label, sizeof(label), "%sframe %s :: %s", thread, name, var);
		if (n > 1 && graph_type(l->g, o[0].node)->kind == GRAPH_CELL)
			used = 2;
		break;
	case REACH_THREAD:
		snprintf(label, sizeof(label), "%s", root->thread ? thread : "main thread");
		if (root->thread)
			label[strlen(label) - 2] = '\0';
		break;
	case REACH_ATEXIT:
		snprintf(label, sizeof(label), "atexit callback");
		break;
	case REACH_SIGNAL:
		snprintf(label, sizeof(label), "handler of signal %llu",
			 (unsigned long long)root->at);
		break;
	case REACH_INTERP:
		snprintf(label, sizeof(label), "interpreter");
		break;
	case REACH_GARBAGE:
		snprintf(label, sizeof(label), "gc.garbage");
		break;
	case REACH_STATIC:
	case REACH_LIBRARY: {
		const struct proc_map *m = NULL;
		size_t i;

		/* The name of the file before it, for zeroed data. */
		for (i = 0; i < l->rt->proc->n_maps && l->rt->proc->maps[i].start <= root->at; i++)
			if (l->rt->proc->maps[i].path[0] == '/')
				m = &l->rt->proc->maps[i];
		snprintf(label, sizeof(label), "static data of %.150s",
			 m ? strrchr(m->path, '/') + 1 : "C code");
		break;
	}
	case REACH_STACK:
		if (root->thread)
			snprintf(label, sizeof(label), "C stack of thread %llu",
				 (unsigned long long)root->thread);
		else
			snprintf(label, sizeof(label), "C stack of the main thread");
		break;
	case REACH_INTERNED:
		snprintf(label, sizeof(label), "interned strings");
		break;
	case REACH_NOBODY:
		snprintf(label, sizeof(label), "unreferenced");
		break;
	case REACH_CYCLE:
		snprintf(label, sizeof(label), "cycle");
		break;
	}
	s = push(l, WHY_ROOT, label);
	if (!s)
		return used;
	s->type = describe(l, o[used - 1].node, o[used - 1].addr);
	s->addr = o[used - 1].addr;
	s->entries =
		label_entries(l->g, graph_type(l->g, o[used - 1].node)->kind, o[used - 1].addr);
	return used;
}

int label_path(struct reach *r, const struct reach_root *root, const uint32_t *node, size_t n,
	       struct why_path *out)
{
	struct labels l = {.r = r, .g = r->g, .rt = r->g->h->rt, .out = out};
	auto_free struct object *o = calloc(n + 1, sizeof(*o));
	size_t k = 0;

	if (!o)
		return fail(-ENOMEM, "out of memory for a path");
	for (size_t i = 0; i < n; i++)
		if (graph_type(r->g, node[i])->addr || i + 1 == n)
			o[k++] = (struct object){node[i], graph_addr(r->g, node[i], NULL)};
	for (size_t i = k ? first_step(&l, root, o, k) : 0; i < k;)
		i += step(&l, o, i, k);
	return 0;
}
