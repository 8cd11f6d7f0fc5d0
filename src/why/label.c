/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names for the steps of a path: which attribute, key, variable leads from one object to the next.
 * The target has run on meanwhile: what is not there any more stays without a name. */
#include "why/label_priv.h"

#include <stdio.h>

#include "py/objects.h"
#include "why/bound.h"

static struct why_step *push(struct labels *l, enum why_edge edge, const char *label)
{
	struct why_path *p = l->out;
	struct why_step *s;

	if (!vec_grow((void **)&p->step, &l->cap, p->n + 1, sizeof(*p->step)))
		return NULL;
	s = &p->step[p->n++];
	*s = (struct why_step){.edge = edge, .entries = WHY_UNKNOWN, .bound = WHY_UNKNOWN};
	s->label = label && *label ? strdup(label) : NULL;
	return s;
}

static void variable(const struct labels *l, const struct py_locals *f, uint64_t child, char *buf,
		     size_t size)
{
	int64_t at = label_find_word(l, f->slots, 0, 8ll * (f->n + f->n_stack), child);

	if (at < 0)
		return;
	if (at / 8 >= f->n)
		snprintf(buf, size, "(temporary)");
	else
		py_local_name(l->rt, f->code, (uint32_t)(at / 8), buf, size);
}

/* Names the attribute, in values or slots of an instance, that is @child. */
static bool instance_attribute(const struct labels *l, const struct graph_type *t, uint64_t addr,
			       uint64_t child, char *buf, size_t size)
{
	uint64_t values = label_attributes(l->rt, t, addr).values, key,
		 bytes = (uint64_t)t->t.basicsize;
	int64_t at;

	if (values && label_find_key(l, label_peek(l, t->addr + l->rt->layout.ht_cached_keys),
				     values, child, &key) == 1)
		return label_read_name(l, key, buf, size);
	at = label_find_word(l, addr, PY_BODY + py_more_header(l->rt), (int64_t)bytes, child);
	return at >= 0 && label_slot_name(l, t->addr, (uint64_t)at, buf, size);
}

