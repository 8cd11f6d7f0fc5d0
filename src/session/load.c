/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel half of one session: opened, configured for this target, loaded, its maps mapped. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "session/fds.h"
#include "session/session_priv.h"

#include "pyleak.skel.h" /* uses the types of pyleak/abi.h */
#include "py/versions.h"

/* libbpf's lines go to our log, one level lower. */
static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[1024];

	if (!log_enabled(LOG_DEBUG) || level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = 0;
	log_debug("%s", line);
	return 0;
}

static int on_stack(void *ctx, void *data, size_t size)
{
	struct session *s = ctx;

	if (size >= offsetof(struct pl_stack, frames))
		stacks_add(s->stacks, data, size);
	return 0;
}

static void *map_pages(const struct bpf_map *map, size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, bpf_map__fd(map), 0);

	return p == MAP_FAILED ? NULL : p;
}

static void set_config(struct session *s)
{
	struct pl_config *c = (struct pl_config *)&s->kern.skel->rodata->config;

	c->walk = s->rt->walk;
	c->tgid = (uint32_t)s->proc->tgid_root;
	c->max_frames = PL_MAX_FRAMES;
	c->min_size = s->o.min_size;
	c->max_size = s->o.max_size;
	c->native_stacks = s->o.native_stacks;
	c->type_offset = s->rt->layout.ob_type;
}

static int refused(int err)
{
	if (err == -EPERM || err == -EACCES)
		return fail(-EPERM, "the kernel refused to load the BPF programs: run as root, or "
				    "with CAP_BPF and CAP_PERFMON");
	return fail(err, "the kernel refused the BPF programs (%s): run with -vv for its reasons",
		    strerror(-err));
}

/* From 3.12 on a process can have several GILs, and births of two interpreters run at once: the
 * program that numbers its records atomically is taken where the kernel knows such an
 * instruction (5.12). */
static int load_with(struct session *s, bool shared)
{
	struct bpf_program *prog = NULL;
	int err;

	s->kern.skel = pyleak_bpf__open();
	if (!s->kern.skel)
		return fail(-errno, "cannot open the BPF object: %s", strerror(errno));
	set_config(s);
	bpf_object__for_each_program(prog, s->kern.skel->obj)
	{
		if (bpf_program__type(prog) == BPF_PROG_TYPE_KPROBE) /* those on uprobes */
			bpf_program__set_expected_attach_type(
				prog, (enum bpf_attach_type)probe_attach_type(s->probes.mechanism));
	}
	session_fds_prepare(s);
	bpf_program__set_autoload(s->kern.skel->progs.birth, !shared);
	bpf_program__set_autoload(s->kern.skel->progs.birth_shared, shared);
	err = pyleak_bpf__load(s->kern.skel);
	if (err) {
		pyleak_bpf__destroy(s->kern.skel);
		s->kern.skel = NULL;
		return refused(err);
	}
	s->kern.birth_fd = bpf_program__fd(shared ? s->kern.skel->progs.birth_shared
						  : s->kern.skel->progs.birth);
	return 0;
}

int session_load(struct session *s)
{
	int err;

	libbpf_set_print(print_libbpf);
	err = py_births_run_at_once(s->rt) ? load_with(s, true) : -ENOTSUP;
	if (err && err != -EPERM)
		err = load_with(s, false);
	if (err || !s->kern.skel)
		return err;
	s->kern.births = map_pages(s->kern.skel->maps.births,
				   PL_BIRTH_SLOTS * sizeof(struct pl_birth), PROT_READ);
	s->kern.stats = map_pages(s->kern.skel->maps.stats, sizeof(struct pl_stats),
				  PROT_READ | PROT_WRITE);
	if (!s->kern.births || !s->kern.stats)
		return fail(-errno, "cannot map the BPF maps: %s", strerror(errno));
	s->kern.ring = ring_buffer__new(bpf_map__fd(s->kern.skel->maps.ring), on_stack, s, NULL);
	if (!s->kern.ring)
		return fail(-errno, "cannot read the BPF ring buffer: %s", strerror(errno));
	return 0;
}

/* Both halves keep a bounded number of stacks: what no survivor and no live block needs any more is
 * forgotten here and there, and told again should it come back. */
#define TRIM_NS 10000000000ull /* when that many are needed, not again at once */

static void trim_stacks(struct session *s)
{
	auto_free uint64_t *gone = NULL;
	struct native_sites native = {0};
	struct map64 keep = {0};
	size_t n;
	const struct sample *v = ladder_samples(s->ladder, &n);

	for (size_t i = 0; i < n; i++)
		map64_put(&keep, v[i].stack);
	v = ladder_looked_at(s->ladder, &n);
	for (size_t i = 0; i < n; i++)
		map64_put(&keep, v[i].stack);
	if (s->native && !native_sites(s->native, &native))
		for (size_t i = 0; i < native.n; i++)
			map64_put(&keep, native.v[i].key.stack);
	native_sites_free(&native);
	session_fds_keep_stacks(s, &keep);
	if (!stacks_trim(s->stacks, &keep, &gone, &n))
		for (size_t i = 0; i < n; i++)
			bpf_map_delete_elem(bpf_map__fd(s->kern.skel->maps.stacks_seen), &gone[i]);
	map64_free(&keep);
	log_debug("%zu stacks forgotten, %zu kept", n, stacks_count(s->stacks));
}

void session_drain(struct session *s)
{
	if (!s->kern.ring)
		return;
	ring_buffer__consume(s->kern.ring);
	if (s->native_stacks)
		native_stacks_poll(s->native_stacks, s);
	if (stacks_are_many(s->stacks) && clock_ns() - s->kern.trimmed_ns > TRIM_NS) {
		trim_stacks(s);
		s->kern.trimmed_ns = clock_ns();
	}
}

void session_unload(struct session *s)
{
	ring_buffer__free(s->kern.ring);
	if (s->kern.births)
		munmap((void *)(uintptr_t)s->kern.births, PL_BIRTH_SLOTS * sizeof(struct pl_birth));
	if (s->kern.stats)
		munmap((void *)(uintptr_t)s->kern.stats, sizeof(struct pl_stats));
	pyleak_bpf__destroy(s->kern.skel);
	s->kern.ring = NULL;
	s->kern.births = NULL;
	s->kern.stats = NULL;
	s->kern.skel = NULL;
}
