/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A process has a number in its own pid namespace, and one in each of those that this lies in. */
#ifndef PYLEAK_BPF_PIDS_H
#define PYLEAK_BPF_PIDS_H

/* Zeroes where it lies in none of that level. */
static __always_inline struct upid pid_at(const struct pid *pid, __u32 level)
{
	struct upid at = {};

	if (pid && BPF_CORE_READ(pid, level) >= level)
		bpf_probe_read_kernel(&at, sizeof(at), &pid->numbers[0] + level);
	return at;
}

#endif
