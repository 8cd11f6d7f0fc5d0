/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds names of static types where tp_name cannot be read: a core file has no constants, and the
 * program may not be on this machine. Exported types are known by their symbols; others are found
 * in the modules that are written in C, by their names there.
 */
#include "py/objects.h"
#include "py/py_priv.h"

#include <stdio.h>

#include "py/static_names.h"

#define MAX_NAMES 8192

struct static_name {
	uint64_t type;
	char name[120];
};

struct py_static_names {
	VEC(struct static_name) v;
	const char *module; /* the current one */
};

static bool known(const struct py_static_names *s, uint64_t type)
{
	for (size_t i = 0; i < s->v.n; i++)
		if (s->v.v[i].type == type)
			return true;
	return false;
}

/* Types whose tp_name is not the name by which they are found. */
static const struct {
	const char *found, *name;
} elsewhere[] = {
	{"_collections.deque", "collections.deque"},
	{"_collections.defaultdict", "collections.defaultdict"},
	{"_functools._lru_cache_wrapper", "functools._lru_cache_wrapper"},
	{"_functools.partial", "functools.partial"},
	{"_sre.Pattern", "re.Pattern"},
	{"_thread.LockType", "_thread.lock"},
};

static void add(struct py_static_names *s, uint64_t type, const char *module, const char *name)
{
	struct static_name *n;

	if (!type || s->v.n == MAX_NAMES || known(s, type))
		return;
	n = vec_push(&s->v);
	if (!n)
		return;
	n->type = type;
	if (module && strcmp(module, "builtins") != 0)
		snprintf(n->name, sizeof(n->name), "%.50s.%.60s", module, name);
	else
		snprintf(n->name, sizeof(n->name), "%.110s", name);
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
		if (!strcmp(n->name, elsewhere[i].found))
			snprintf(n->name, sizeof(n->name), "%s", elsewhere[i].name);
}

static bool see_member(const struct py_runtime *rt, const char *key, uint64_t value, void *ctx)
{
	struct py_static_names *s = ctx;
	uint64_t flags;
	/* no module has the types of these */
	static const char *const sys_infos[] = {"flags",    "float_info",  "hash_info",
						"int_info", "thread_info", "version_info"};

	for (size_t i = 0; i < ARRAY_SIZE(sys_infos) && !strcmp(s->module, "sys"); i++)
		if (!strcmp(key, sys_infos[i]) &&
		    !proc_read_u64(rt->proc, value + rt->layout.ob_type, &value)) {
			add(s, value, "sys", key);
			return true;
		}
	/* other names of OSError */
	if (!strcmp(key, "IOError") || !strcmp(key, "EnvironmentError"))
		return true;
	if (py_is_type(rt, value) &&
	    !proc_read_u64(rt->proc, value + rt->layout.tp_flags, &flags) &&
	    !(flags & PY_TPFLAGS_HEAPTYPE))
		add(s, value, s->module, key);
	return true;
}

static bool see_module(const struct py_runtime *rt, const char *key, uint64_t module, void *ctx)
{
	struct py_static_names *s = ctx;
	uint64_t dict;

	s->module = key;
	if (!proc_read_u64(rt->proc, module + PY_MODULE_DICT + py_more_header(rt), &dict))
		py_dict_each(rt, dict, see_member, s);
	return true;
}

static void learn(const struct py_runtime *rt, struct py_static_names *s)
{
	/* names of weak references up to 3.9 */
	if (rt->minor <= 9) {
		add(s, py_symbol(rt, "_PyWeakref_RefType"), NULL, "weakref");
		add(s, py_symbol(rt, "_PyWeakref_ProxyType"), NULL, "weakproxy");
		add(s, py_symbol(rt, "_PyWeakref_CallableProxyType"), NULL, "weakcallableproxy");
	}
	for (size_t i = 0; i < ARRAY_SIZE(static_types); i++)
		add(s, py_symbol(rt, static_types[i].symbol), NULL, static_types[i].name);
	py_c_modules_each(rt, SIZE_MAX, see_module, s);
}

int py_static_name(const struct py_runtime *rt, uint64_t type, char *buf, size_t size)
{
	struct py_static_names *s = rt->priv->names;

	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return -ENOMEM;
		rt->priv->names = s;
		learn(rt, s);
	}
	for (size_t i = 0; i < s->v.n; i++) {
		if (s->v.v[i].type != type)
			continue;
		snprintf(buf, size, "%s", s->v.v[i].name);
		return 0;
	}
	return -ENOENT;
}

void py_static_names_free(struct py_static_names *s)
{
	if (s)
		vec_free(&s->v);
	free(s);
}
