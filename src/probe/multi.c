/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One uprobe_multi link (6.6+): nothing to clean up; closing it waits 25-35 ms (6.18). */
#include "probe/mechanism_priv.h"

#include <linux/bpf.h>
#include <stdio.h>
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
	char path[32], text[512];
	FILE *f;
	char *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	p = strrchr(text, ')');
	return p && (!strncmp(p, ") Z", 3) || !strncmp(p, ") X", 3));
}

static int multi_open(struct probe_set *s)
{
	if (main_thread_ended(s->pid))
		return fail(-ENOTSUP,
			    "the main thread of process %d has ended: uprobe_multi links cannot "
			    "follow the others",
			    s->pid);
	s->fds = calloc(1, sizeof(*s->fds));
	return s->fds ? 0 : fail(-ENOMEM, "out of memory");
}

static int multi_on(struct probe_set *s)
{
	struct uprobe_multi_attr attr = {
		.prog_fd = (__u32)s->prog_fd,
		.attach_type = PROBE_BPF_TRACE_UPROBE_MULTI,
		.path = (uintptr_t)s->path,
		.offsets = (uintptr_t)s->offsets,
		.cnt = (__u32)s->n,
		.flags = s->on_return ? UPROBE_MULTI_RETURN : 0,
		.pid = (__u32)s->pid,
	};

	s->fds[0] = (int)syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	if (s->fds[0] >= 0)
		return 0;
	switch (errno) {
	case ESRCH:
		return fail(-ESRCH, "no process %d here any more", s->pid);
	case EPERM:
	case EACCES:
		return fail(-EPERM, "no permission for a uprobe_multi link: run as root or with "
				    "CAP_BPF and CAP_PERFMON");
	case EINVAL:
		return fail(-ENOTSUP, "the kernel has no uprobe_multi links (they came with 6.6)");
	}
	return fail(-errno, "the kernel refused a uprobe_multi link: %s", strerror(errno));
}

static void multi_off(struct probe_set *s)
{
	close(s->fds[0]);
}

const struct probe_ops probe_multi_ops = {
	.open = multi_open,
	.on = multi_on,
	.off = multi_off,
};
