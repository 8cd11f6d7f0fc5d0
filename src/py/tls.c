/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds how a thread finds its PyThreadState: a global in 3.8 - 3.11, a thread-local variable from
 * 3.12 on, and for threads that dropped the GIL the pthread key (up to 3.14) or a second
 * thread-local variable (3.15). All are compared with the thread list before they are used.
 */
#include "py/py_priv.h"
#include "py/shape.h"

#define MAX_LOOKED  64
#define TRIES	    20
#define UNSET_DTV   UINT64_MAX /* glibc: TLS_DTV_UNALLOCATED, the thread never used the module */
#define DTV_OFFSET  8	       /* tcbhead_t.dtv (glibc sysdeps/x86_64/nptl/tls.h); musl's, too */
#define KEY_BLOCK   0x310      /* struct pthread.specific_1stblock (glibc nptl/descr.h) */
#define KEYS_INLINE 32	       /* PTHREAD_KEY_2NDLEVEL_SIZE */
#define FAR_RUNTIME (1u << 20) /* larger than any _PyRuntimeState up to 3.11 (166688 bytes) */

struct verdict {
	unsigned int own; /* threads whose slot has a thread state of their own */
	unsigned int wild, empty;
};

typedef int (*slot_fn)(const struct py_runtime *rt, uint64_t fsbase, uint64_t *out);

static int slot_tls(const struct py_runtime *rt, uint64_t fsbase, int64_t offset, uint64_t *out)
{
	return proc_read_u64(rt->proc, fsbase + (uint64_t)offset, out);
}

static int slot_dtv(const struct py_runtime *rt, uint64_t fsbase, int64_t offset, uint64_t *out)
{
	uint64_t at = (rt->walk.dtv_is_musl ? 8ull : 16ull) * rt->walk.tls_module;
	uint64_t dtv, block;
	int err = proc_read_u64(rt->proc, fsbase + DTV_OFFSET, &dtv);

	err = err ? err : proc_read_u64(rt->proc, dtv + at, &block);
	if (err)
		return err;
	*out = 0;
	if (block == UNSET_DTV || !block)
		return 0;
	return proc_read_u64(rt->proc, block + (uint64_t)offset, out);
}

static int tstate_slot(const struct py_runtime *rt, uint64_t fsbase, uint64_t *out)
{
	const struct pl_walk *w = &rt->walk;

	if (w->tstate_how == PL_TSTATE_TLS)
		return slot_tls(rt, fsbase, w->tls_offset, out);
	return slot_dtv(rt, fsbase, w->tls_offset, out);
}

static int gilstate_slot(const struct py_runtime *rt, uint64_t fsbase, uint64_t *out)
{
	const struct pl_walk *w = &rt->walk;

	if (w->gilstate_how == PL_GILSTATE_TLS)
		return slot_tls(rt, fsbase, w->gilstate_offset, out);
	if (w->gilstate_how == PL_GILSTATE_DTV)
		return slot_dtv(rt, fsbase, w->gilstate_offset, out);
	return proc_read_u64(rt->proc, fsbase + KEY_BLOCK + 16 * (uint64_t)w->pthread_key + 8, out);
}

static bool listed(const uint64_t *tstates, size_t n, uint64_t tstate)
{
	for (size_t i = 0; i < n; i++)
		if (tstates[i] == tstate)
			return true;
	return false;
}

/* pthread_self() of a thread state's owner; 0 = unreadable. */
static uint64_t thread_of(const struct py_runtime *rt, uint64_t tstate)
{
	uint64_t self;

	return proc_read_u64(rt->proc, tstate + rt->walk.tstate_thread_id, &self) ? 0 : self;
}

/* Compares the slot of each thread with the thread list. */
static struct verdict judge(const struct py_runtime *rt, slot_fn slot)
{
	uint64_t tstates[MAX_LOOKED * 16];
	size_t n = py_threads(rt, tstates, ARRAY_SIZE(tstates));
	struct verdict v = {0};

	for (size_t i = 0; i < n && i < MAX_LOOKED; i++) {
		uint64_t fsbase, self, value;

		/* thread_id is pthread_self(), which on x86-64 is the thread pointer */
		fsbase = thread_of(rt, tstates[i]);
		if (!fsbase || proc_read_u64(rt->proc, fsbase, &self) || self != fsbase)
			continue;
		if (slot(rt, fsbase, &value))
			value = UINT64_MAX;
		if (!value)
			v.empty++;
		else if (listed(tstates, n, value) && thread_of(rt, value) == fsbase)
			v.own++; /* with sub-interpreters a thread has several states */
		else
			v.wild++;
	}
	return v;
}

/* Compares several times, as threads come and go meanwhile: a wrong slot is wrong each time. */
static struct verdict judge_patiently(const struct py_runtime *rt, slot_fn slot)
{
	struct verdict v = judge(rt, slot);

	for (int i = 1; i < TRIES && v.wild; i++) {
		py_pause_us(1000);
		v = judge(rt, slot);
	}
	return v;
}

static bool global_is_right(const struct py_runtime *rt, uint64_t at)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t tstates[1024], now;
		size_t n;

		if (proc_read_u64(rt->proc, at, &now))
			return false;
		n = py_threads(rt, tstates, ARRAY_SIZE(tstates));
		if (!now || listed(tstates, n, now) || n == ARRAY_SIZE(tstates))
			return true;
		py_pause_us(1000);
	}
	return false;
}

