/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds the allocator of objects by the allocator tables of the live process: _PyMem_Raw, _PyMem
 * and _PyObject (static variables up to 3.11, members of _PyRuntime since 3.12).
 */
#include "py/py_priv.h"

#define MAX_WRAPPERS 8	/* tables chained through ctx: tracemalloc, debug hooks, profilers */
#define LOOK_AHEAD   40 /* instructions of PyObject_Malloc: the table is loaded at its start */

static bool is_code(const struct py_runtime *rt, uint64_t addr)
{
	const struct proc_map *m = proc_find_map(rt->proc, addr);

	return m && m->executable;
}

static bool read_table(const struct py_runtime *rt, uint64_t at, struct py_vtable *out)
{
	return at && !proc_read(rt->proc, at, out, sizeof(*out)) && is_code(rt, out->malloc) &&
	       is_code(rt, out->calloc) && is_code(rt, out->realloc) && is_code(rt, out->free);
}

static bool loads_from(const struct py_loads *l, uint64_t addr)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].addr == addr && l->v[i].size == 8)
			return true;
	return false;
}

/* Finds a table of up to 3.11: PyObject_Malloc loads `malloc` of it and PyObject_Free `free`. Each
 * also loads ctx, but after profile-guided optimisation perhaps on another path. */
static uint64_t table_of(const struct py_runtime *rt, const char *symbol, const char *malloc_name,
			 const char *free_name)
{
	struct py_loads mallocs, frees;
	struct py_vtable v;
	uint64_t at = py_symbol(rt, symbol);

	if (read_table(rt, at, &v))
		return at;
	/* errors do not matter: loads before an instruction that cannot be decoded count */
	py_decode(rt, malloc_name, LOOK_AHEAD, false, &mallocs);
	py_decode(rt, free_name, LOOK_AHEAD, false, &frees);
	for (size_t i = 0; i < mallocs.n; i++) {
		at = mallocs.v[i].addr - offsetof(struct py_vtable, malloc);
		if (loads_from(&frees, at + offsetof(struct py_vtable, free)) &&
		    read_table(rt, at, &v))
			return at;
	}
	return 0;
}

#define MAX_HOOKS 1000 /* words that could point to such a table; a real process has three */

/* Finds the table of objects in a saved process with debug hooks, whose code may not be here: its
 * ctx points to the hooks' data in the same segment, {api id, table}. */
static uint64_t table_on_hooks(const struct py_runtime *rt)
{
	struct dso_range seg[16];
	size_t n_segs = proc_is_live(rt->proc) ? 0 : py_data(rt, seg, ARRAY_SIZE(seg));
	struct py_vtable v;

	for (size_t k = 0, tries = 0; k < n_segs && tries < MAX_HOOKS; k++) {
		uint64_t base = (seg[k].addr + 7) & ~7ull, at;
		size_t n = (size_t)seg[k].size / 8;
		auto_free uint64_t *w = malloc(n * 8 + 8);

		if (!w || n < 2 || proc_read(rt->proc, base, w, (n - 1) * 8))
			continue;
		for (size_t i = 0; i + 1 < n && tries < MAX_HOOKS; i++) {
			at = (w[i] - base) / 8;
			if (w[i] & 7 || at >= n - 1 || w[at] != 'o')
				continue;
			tries++;
			if (read_table(rt, w[i] + 8, &v) && read_table(rt, base + 8 * i, &v))
				return base + 8 * i;
		}
	}
	return 0;
}

void py_find_allocators(struct py_runtime *rt)
{
	struct py_private *x = rt->priv;
	struct py_vtable v;

	if (x->build.runtime_obj != PL_NONE) {
		x->raw_table = rt->runtime + x->build.runtime_raw;
		x->obj_table = rt->runtime + x->build.runtime_obj;
		/* raw, mem, obj are in a row */
		x->mem_table = x->obj_table - sizeof(v);
		if (!read_table(rt, x->raw_table, &v) || !read_table(rt, x->obj_table, &v))
			x->raw_table = x->mem_table = x->obj_table = 0;
	} else {
		x->raw_table = table_of(rt, "_PyMem_Raw", "PyMem_RawMalloc", "PyMem_RawFree");
		x->mem_table = table_of(rt, "_PyMem", "PyMem_Malloc", "PyMem_Free");
		x->obj_table = table_of(rt, "_PyObject", "PyObject_Malloc", "PyObject_Free");
	}
	if (!x->obj_table)
		x->obj_table = table_on_hooks(rt);
	if (!x->raw_table || !x->obj_table)
		log_debug("process %d: the allocator tables of CPython %s were not found",
			  rt->proc->pid, rt->version);
}

