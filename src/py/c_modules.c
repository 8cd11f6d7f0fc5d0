/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds modules that are written in C, whose dicts are the same in every process, and tells whether
 * some were compiled by Nuitka. */
#include "py/objects.h"
#include "py/py_priv.h"

#define MAX_FINDERS   32
#define ORIGIN_WITHIN 16 /* entries searched for it: at most eight, of the loader, are before */

struct walk {
	py_entry visit;
	void *ctx;
	size_t left, origin_left;
	bool is_python;
};

/* Looks for __builtins__, which is in each module that is written in Python. */
static bool see_origin(const struct py_runtime *rt, const char *key, uint64_t value, void *ctx)
{
	struct walk *w = ctx;

	(void)rt;
	(void)value;
	w->is_python = !strcmp(key, "__builtins__");
	return !w->is_python && --w->origin_left;
}

static bool see_module(const struct py_runtime *rt, const char *key, uint64_t value, void *ctx)
{
	struct walk *w = ctx;
	uint64_t dict;

	if (!w->left)
		return false;
	w->left--;
	if (!*key || proc_read_u64(rt->proc, value + PY_MODULE_DICT + py_more_header(rt), &dict))
		return true;
	w->is_python = false;
	w->origin_left = ORIGIN_WITHIN;
	py_dict_each(rt, dict, see_origin, w);
	return w->is_python || w->visit(rt, key, value, w->ctx);
}

void py_c_modules_each(const struct py_runtime *rt, size_t max, py_entry f, void *ctx)
{
	struct walk w = {.visit = f, .ctx = ctx, .left = max};

	py_dict_each(rt, py_modules(rt), see_module, &w);
}

/* Code that Nuitka has compiled puts its loader into sys.meta_path (MetaPathBasedLoader.c, 0.6.1 -
 * 4.0). */
bool py_has_nuitka(const struct py_runtime *rt)
{
	const struct py_layout *l = &rt->layout;
	uint64_t sys = py_dict_value(rt, py_modules(rt), "sys"), dict, list, head[2], item, type;
	char name[64];

	if (rt->minor < 9 || !sys ||
	    proc_read_u64(rt->proc, sys + PY_MODULE_DICT + py_more_header(rt), &dict))
		return false;
	list = py_dict_value(rt, dict, "meta_path");
	if (!list || proc_read(rt->proc, list + l->ob_size, head, sizeof(head)))
		return false;
	for (uint64_t i = 0; i < head[0] && i < MAX_FINDERS; i++)
		if (!proc_read_u64(rt->proc, head[1] + 8 * i, &item) &&
		    !proc_read_u64(rt->proc, item + l->ob_type, &type) &&
		    !py_type_name(rt, type, name, sizeof(name)) &&
		    !strcmp(name, "nuitka_module_loader"))
			return true;
	return false;
}
