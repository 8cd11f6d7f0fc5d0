/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Checks the layout against the live process. No offset is used for results before that; a build
 * that fails is refused with the name of the check.
 */
#include "py/py_priv.h"

#include <inttypes.h>
#include <stdio.h>

#define MAX_LOOKED 64 /* threads */
#define MAX_TIDS   8192
#define TRIES	   60 /* as a chain of a running target may change while it is followed */

static int refuse(const struct py_runtime *rt, const char *check, const char *detail)
{
	return fail(-ENOTSUP,
		    "process %d: CPython %s (%s) fails the check '%s' (%s): its layout is unknown",
		    rt->proc->pid, rt->version, rt->layout_source, check, detail);
}

/* Has it that name? Not checked in a core file, which has no constants. */
static bool named(const struct py_runtime *rt, uint64_t at, const char *name)
{
	char buf[32];

	if (proc_read_cstr(rt->proc, at, buf, sizeof(buf)))
		return !proc_is_live(rt->proc);
	return !strcmp(buf, name);
}

static bool type_is(const struct py_runtime *rt, uint64_t type, const char *name, uint64_t flag)
{
	const struct py_layout *l = &rt->layout;
	uint64_t meta, name_at, flags;

	return type && !proc_read_u64(rt->proc, type + l->ob_type, &meta) &&
	       meta == rt->type_type && !proc_read_u64(rt->proc, type + l->tp_name, &name_at) &&
	       named(rt, name_at, name) && !proc_read_u64(rt->proc, type + l->tp_flags, &flags) &&
	       (flags & flag) == flag;
}

static int check_types(struct py_runtime *rt)
{
	rt->type_type = py_symbol(rt, "PyType_Type");
	rt->unicode_type = py_symbol(rt, "PyUnicode_Type");
	rt->code_type = py_symbol(rt, "PyCode_Type");
	if (!type_is(rt, rt->type_type, "type", PY_TPFLAGS_TYPE_SUBCLASS) ||
	    !type_is(rt, rt->unicode_type, "str", PY_TPFLAGS_UNICODE_SUBCLASS) ||
	    !type_is(rt, rt->code_type, "code", PY_TPFLAGS_READY))
		return refuse(rt, "type objects", "type, str or code is not where it should be");
	return 0;
}

/* Compares sizes with tp_basicsize, which is sizeof in this build of CPython. */
static int check_sizes(struct py_runtime *rt)
{
	const struct py_build *b = &rt->priv->build;
	const struct {
		const char *symbol;
		uint64_t size;
	} rows[] = {
		{"PyType_Type", b->heap_type_size},
		{"PyUnicode_Type", b->str_header},
		{"PyCode_Type", b->code_basicsize},
		/* PyListObject ends with `allocated`, PyDictObject with ma_values; a tuple's items
		 * begin where its fixed part ends */
		{"PyList_Type", rt->layout.list_allocated + 8u},
		{"PyDict_Type", rt->layout.dict_values + 8u},
		{"PyTuple_Type", rt->layout.tuple_item},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t at = py_symbol(rt, rows[i].symbol), size;
		char detail[96];

		if (!at || proc_read_u64(rt->proc, at + rt->layout.tp_basicsize, &size))
			return refuse(rt, "object sizes", rows[i].symbol);
		if (size == rows[i].size)
			continue;
		snprintf(detail, sizeof(detail), "%s has %" PRIu64 " bytes instead of %" PRIu64,
			 rows[i].symbol, size, rows[i].size);
		return refuse(rt, "object sizes", detail);
	}
	return 0;
}

/* Checks interpreter ids, which count from 0: the main interpreter is the last of the list. */
static const char *interpreters_fault(const struct py_runtime *rt, int *n)
{
	uint64_t interps[PY_MAX_INTERPRETERS], id;

	*n = py_interpreters(rt, interps, PY_MAX_INTERPRETERS);
	if (*n <= 0)
		return "no interpreter";
	for (int i = 0; i < *n; i++)
		if (proc_read_u64(rt->proc, interps[i] + rt->layout.interp_id, &id) || id >> 32)
			return "an interpreter without an id";
	return id ? "no main interpreter" : NULL;
}