/* 3.8 - 3.11: _PyRuntime.gilstate.tstate_current. The address that the accessor loads is preferred
 * to that of the table, which was made from few micro versions. */
static int find_global(struct py_runtime *rt)
{
	uint64_t in_table = rt->runtime + rt->priv->build.runtime_tstate_current;
	struct pl_walk *w = &rt->walk;
	struct py_loads loads;

	w->tstate_how = PL_TSTATE_GLOBAL;
	w->tstate_addr = in_table;
	if (!py_decode(rt, "_PyThreadState_UncheckedGet", 24, false, &loads) &&
	    loads.result.kind == PY_VAL_GLOBAL && loads.result.addr >= rt->runtime &&
	    loads.result.addr < rt->runtime + FAR_RUNTIME)
		w->tstate_addr = loads.result.addr;
	if (w->tstate_addr != in_table)
		log_debug("CPython %s: the current thread state is at _PyRuntime+%llu"
			  ", the table says +%u",
			  rt->version, (unsigned long long)(w->tstate_addr - rt->runtime),
			  rt->priv->build.runtime_tstate_current);
	if (global_is_right(rt, w->tstate_addr))
		return 0;
	return fail(-ENOTSUP,
		    "process %d: CPython %s fails the check 'current thread state' (the global "
		    "holds no known thread): its layout is unknown",
		    rt->proc->pid, rt->version);
}

static int find_thread_local(struct py_runtime *rt)
{
	const char *name =
		rt->minor >= 13 ? "PyThreadState_GetUnchecked" : "_PyThreadState_UncheckedGet";
	struct pl_walk *w = &rt->walk;
	struct py_loads loads;
	struct verdict v;

	if (py_decode(rt, name, 24, false, &loads) ||
	    (loads.result.kind != PY_VAL_TLS && loads.result.kind != PY_VAL_DTV))
		return fail(-ENOTSUP,
			    "process %d: CPython %s fails the check 'thread state accessor' (%s is "
			    "not understood): its layout is unknown",
			    rt->proc->pid, rt->version, name);
	w->tstate_how = loads.result.kind == PY_VAL_TLS ? PL_TSTATE_TLS : PL_TSTATE_DTV;
	w->tls_offset = loads.result.offset;
	w->tls_module = loads.result.module;
	w->dtv_is_musl = py_libc_of(rt->proc) == PY_LIBC_MUSL;
	v = judge_patiently(rt, tstate_slot);
	if (!v.wild)
		return 0;
	return fail(-ENOTSUP,
		    "process %d: CPython %s fails the check 'thread-local thread state' (%u of %u "
		    "threads hold something else): its layout is unknown",
		    rt->proc->pid, rt->version, v.wild, v.wild + v.own + v.empty);
}

int py_find_tstate(struct py_runtime *rt)
{
	return rt->minor <= 11 ? find_global(rt) : find_thread_local(rt);
}

/* Py_tss_t {int is_initialized; pthread_key_t key} (Include/cpython/pythread.h) */
static bool find_key(struct py_runtime *rt)
{
	int32_t tss[2];

	if (proc_read(rt->proc, rt->runtime + rt->priv->build.runtime_autotss, tss, sizeof(tss)) ||
	    tss[0] != 1 || tss[1] < 0 || tss[1] >= KEYS_INLINE)
		return false;
	rt->walk.gilstate_how = PL_GILSTATE_PTHREAD_KEY;
	rt->walk.pthread_key = (uint32_t)tss[1];
	return true;
}

/* 3.15: PyGILState_GetThisThreadState loads _Py_tss_gilstate, 8 bytes before _Py_tss_tstate. */
static bool find_gilstate_tls(struct py_runtime *rt)
{
	struct pl_walk *w = &rt->walk;
	struct py_loads loads;
	bool dtv = w->tstate_how == PL_TSTATE_DTV;

	w->gilstate_how = dtv ? PL_GILSTATE_DTV : PL_GILSTATE_TLS;
	w->gilstate_offset = w->tls_offset - 8;
	if (!py_decode(rt, "PyGILState_GetThisThreadState", 40, false, &loads) &&
	    loads.tls.kind == (dtv ? PY_VAL_DTV : PY_VAL_TLS) &&
	    (!dtv || loads.tls.module == w->tls_module) && loads.tls.offset != w->tls_offset)
		w->gilstate_offset = loads.tls.offset;
	return true;
}

void py_find_gilstate(struct py_runtime *rt)
{
	struct pl_walk *w = &rt->walk;
	bool found = rt->minor <= 14 ? find_key(rt) : find_gilstate_tls(rt);
	struct verdict v = {0};

	if (found)
		v = judge_patiently(rt, gilstate_slot);
	if (found && !v.wild && v.own)
		return;
	log_debug("process %d: no way to the thread state of threads without the GIL "
		  "(%u own, %u wild, %u empty)",
		  rt->proc->pid, v.own, v.wild, v.empty);
	w->gilstate_how = PL_GILSTATE_NONE;
	w->gilstate_offset = 0;
	w->pthread_key = 0;
}
