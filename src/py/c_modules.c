/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Modules that are written in C: what their dicts hold is the same in every process. */
#include "py/objects.h"
#include "py/py_priv.h"

struct walk {
	py_entry visit;
	void *ctx;
	size_t left;
	bool is_python;
};

/* Modules that are written in Python have it. */
static bool see_origin(const struct py_runtime *rt, const char *key, uint64_t value, void *ctx)
{
	struct walk *w = ctx;

	(void)rt;
	(void)value;
	w->is_python = !strcmp(key, "__builtins__");
	return !w->is_python;
}

static bool see_module(const struct py_runtime *rt, const char *key, uint64_t value, void *ctx)
{
	struct walk *w = ctx;
	uint64_t dict;

	if (!w->left)
		return false;
	w->left--;
	if (!*key || proc_read_u64(rt->proc, value + PY_MODULE_DICT, &dict))
		return true;
	w->is_python = false;
	py_dict_each(rt, dict, see_origin, w);
	return w->is_python || w->visit(rt, key, dict, w->ctx);
}

void py_c_modules_each(const struct py_runtime *rt, size_t max, py_entry f, void *ctx)
{
	struct walk w = {.visit = f, .ctx = ctx, .left = max};

	py_dict_each(rt, py_modules(rt), see_module, &w);
}