/* Checks that prev, the first member of each next thread state, leads back; next is the second. */
static const char *threads_fault(const struct py_runtime *rt, uint64_t *tstates, size_t *n)
{
	*n = py_threads(rt, tstates, MAX_LOOKED);
	if (!*n)
		return "no thread";
	for (size_t i = 0; i < *n; i++) {
		uint64_t next, back;

		if (proc_read_u64(rt->proc, tstates[i] + rt->layout.tstate_next, &next))
			return "a thread state that cannot be read";
		if (next && (proc_read_u64(rt->proc, next + rt->layout.tstate_next - 8, &back) ||
			     back != tstates[i]))
			return "the list does not close";
	}
	return NULL;
}

/* Is it a thread of the process? Its native id is that of a task; or, as after a fork that CPython
 * did not notice, its pthread_self() points at a thread control block, which begins with its own
 * address. */
static bool native_thread(const struct py_runtime *rt, uint64_t tstate, const int *tids, size_t n)
{
	const uint16_t native = rt->layout.tstate_native_id;
	uint64_t id, self;

	if (native != PL_NONE && !proc_read_u64(rt->proc, tstate + native, &id))
		for (size_t i = 0; i < n; i++)
			if ((uint64_t)tids[i] == id)
				return true;
	return !proc_read_u64(rt->proc, tstate + rt->walk.tstate_thread_id, &id) &&
	       !proc_read_u64(rt->proc, id, &self) && self == id;
}

static const char *native_fault(const struct py_runtime *rt, const uint64_t *tstates, size_t n)
{
	auto_free int *tids = calloc(MAX_TIDS, sizeof(*tids));
	size_t n_tids = tids ? proc_tids(rt->proc, tids, MAX_TIDS) : 0;

	for (size_t i = 0; i < n; i++)
		if (native_thread(rt, tstates[i], tids, n_tids))
			return NULL;
	return "no thread state belongs to a thread of the process";
}

static int check_lists(const struct py_runtime *rt)
{
	uint64_t tstates[MAX_LOOKED];
	const char *fault = NULL, *check = "";
	size_t n = 0;
	int interps;

	for (int i = 0; i < TRIES; i++) {
		check = "interpreters";
		fault = interpreters_fault(rt, &interps);
		if (!fault) {
			check = "thread list";
			fault = threads_fault(rt, tstates, &n);
		}
		if (!fault) {
			check = "native threads";
			fault = native_fault(rt, tstates, n);
		}
		if (!fault)
			return 0;
		py_pause_us(1000);
	}
	return refuse(rt, check, fault);
}

static bool code_is_readable(const struct py_runtime *rt, uint64_t addr)
{
	struct py_code *c;
	bool good;

	if (py_code_read(rt, addr, &c))
		return false;
	good = py_code_function(c)[0] && py_code_file(c)[0];
	py_code_free(c);
	return good;
}

/* Checks the frames of a thread: 1 = good, 0 = no frames, -1 = a bad chain. */
static int check_chain(const struct py_runtime *rt, uint64_t tstate, struct pl_frame *frames,
		       int *left)
{
	size_t n;

	if (py_read_stack(rt, tstate, frames, PY_MAX_STEPS, &n, left))
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint64_t type;

		if (proc_read_u64(rt->proc, frames[i].code + rt->layout.ob_type, &type) ||
		    type != rt->code_type)
			return -1;
		/* names at both ends are enough, as a deep recursion repeats itself */
		if ((i < 16 || i + 16 >= n) && !code_is_readable(rt, frames[i].code))
			return -1;
	}
	return n > 0;
}

/* Checks that one thread's whole stack makes sense. A process without any frame passes, too, as an
 * embedder may be in C code. */
static int check_frames(const struct py_runtime *rt)
{
	auto_free struct pl_frame *frames = calloc(PY_MAX_STEPS, sizeof(*frames));
	int left = TRIES * PY_MAX_STEPS; /* steps, of all threads and tries */
	bool bad = false;

	if (!frames)
		return fail(-ENOMEM, "out of memory");
	for (int try = 0; try < TRIES && left > 0; try++) {
		uint64_t tstates[MAX_LOOKED];
		size_t n = py_threads(rt, tstates, MAX_LOOKED);

		bad = false;
		for (size_t i = 0; i < n; i++) {
			int got = check_chain(rt, tstates[i], frames, &left);

			if (got > 0)
				return 0;
			bad |= got < 0;
		}
		if (!bad)
			return 0;
		py_pause_us(500 + 100 * (unsigned int)try);
	}
	return refuse(rt, "frames", "no thread's stack leads over code objects to its end");
}

int py_check(struct py_runtime *rt)
{
	int err = check_types(rt);

	err = err ? err : check_sizes(rt);
	err = err ? err : check_lists(rt);
	return err ? err : check_frames(rt);
}
