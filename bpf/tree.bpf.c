/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Follows the descendants of watched processes. A child joins the table where it is started, before
 * it has run: however late user space comes round, no grandchild is missed. An object of its own:
 * one for all sessions of a run. The tracepoints fire once per fork, exec and exit of the host.
 */
#include "vmlinux.h"
#include "pyleak/pids.h"
#include "pyleak/tree.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "pids.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct pl_pids pids = {}; /* of the user half */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PL_TREE_SIZE);
	__type(key, __u32);
	__type(value, __u8);
} tree SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PL_TREE_RING_BYTES);
} tree_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct pl_tree_stats);
} tree_stats SEC(".maps");

static __always_inline void count(int is_lost)
{
	__u32 zero = 0;
	struct pl_tree_stats *st = bpf_map_lookup_elem(&tree_stats, &zero);

	if (st)
		__sync_fetch_and_add(is_lost ? &st->lost : &st->forks, 1);
}

/* The number of its process in our namespace; 0: it has none there. */
static __always_inline __u32 number_of(const struct task_struct *task)
{
	struct upid at;

	if (!pids.level)
		return BPF_CORE_READ(task, tgid);
	at = pid_at(BPF_CORE_READ(task, group_leader, thread_pid), pids.level);
	return BPF_CORE_READ(at.ns, ns.inum) == pids.ns ? at.nr : 0;
}

static __always_inline __u32 number_of_current(void)
{
	return number_of((const struct task_struct *)bpf_get_current_task());
}

static __always_inline int is_ours(__u32 pid)
{
	return bpf_map_lookup_elem(&tree, &pid) != NULL;
}

static __always_inline void tell(__u32 what, __u32 pid, __u32 ppid)
{
	struct pl_tree_event *e = bpf_ringbuf_reserve(&tree_events, sizeof(*e), 0);

	if (!e) {
		count(1);
		return;
	}
	e->t_ns = bpf_ktime_get_ns();
	e->pid = pid;
	e->ppid = ppid;
	e->what = what;
	e->pad = 0;
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

/* Runs in the parent; the child has not run yet. */
SEC("raw_tp/sched_process_fork")
int tree_fork(__u64 *ctx)
{
	__u32 parent = number_of_current(), pid = number_of((const struct task_struct *)ctx[1]);
	__u8 one = 1;

	if (pid == parent || !is_ours(parent)) /* a thread; somebody else's */
		return 0;
	count(0);
	if (bpf_map_update_elem(&tree, &pid, &one, BPF_ANY))
		count(1);
	tell(PL_TREE_FORK, pid, parent);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int tree_exec(__u64 *ctx)
{
	__u32 pid = number_of_current();

	if (is_ours(pid))
		tell(PL_TREE_EXEC, pid, 0);
	return 0;
}

/* Threads end here too: the process has when the last one does. */
SEC("raw_tp/sched_process_exit")
int tree_exit(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 pid = number_of_current();

	if (!is_ours(pid) || BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	bpf_map_delete_elem(&tree, &pid);
	tell(PL_TREE_EXIT, pid, 0);
	return 0;
}
