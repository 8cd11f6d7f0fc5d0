/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "py/functions.h"

#include <stdio.h>

#include "py/objects.h"
#include "py/py_priv.h"

#define MAX_METHODS  1024
#define MAX_MODULES  2048
#define METHOD_BATCH 16

/* PyMethodDef and PyGetSetDef (Include/methodobject.h, descrobject.h): the same in 3.8 - 3.15. */
struct method_def {
	uint64_t name, function, flags, doc;
};
struct getset_def {
	uint64_t name, get, set, doc, closure;
};

/* Members of PyTypeObject, from tp_name on (Include/cpython/object.h, the same in 3.8 - 3.15). */
enum {
	TP_DEALLOC = 24,
	TP_METHODS = 208,
	TP_GETSET = 224,
	TP_BASE = 232,
	TP_NEW = 288,
	TP_WORDS = TP_NEW / 8 + 1,
};
static const struct slot {
	uint16_t at;
	const char *name;
} slots[] = {
	{TP_DEALLOC, "tp_dealloc"}, {64, "__repr__"},	  {96, "__hash__"},	{104, "__call__"},
	{112, "__str__"},	    {120, "__getattr__"}, {128, "__setattr__"}, {176, "__eq__"},
	{192, "__iter__"},	    {200, "__next__"},	  {248, "__get__"},	{256, "__set__"},
	{272, "__init__"},	    {TP_NEW, "__new__"},
};

struct walk {
	const struct py_runtime *rt;
	py_function_visit visit;
	void *ctx;
	const char *module; /* the current one, NULL for builtins */
	bool has_file;	    /* the module has a file of its own */
	uint64_t function_type, class_dealloc;
};

static bool is_in_python(const struct py_runtime *rt, const struct proc_map *m)
{
	return m && !strcmp(m->path, rt->name);
}

static bool read_name(const struct py_runtime *rt, uint64_t at, char *buf, size_t size)
{
	if (!at || proc_read_cstr(rt->proc, at, buf, size) || !*buf)
		return false;
	for (const char *c = buf; *c; c++)
		if (*c < '!' || *c > '~')
			return false;
	return true;
}

static void tell(struct walk *w, uint64_t addr, const char *type, const char *name)
{
	char text[200];

	/* a function of CPython itself is not one of a module with a file of its own */
	if (!addr || (w->has_file && is_in_python(w->rt, proc_find_map(w->rt->proc, addr))))
		return;
	snprintf(text, sizeof(text), "%s%s%s", type ? type : "", type ? "." : "", name);
	w->visit(addr, text, w->module, w->ctx);
}

static void see_methods(const struct py_runtime *rt, struct walk *w, uint64_t at, const char *type)
{
	struct method_def v[METHOD_BATCH];
	char name[96];

	for (size_t i = 0; at && i < MAX_METHODS; i++) {
		/* a batch may go beyond the mapping: then one is read at a time */
		if (i % METHOD_BATCH == 0 &&
		    proc_read(rt->proc, at + i * sizeof(*v), v, sizeof(v)) &&
		    proc_read(rt->proc, at + i * sizeof(*v), v, sizeof(*v)))
			return;
		if (!read_name(rt, v[i % METHOD_BATCH].name, name, sizeof(name)))
			return;
		tell(w, v[i % METHOD_BATCH].function, type, name);
	}
}

static void see_getset(const struct py_runtime *rt, struct walk *w, uint64_t at, const char *type)
{
	struct getset_def g;
	char name[96];

	for (size_t i = 0; at && i < MAX_METHODS; i++) {
		if (proc_read(rt->proc, at + i * sizeof(g), &g, sizeof(g)) ||
		    !read_name(rt, g.name, name, sizeof(name)))
			return;
		tell(w, g.get, type, name);
		tell(w, g.set, type, name);
	}
}