/* Reads the table that @v calls. Debug hooks: ctx -> {char api_id; table} (debug_alloc_api_t);
 * tracemalloc: ctx -> the table it replaced. False: @v is the allocator itself. */
static bool next_table(const struct py_runtime *rt, const struct py_vtable *v,
		       struct py_vtable *out, bool *debug)
{
	uint64_t id, at = v->ctx;

	if (!at || proc_read_u64(rt->proc, at, &id))
		return false;
	*debug = id == 'r' || id == 'm' || id == 'o';
	return read_table(rt, *debug ? at + sizeof(id) : at, out);
}

/* Reads the allocator's own table, past all hooks that are installed before it. */
static bool bottom_table(const struct py_runtime *rt, uint64_t at, struct py_vtable *v, bool *debug)
{
	struct py_vtable next;

	if (!read_table(rt, at, v))
		return false;
	for (int i = 0; i < MAX_WRAPPERS; i++) {
		bool is_debug = false, goes_on = next_table(rt, v, &next, &is_debug);

		*debug |= is_debug;
		if (!goes_on)
			break;
		*v = next;
	}
	return true;
}

static bool is_own_code(const struct py_private *x, uint64_t addr)
{
	return addr >= x->text_start && addr < x->text_end;
}

bool py_runs_tracemalloc(const struct py_runtime *rt)
{
	const struct py_private *x = rt->priv;
	struct py_vtable v, next;
	bool debug;

	if (!read_table(rt, x->obj_table, &v))
		return false;
	/* besides debug hooks only tracemalloc's functions of CPython call another table */
	for (int i = 0; i < MAX_WRAPPERS && next_table(rt, &v, &next, &debug); i++) {
		if (!debug && is_own_code(x, v.malloc))
			return true;
		v = next;
	}
	return false;
}

enum py_allocator py_allocator_now(const struct py_runtime *rt)
{
	const struct py_private *x = rt->priv;
	struct py_vtable raw, mem, obj;
	bool debug = false, ignored = false;

	if (!bottom_table(rt, x->obj_table, &obj, &debug))
		return rt->usedpools ? PY_ALLOC_PYMALLOC : PY_ALLOC_OTHER;
	if (debug)
		return PY_ALLOC_DEBUG;
	if (bottom_table(rt, x->raw_table, &raw, &ignored) && raw.malloc == obj.malloc)
		return PY_ALLOC_MALLOC;
	if (!is_own_code(x, obj.malloc))
		return PY_ALLOC_OTHER;
	/* pymalloc has the same functions in the tables mem and obj, mimalloc has not */
	if (rt->minor >= 13 && bottom_table(rt, x->mem_table, &mem, &ignored) &&
	    mem.malloc != obj.malloc)
		return PY_ALLOC_MIMALLOC;
	return rt->pymalloc_idle ? PY_ALLOC_OTHER : PY_ALLOC_PYMALLOC;
}

bool py_uses_mimalloc(const struct py_runtime *rt)
{
	const struct py_private *x = rt->priv;
	struct py_vtable raw, mem, obj;
	bool debug = false;

	if (rt->free_threaded)
		return true; /* the collector goes through its pages */
	return rt->minor >= 13 && bottom_table(rt, x->obj_table, &obj, &debug) &&
	       bottom_table(rt, x->mem_table, &mem, &debug) && mem.malloc != obj.malloc &&
	       bottom_table(rt, x->raw_table, &raw, &debug) && raw.malloc != obj.malloc &&
	       is_own_code(x, obj.malloc);
}

const char *py_allocator_name(enum py_allocator a)
{
	switch (a) {
	case PY_ALLOC_PYMALLOC:
		return "pymalloc";
	case PY_ALLOC_MALLOC:
		return "malloc";
	case PY_ALLOC_MIMALLOC:
		return "mimalloc";
	case PY_ALLOC_DEBUG:
		return "debug";
	default:
		return "other";
	}
}
