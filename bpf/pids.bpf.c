/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells a user half in a pid namespace of its own which process the kernel means. Never attached:
 * the thread that asks runs it (BPF_PROG_TEST_RUN), with a descriptor of that process. An object of
 * its own: what it tells is configuration of the others.
 */
#include "vmlinux.h"
#include "pyleak/pids.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "pids.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 pidfd = 0;
struct pl_pids told = {};

/* The file of a pidfd leads to the process; from 6.9 on its inode does. */
static __always_inline const struct pid *pid_of_fd(const struct task_struct *task)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;
	const struct pid *pid;

	if (pidfd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), files + pidfd);
	pid = BPF_CORE_READ(file, f_inode, i_private);
	return pid ? pid : BPF_CORE_READ(file, private_data);
}

SEC("raw_tp/sys_enter")
int tell(void *ctx)
{
	const struct task_struct *task = (const struct task_struct *)bpf_get_current_task();
	const struct pid *ours = BPF_CORE_READ(task, thread_pid), *pid = pid_of_fd(task);
	__u32 level = BPF_CORE_READ(ours, level);
	struct upid at = pid_at(ours, level), here = pid_at(pid, level);

	told.level = level;
	told.ns = BPF_CORE_READ(at.ns, ns.inum);
	told.tgid = pid_at(pid, 0).nr;
	told.here = here.ns == at.ns ? here.nr : 0;
	return 0;
}