/* Visits functions in slots of a type, but those that it has from its base. */
static void see_slots(const struct py_runtime *rt, struct walk *w, const uint64_t *own,
		      const char *type)
{
	uint64_t base[TP_WORDS] = {0};

	if (own[TP_BASE / 8])
		proc_read(rt->proc, own[TP_BASE / 8] + rt->layout.tp_name, base, sizeof(base));
	for (size_t i = 0; i < ARRAY_SIZE(slots); i++)
		if (own[slots[i].at / 8] != base[slots[i].at / 8])
			tell(w, own[slots[i].at / 8], type, slots[i].name);
}

/* The function that frees instances of all classes of class statements; 0 = unknown. */
static uint64_t class_dealloc(const struct py_runtime *rt)
{
	uint64_t module = py_dict_value(rt, py_modules(rt), "_frozen_importlib"), dict, type, f;

	if (!module || proc_read_u64(rt->proc, module + PY_MODULE_DICT + py_more_header(rt), &dict))
		return 0;
	type = py_dict_value(rt, dict, "ModuleSpec");
	return type && !proc_read_u64(rt->proc, type + rt->layout.tp_name + TP_DEALLOC, &f) ? f : 0;
}

/* Is it a class of Python code? Functions in its slots look for methods, and are all classes'. */
static bool is_class(const struct walk *w, uint64_t type, uint64_t dealloc)
{
	uint64_t flags;

	return proc_read_u64(w->rt->proc, type + w->rt->layout.tp_flags, &flags) ||
	       ((flags & PY_TPFLAGS_HEAPTYPE) &&
		(!w->class_dealloc || dealloc == w->class_dealloc));
}

static void see_type(const struct py_runtime *rt, struct walk *w, uint64_t type)
{
	uint64_t word[TP_WORDS];
	char name[128];
	const char *last;

	if (proc_read(rt->proc, type + rt->layout.tp_name, word, sizeof(word)) ||
	    !read_name(rt, word[0], name, sizeof(name)))
		return;
	last = strrchr(name, '.');
	last = last ? last + 1 : name;
	see_methods(rt, w, word[TP_METHODS / 8], last);
	if (is_class(w, type, word[TP_DEALLOC / 8]))
		return;
	see_getset(rt, w, word[TP_GETSET / 8], last);
	see_slots(rt, w, word, last);
}

static bool see_member(const struct py_runtime *rt, const char *key, uint64_t value, void *ctx)
{
	struct walk *w = ctx;
	uint64_t type, def;
	struct method_def m;
	char name[96];

	(void)key;
	if (proc_read_u64(rt->proc, value + rt->layout.ob_type, &type))
		return true;
	if (type == w->function_type) {
		if (!proc_read_u64(rt->proc, value + rt->layout.ob_type + 8, &def) && def &&
		    !proc_read(rt->proc, def, &m, sizeof(m)) &&
		    read_name(rt, m.name, name, sizeof(name)))
			tell(w, m.function, NULL, name);
	} else if (py_is_type(rt, value)) {
		see_type(rt, w, value);
	}
	return true;
}

static bool see_module(const struct py_runtime *rt, const char *key, uint64_t module, void *ctx)
{
	struct walk *w = ctx;
	const struct proc_map *m;
	uint64_t word[2]; /* md_dict; md_def, which is data of the module's file */

	if (proc_read(rt->proc, module + PY_MODULE_DICT + py_more_header(rt), word, sizeof(word)))
		return true;
	m = proc_find_map(rt->proc, word[1]);
	w->module = strcmp(key, "builtins") != 0 ? key : NULL;
	w->has_file = m && m->inode && !is_in_python(rt, m);
	py_dict_values(rt, word[0], see_member, w);
	return true;
}

void py_functions(const struct py_runtime *rt, py_function_visit visit, void *ctx)
{
	struct walk w = {.rt = rt,
			 .visit = visit,
			 .ctx = ctx,
			 .function_type = py_symbol(rt, "PyCFunction_Type")};

	w.class_dealloc = class_dealloc(rt);
	py_c_modules_each(rt, MAX_MODULES, see_module, &w);
}