/* Names the member of a CPython or numpy object that is @child. */
static bool known_member(const struct labels *l, enum graph_kind kind, uint64_t addr,
			 uint64_t child, char *buf, size_t size)
{
	const struct py_runtime *rt = l->rt;
	const struct {
		enum graph_kind kind;
		uint16_t off;
		const char *name;
	} v[] = {
		{GRAPH_FUNCTION, py_func_closure(rt), "__closure__"},
		{GRAPH_FUNCTION, py_func_defaults(rt), "__defaults__"},
		{GRAPH_FUNCTION, py_func_kwdefaults(rt), "__kwdefaults__"},
		{GRAPH_FUNCTION, py_func_globals(rt), "__globals__"},
		{GRAPH_FUNCTION, (uint16_t)(rt->layout.func_code - py_more_header(rt)), "__code__"},
		{GRAPH_METHOD, PY_METHOD_SELF, "__self__"},
		{GRAPH_METHOD, PY_METHOD_FUNC, "__func__"},
		{GRAPH_TRACEBACK, PY_TRACEBACK_FRAME, "tb_frame"},
		{GRAPH_TRACEBACK, PY_TRACEBACK_NEXT, "tb_next"},
		{GRAPH_EXCEPTION, py_exception_traceback(rt), "__traceback__"},
		{GRAPH_EXCEPTION, (uint16_t)(py_exception_traceback(rt) + 8), "__context__"},
		{GRAPH_EXCEPTION, (uint16_t)(py_exception_traceback(rt) + 16), "__cause__"},
		{GRAPH_EXCEPTION, PY_EXCEPTION_ARGS, "args"},
		{GRAPH_PARTIAL, PY_PARTIAL_FUNC, "func"},
		{GRAPH_PARTIAL, PY_PARTIAL_FUNC + 8, "args"},
		{GRAPH_PARTIAL, PY_PARTIAL_FUNC + 16, "keywords"},
		{GRAPH_MEMORYVIEW, PY_MEMORYVIEW_OBJ, "obj"},
		{GRAPH_ARRAY, GRAPH_ARRAY_BASE, "base"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		if (v[i].kind == kind &&
		    label_peek(l, addr + v[i].off + py_more_header(rt)) == child) {
			snprintf(buf, size, "%s", v[i].name);
			return true;
		}
	return false;
}

/* Tells how @addr holds @child. Closure variables and defaults also need the function that the
 * tuple belongs to: see label_path. */
static enum why_edge edge(const struct labels *l, uint32_t parent, uint64_t addr, uint64_t child,
			  char *buf, size_t size)
{
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
		found = label_find_in_dict(l, addr, child, &key);
		if (found == 2)
			return WHY_AS_KEY;
		if (found)
			return WHY_KEY;
		return instance_attribute(l, t, addr, child, buf, size) ? WHY_ATTRIBUTE : WHY_KEY;
	case GRAPH_CELL:
		return WHY_CELL;
	case GRAPH_GENERATOR:
	case GRAPH_COROUTINE:
	case GRAPH_FRAME:
		if (t->kind == GRAPH_FRAME ? label_object_frame(l, addr, &f)
					   : label_generator_frame(l, addr, &f))
			variable(l, &f, child, buf, size);
		return *buf ? WHY_VARIABLE : WHY_FIELD;
	case GRAPH_WEAKREF:
		if (label_peek(l, addr + PY_WEAKREF_CALLBACK + py_more_header(l->rt)) == child)
			snprintf(buf, size, "weakref callback");
		return WHY_FIELD;
	case GRAPH_LRU:
	case GRAPH_LRU_LINK:
		snprintf(buf, size, t->kind == GRAPH_LRU ? "cached" : "result");
		return WHY_FIELD;
	default:
		if (known_member(l, t->kind, addr, child, buf, size) ||
		    instance_attribute(l, t, addr, child, buf, size))
			return WHY_ATTRIBUTE;
		return WHY_FIELD;
	}
}

/* Is this a step that says nothing to a reader (closure's tuple, cell, dict of attributes)? */
static bool is_hidden(const char *label)
{
	return !strcmp(label, "__closure__") || !strcmp(label, "__defaults__") ||
	       !strcmp(label, "__dict__");
}

struct object {
	uint32_t node;
	uint64_t addr;
};

/* Describes the object @o that step @s leads to; its bound is looked for with heap_bound(). */
static void describe(const struct labels *l, struct why_step *s, const struct object *o,
		     uint32_t owner, uint64_t at, const char *called)
{
	struct heap_bound b;

	s->type = label_describe(l, o->node, o->addr);
	s->addr = o->addr;
	s->entries = label_entries(l->g, o->node, o->addr);
	if (!heap_bound(l->g, owner, at, called, o->node, o->addr, s->entries, &b))
		return;
	s->bound = b.most;
	s->bound_enforced = b.enforced;
	s->bound_name = strdup(b.name);
}

/* Skips the tree of a context's values, so that the path has one step for it. Returns where the
 * value is in the path. */
static size_t context_value(const struct labels *l, const struct object *o, size_t at, size_t n,
			    char *label, size_t size)
{
	while (at + 1 < n && graph_type(l->g, o[at].node)->kind == GRAPH_HAMT)
		at++;
	label[0] = '\0';
	if (graph_type(l->g, o[at - 1].node)->kind == GRAPH_HAMT)
		label_context_variable(l, o[at - 1].node, o[at - 1].addr, o[at].addr, label, size);
	return at;
}

/* Adds the step to object @at; returns how many objects it takes. */
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
		if (label_find_in_dict(l, o[at + 1].addr, o[at + 2].addr, &key) == 1)
			label_read_name(l, key, label, sizeof(label));
		s = push(l, WHY_ATTRIBUTE, label);
		used = 3;
	} else if (graph_type(l->g, o[at].node)->kind == GRAPH_HAMT ||
		   graph_type(l->g, parent)->kind == GRAPH_HAMT) {
		used = context_value(l, o, at, n, label, sizeof(label)) - at + 1;
		s = push(l, WHY_FIELD, label);
		/* owner -> its dict -> value */
	} else if (graph_type(l->g, o[at].node)->kind == GRAPH_DICT &&
		   label_is_attributes(l->g, parent, o[at - 1].addr, o[at].addr)) {
		if (at + 1 == n) {
			s = push(l, WHY_ATTRIBUTE, "__dict__");
		} else {
			label[0] = '\0';
			if (label_find_in_dict(l, o[at].addr, o[at + 1].addr, &key) == 1)
				label_read_name(l, key, label, sizeof(label));
			s = push(l, WHY_ATTRIBUTE, label);
			used = 2;
		}
	} else {
		e = edge(l, parent, o[at - 1].addr, o[at].addr, label, sizeof(label));
		/* function -> __closure__ -> cell -> value */
		if (e == WHY_ATTRIBUTE && is_hidden(label) && at + 1 < n) {
			bool closure = label[2] == 'c';
			int64_t i =
				label_find_word(l, o[at].addr, l->rt->layout.tuple_item,
						l->rt->layout.tuple_item + 8 * 512, o[at + 1].addr);

			label[0] = '\0';
			if (closure && i >= 0)
				py_free_name(
					l->rt,
					label_peek(l, o[at - 1].addr + l->rt->layout.func_code),
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
			/* a container's table is no entry of it */
			bool is_table = !graph_type(l->g, o[at].node)->addr && e >= WHY_KEY;

			s = push(l, is_table && e <= WHY_ITEM ? WHY_FIELD : e, label);
		}
	}
	if (s)
		describe(l, s, &o[at + used - 1], parent, o[at - 1].addr, s->label);
	return used;
}

