/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Developer's tool: everything py_open finds in a process, and the stacks of its threads. */
#include "py/py.h"

#include <inttypes.h>
#include <stdio.h>

#define MAX_THREADS 1024
#define MAX_FRAMES  20000

static void print_walk(const struct pl_walk *w)
{
	printf("walk: tstate_how %u addr %#" PRIx64 " tls %" PRId64 " module %u; gilstate_how %u "
	       "key %u offset %" PRId64 "\n",
	       w->tstate_how, (uint64_t)w->tstate_addr, (int64_t)w->tls_offset, w->tls_module,
	       w->gilstate_how, w->pthread_key, (int64_t)w->gilstate_offset);
	printf("walk: instr %u tag %u frame %u cframe %u thread_id %u code %u back %u instr %u "
	       "owner %u skip %u size %u\n",
	       w->instr_kind, w->code_tag_mask, w->tstate_frame, w->cframe_frame,
	       w->tstate_thread_id, w->frame_code, w->frame_back, w->frame_instr, w->frame_owner,
	       w->owner_skip, w->frame_size);
}

static void print_runtime(const struct py_runtime *rt)
{
	uint64_t full = 0;
	bool enabled = false;
	int err;

	printf("python %s (%#x) %s%s%s, %s\n", rt->version, rt->hexversion,
	       rt->is_library ? "library" : "program", rt->debug ? ", debug" : "",
	       dso_has_symtab(rt->dso) ? "" : ", stripped", rt->layout_source);
	printf("name %s\n", rt->name);
	printf("bias %#" PRIx64 " runtime %#" PRIx64 "\n", rt->bias, rt->runtime);
	printf("allocator %s\n", py_allocator_name(rt->allocator));
	print_walk(&rt->walk);
	printf("pools: usedpools %#" PRIx64 " arenas %#" PRIx64 " maxarenas %#" PRIx64
	       " embedded %d interp_obmalloc %u\n",
	       rt->usedpools, rt->arenas, rt->maxarenas, rt->embedded_obmalloc,
	       rt->layout.interp_obmalloc);
	err = py_full_collections(rt, &full);
	printf("gc: full %" PRIu64 " (%d)", full, err);
	err = py_gc_enabled(rt, &enabled);
	printf(" enabled %d (%d) generations +%u\n", enabled, err, rt->layout.gc_generations);
}

static void print_stack(const struct py_runtime *rt, uint64_t tstate, struct pl_frame *frames)
{
	uint64_t native = 0, self = 0;
	uint32_t id = 0;
	size_t n;
	int err = py_read_stack(rt, tstate, frames, MAX_FRAMES, &n);

	if (rt->layout.tstate_native_id != PL_NONE &&
	    !proc_read_u64(rt->proc, tstate + rt->layout.tstate_native_id, &native))
		id = (uint32_t)native;
	proc_read_u64(rt->proc, tstate + rt->walk.tstate_thread_id, &self);
	printf("thread %#" PRIx64 " native %u self %" PRIu64 " frames %zu (%d)\n", tstate, id, self,
	       n, err);
	for (size_t i = 0; i < n; i++) {
		struct py_code *c;

		err = py_code_read(rt, frames[i].code, &c);
		if (err) {
			printf("  ? code %#" PRIx64 " (%d)\n", (uint64_t)frames[i].code, err);
			continue;
		}
		printf("  %s %s:%d%s\n", py_code_function(c), py_code_file(c),
		       py_code_line(rt, c, frames[i].instr), py_code_same(rt, c) ? "" : " STALE");
		py_code_free(c);
	}
}

static void print_types(const struct py_runtime *rt, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		uint64_t type = strtoull(argv[i], NULL, 0);
		char name[512];
		int err = py_type_name(rt, type, name, sizeof(name));

		printf("type %s = %s (%d)\n", argv[i], name, err);
	}
}

int main(int argc, char **argv)
{
	static struct pl_frame frames[MAX_FRAMES];
	uint64_t tstates[MAX_THREADS], t0 = clock_ns();
	struct py_runtime *rt = NULL;
	struct proc *p = NULL;
	size_t n;

	if (argc < 2) {
		fprintf(stderr, "usage: py_probe PID [TYPE-ADDRESS...]\n");
		return 2;
	}
	if (getenv("PY_PROBE_DEBUG"))
		log_set_level(LOG_DEBUG);
	if (proc_open(atoi(argv[1]), &p) || py_open(p, &rt)) {
		fprintf(stderr, "%s\n", fail_text());
		proc_close(p);
		return 1;
	}
	printf("opened in %.1f ms\n", (double)(clock_ns() - t0) / 1e6);
	print_runtime(rt);
	n = py_threads(rt, tstates, MAX_THREADS);
	for (size_t i = 0; i < n; i++)
		print_stack(rt, tstates[i], frames);
	print_types(rt, argc - 2, argv + 2);
	py_close(rt);
	proc_close(p);
	return 0;
}
