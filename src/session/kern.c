/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "session/kern.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "session/session_priv.h"

#include "pyleak.skel.h" /* uses the types of pyleak/abi.h */
#include "py/versions.h"

static int on_stack(void *ctx, void *data, size_t size)
{
	struct session *s = ctx;

	stacks_add(s->stacks, data, size);
	return clock_ns() < s->kern.read_until_ns ? 0 : -EAGAIN;
}

bool kern_read_ring(struct session *s, uint64_t until_ns)
{
	bool any;

	s->kern.read_until_ns = until_ns;
	any = s->kern.ring && ring_buffer__consume(s->kern.ring);
	session_forget_stale(s);
	return any;
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
	c->tgid = s->kern.pids.tgid;
	c->pid_level = (uint8_t)s->kern.pids.level;
	c->max_frames = PL_MAX_FRAMES;
	c->min_size = s->o.min_size;
	c->max_size = s->o.max_size;
	c->native_stacks = s->o.native_stacks;
	c->type_offset = s->rt->layout.ob_type;
	c->counts_offset = s->rt->free_threaded ? s->rt->layout.ob_ref_local - 4 : 0;
}

static int refused(int err)
{
	if (err == -EPERM || err == -EACCES)
		return fail(-EPERM, "the kernel refused to load the BPF programs: run as root, or "
				    "with CAP_BPF and CAP_PERFMON");
	if (err == -EMFILE || err == -ENFILE)
		return fail(err, "too many open files: raise the limit (ulimit -n)");
	return fail(err, "the kernel refused the BPF programs (%s): run with -vv for its reasons",
		    strerror(-err));
}

/* From 3.12 on a process can have several GILs, and births of two interpreters run at once: the
 * program that numbers its records atomically is taken where the kernel knows such an
 * instruction (5.12). */
static int load_with(struct session *s, bool shared)
{
	struct kern *k = &s->kern;
	struct bpf_program *prog = NULL;
	int err;

	k->skel = pyleak_bpf__open();
	if (!k->skel)
		return fail(-errno, "cannot open the BPF object: %s", strerror(errno));
	set_config(s);
	bpf_object__for_each_program(prog, k->skel->obj)
	{
		if (bpf_program__type(prog) == BPF_PROG_TYPE_KPROBE) /* those on uprobes */
			bpf_program__set_expected_attach_type(
				prog, (enum bpf_attach_type)probe_attach_type(k->mechanism));
	}
	fds_prepare(k->skel, k->fds_means);
	bpf_program__set_autoload(k->skel->progs.target_forked, k->mechanism == PROBE_MULTI);
	bpf_program__set_autoload(k->skel->progs.birth, !shared);
	bpf_program__set_autoload(k->skel->progs.birth_shared, shared);
	err = pyleak_bpf__load(k->skel);
	if (err) {
		pyleak_bpf__destroy(k->skel);
		k->skel = NULL;
		return refused(err);
	}
	k->death_fd = bpf_program__fd(k->skel->progs.death);
	k->birth_fd = bpf_program__fd(shared ? k->skel->progs.birth_shared : k->skel->progs.birth);
	return 0;
}

static int map_all(struct session *s)
{
	struct kern *k = &s->kern;

	k->births = map_pages(k->skel->maps.births, PL_BIRTH_SLOTS * sizeof(struct pl_birth),
			      PROT_READ);
	k->died = map_pages(k->skel->maps.births_died, sizeof(*k->died) * PL_BIRTH_SLOTS,
			    PROT_READ | PROT_WRITE);
	k->stats = map_pages(k->skel->maps.stats, sizeof(struct pl_stats), PROT_READ | PROT_WRITE);
	if (!k->births || !k->died || !k->stats)
		return fail(-errno, "cannot map the BPF maps: %s", strerror(errno));
	k->ring = ring_buffer__new(bpf_map__fd(k->skel->maps.ring), on_stack, s, NULL);
	return k->ring ? 0 : fail(-errno, "cannot read the BPF ring buffer: %s", strerror(errno));
}

int kern_load(struct session *s, size_t n_sites)
{
	struct kern *k = &s->kern;
	size_t n = n_sites ? n_sites : 1;
	double event_ns;
	int err = s->o.guard && !k->channel ? probe_guard_join(s->o.guard, &k->channel) : 0;

	if (!err)
		err = pids_find(s->proc->pid, s->proc->pidfd, &k->pids);
	if (err)
		return err;
	if (probe_check_tracer(s->proc->pid, true))
		return 1;
	k->trips = probe_guard_trips(s->o.guard, NULL);
	err = k->channel ? probe_guard_choose(k->channel, s->proc->pid, n, &k->mechanism)
			 : probe_choose_for(s->proc->pid, n, &k->mechanism);
	if (err)
		return err == -EAGAIN || err == -EBUSY ? 1 : err;
	event_ns = k->channel ? probe_guard_event_ns(s->o.guard) : probe_event_ns(k->mechanism);
	ledger_set_price(&s->ledger, probe_price_of(k->mechanism, event_ns));
	log_debug("an event costs %.0f ns here", event_ns);
	k->fds_means = s->o.fds ? fds_choose(s->proc) : FDS_NONE;
	pids_quiet();
	err = py_births_may_run_at_once(s->rt) ? load_with(s, true) : -ENOTSUP;
	k->one_at_a_time = err != 0;
	/* rights, memory and descriptors say nothing of what the kernel knows */
	if (err && err != -EPERM && !fail_is_short(err))
		err = load_with(s, false);
	return err ? err : map_all(s);
}

void kern_close(struct kern *k)
{
	probe_guard_leave(k->channel);
	ring_buffer__free(k->ring);
	if (k->births)
		munmap((void *)(uintptr_t)k->births, PL_BIRTH_SLOTS * sizeof(struct pl_birth));
	if (k->died)
		munmap(k->died, sizeof(*k->died) * PL_BIRTH_SLOTS);
	if (k->stats)
		munmap((void *)(uintptr_t)k->stats, sizeof(struct pl_stats));
	pyleak_bpf__destroy(k->skel);
	*k = (struct kern){0};
}

void kern_forget_stacks(struct kern *k, const uint64_t *id, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bpf_map_delete_elem(bpf_map__fd(k->skel->maps.stacks_seen), &id[i]);
}