/* Adds the first step: the root's name, and the object it leads to. */
static size_t first_step(struct labels *l, const struct reach_root *root, const struct object *o,
			 size_t n)
{
	static const char *const plain[] = {
		[REACH_ATEXIT] = "atexit callback",
		[REACH_INTERP] = "interpreter",
		[REACH_GARBAGE] = "gc.garbage",
		[REACH_NOBODY] = "unreferenced",
		[REACH_INTERNED] = "interned strings",
		[REACH_UNKNOWN] = "unreferenced",
		[REACH_CYCLE] = "cycle",
	};
	char label[2 * MAX_NAME + 64] = "", name[MAX_NAME] = "", var[MAX_NAME] = "",
				  within[40] = "";
	bool is_named;
	size_t used = 1;
	struct why_step *s;
	uint64_t key;

	if (root->thread)
		snprintf(within, sizeof(within), "thread %llu, ", (unsigned long long)root->thread);
	if (root->interp)
		snprintf(within, sizeof(within), "interpreter %llu, ",
			 (unsigned long long)root->interp);
	switch (root->kind) {
	case REACH_MODULE:
		snprintf(label, sizeof(label), "%s%s%s", within,
			 root->name ? "module " : "sys.modules", root->name ? root->name : "");
		if (o[0].addr != root->owner && n > 1) {
			if (label_find_in_dict(l, o[0].addr, o[1].addr, &key) != 1 ||
			    !label_read_name(l, key, name, sizeof(name)))
				name[0] = '\0';
			snprintf(label, sizeof(label), "%smodule %s :: %s", within,
				 root->name ? root->name : "?", *name ? name : "?");
			used = 2;
		}
		break;
	case REACH_LOCAL:
	case REACH_TEMPORARY:
		label_code_name(l, root->owner, name, sizeof(name));
		if (root->at == REACH_FRAME_DICT)
			snprintf(var, sizeof(var), "(locals)");
		else if (root->kind == REACH_TEMPORARY)
			snprintf(var, sizeof(var), "(temporary)");
		else if (py_local_name(l->rt, root->owner, (uint32_t)root->at, var, sizeof(var)))
			snprintf(var, sizeof(var), "?");
		snprintf(label, sizeof(label), "%sframe %s :: %s", within, name, var);
		if (n > 1 && graph_type(l->g, o[0].node)->kind == GRAPH_CELL)
			used = 2;
		break;
	case REACH_THREAD:
		snprintf(label, sizeof(label), "%s", root->thread ? within : "main thread");
		if (root->thread)
			label[strlen(label) - 2] = '\0';
		break;
	case REACH_SIGNAL:
		snprintf(label, sizeof(label), "handler of signal %llu",
			 (unsigned long long)root->at);
		break;
	case REACH_STATIC:
	case REACH_LIBRARY: {
		const struct proc_map *m = NULL;
		size_t i;

		/* zeroed data has the name of the file before it */
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
	default:
		snprintf(label, sizeof(label), "%s", plain[root->kind]);
		break;
	}
	s = push(l, WHY_ROOT, label);
	if (!s)
		return used;
	is_named = root->kind == REACH_MODULE && used == 2 && *name;
	describe(l, s, &o[used - 1], NODE_NONE, is_named ? o[0].addr : 0, name);
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
