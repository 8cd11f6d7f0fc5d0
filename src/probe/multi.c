/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One uprobe_multi link (6.6+). It has no name: nobody else can remove it, add to it or enable it,
 * and nothing of it outlives us. To close it waits 25-45 ms for the kernel to forget it, long after
 * the breakpoints are out (6.18).
 */
#include "probe/mechanism_priv.h"
#include "probe/release.h"
#include "probe/waits_at.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UPROBE_MULTI_RETURN 1 /* BPF_F_UPROBE_MULTI_RETURN */

/* The part of union bpf_attr that BPF_LINK_CREATE reads for this attach type, as linux/bpf.h of 6.6
 * has it: older headers and libbpf before 1.3 do not know it. */
struct uprobe_multi_attr {
	__u32 prog_fd;
	__u32 target_fd;
	__u32 attach_type;
	__u32 link_flags;
	__u64 path;
	__u64 offsets;
	__u64 ref_ctr_offsets;
	__u64 cookies;
	__u32 cnt;
	__u32 flags;
	__u32 pid;
	__u32 pad;
};
_Static_assert(sizeof(struct uprobe_multi_attr) == 64, "as the kernel reads it");

/* The link finds its address space through the main thread: once that has ended (and others go on),
 * the kernel makes a link that never fires. */
static bool main_thread_ended(int pid)
{
	char state = waits_state(pid, pid, NULL, 0);

	return state == 'Z' || state == 'X';
}

int probe_check_main_thread(int pid)
{
	return main_thread_ended(pid)
		       ? fail(-ENOTSUP,
			      "the main thread of process %d has ended: uprobe_multi links cannot "
			      "follow the others",
			      pid)
		       : 0;
}

static int multi_open(struct probe_set *s)
{
	int err = probe_check_main_thread(s->pid);

	if (err)
		return err;
	s->fds = calloc(1, sizeof(*s->fds));
	return s->fds ? 0 : fail(-ENOMEM, "out of memory");
}

static int make_link(const struct probe_set *s, int prog_fd)
{
	struct uprobe_multi_attr attr = {
		.prog_fd = (__u32)prog_fd,
		.attach_type = PROBE_BPF_TRACE_UPROBE_MULTI,
		.path = (uintptr_t)s->path,
		.offsets = (uintptr_t)s->offsets,
		.cnt = (__u32)s->n,
		.flags = s->on_return ? UPROBE_MULTI_RETURN : 0,
		.pid = (__u32)s->pid,
	};
	int fd = (int)syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ESRCH:
		return fail(-ESRCH, "no process %d here any more", s->pid);
	case EPERM:
	case EACCES:
		return fail(-EPERM, "no permission for a uprobe_multi link: run as root or with "
				    "CAP_BPF and CAP_PERFMON");
	case EINVAL:
		return fail(-EINVAL, "the kernel has no uprobe_multi links (they came with 6.6), "
				     "or not on this file");
	}
	return fail(-errno, "the kernel refused a uprobe_multi link: %s", strerror(errno));
}

static int multi_on(struct probe_set *s)
{
	int fd = probe_check_main_thread(s->pid);

	if (!fd)
		fd = make_link(s, s->prog_fd);

	s->fds[0] = fd;
	return fd < 0 ? fd : 0;
}

static int multi_off(struct probe_set *s)
{
	close(s->fds[0]);
	return 0;
}

static int load_nothing(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = (enum bpf_attach_type)PROBE_BPF_TRACE_UPROBE_MULTI);
	const struct bpf_insn prog[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K}, /* return 0 */
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "pyleak_nothing", "Dual BSD/GPL", prog,
			     ARRAY_SIZE(prog), &opts);
}

/* A child has a copy of its parent's code, breakpoints included. The kernel runs no program for it,
 * but it traps, and nothing takes the breakpoints out before the link is closed. When another link
 * on the same places is closed, it looks at all who have them, and takes them out where nobody
 * wants them: of the children, not of the target. */
static int multi_shed(struct probe_set *s)
{
	auto_close int prog_fd = load_nothing();
	int fd = prog_fd < 0
			 ? fail(prog_fd, "the kernel refused a BPF program: %s", strerror(-prog_fd))
			 : make_link(s, prog_fd);

	return fd;
}

/* Until 6.6.54, 6.10.13 and 6.11.2 a link for which there was no descriptor left its probes behind,
 * and freed what they point to. */
bool probe_multi_is_sound(const char *release)
{
	struct release r;

	if (!release_parse(release, &r))
		return false;
	if (r.major == 6 && r.minor == 6)
		return r.patch >= 54;
	if (r.major == 6 && r.minor == 10)
		return r.patch >= 13;
	return !release_before(&r, 6, 11, 2);
}

const struct probe_ops probe_multi_ops = {
	.open = multi_open,
	.on = multi_on,
	.off = multi_off,
	.shed = multi_shed,
	.is_light = true,
};
