/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which Python stack opened a descriptor, started a thread or a child. Descriptors come from
 * probes on libc's functions, or from the system calls' tracepoints where there is no libc to
 * probe; tasks from the scheduler's tracepoint, which fires once per fork and costs nobody else.
 * All calls block or may block, so threads are without the GIL here.
 */
#include "maps.h"
#include "pids.h"
#include "pyleak/fds.h"
#include "pyleak/native.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define F_DUPFD_	 0
#define F_DUPFD_CLOEXEC_ 1030
#define SOL_SOCKET_	 1
#define SCM_RIGHTS_	 1
#define CMSG_HEADER	 16
#define MSG_CONTROL	 32 /* in struct msghdr, and the length behind it */
#define MESSAGE_PARTS	 3  /* credentials and labels come before descriptors */
#define LARGEST_FD	 (1 << 24)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PL_FD_SLOTS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct pl_fd);
} fd_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PL_TASK_SLOTS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct pl_task);
} fd_tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct pl_fd_ctl);
} fd_ctl SEC(".maps");

/* By thread id, as native_calls. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PL_PENDING_SLOTS);
	__type(key, __u32);
	__type(value, struct pl_fd_call);
} fd_calls SEC(".maps");

static __always_inline struct pl_fd_ctl *ctl_any(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&fd_ctl, &zero);
}

static __always_inline int records(const struct pl_fd_ctl *ctl)
{
	return ctl->is_on && !sleeps();
}

static __always_inline struct pl_fd_ctl *ctl_get(void)
{
	struct pl_fd_ctl *ctl = ctl_any();

	return ctl && records(ctl) ? ctl : NULL;
}

static __always_inline struct pl_fd_call *call_get(__u32 tid)
{
	__u32 i = tid & (PL_PENDING_SLOTS - 1);

	return bpf_map_lookup_elem(&fd_calls, &i);
}

/* The inode that descriptor @fd of this process refers to. */
static __always_inline __u64 fd_inode(__u32 fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file ? BPF_CORE_READ(file, f_inode, i_ino) : 0;
}

static __always_inline void fd_put(__u32 fd, __u64 stack, __u64 caller)
{
	__u32 i = fd & (PL_FD_SLOTS - 1);
	struct pl_fd *slot = bpf_map_lookup_elem(&fd_slots, &i);

	if (!slot)
		return;
	*(volatile __u64 *)&slot->t_ns = 0;
	barrier();
	slot->stack = stack;
	slot->inode = fd_inode(fd);
	slot->caller = caller;
	slot->fd = fd;
	barrier();
	*(volatile __u64 *)&slot->t_ns = bpf_ktime_get_ns();
}

static __always_inline int fd_is_one(__s64 v)
{
	return v >= 0 && v < LARGEST_FD;
}

/* A call returned @ret, which is a descriptor or an error. */
static __always_inline void opened_one(struct pl_fd_ctl *ctl, __u32 tid, __s64 ret, __u64 caller)
{
	if (!fd_is_one(ret)) {
		__sync_fetch_and_add(&ctl->failed, 1);
		return;
	}
	__sync_fetch_and_add(&ctl->opened, 1);
	fd_put(ret, walk_current(tid, 0), caller);
}

struct control {
	__u64 len;
	__s32 level, type;
};

/* The descriptors that a received message brought go to c->fds; returns how many. How long the
 * control part is the kernel has written: behind that lies what an earlier message left. */
static __always_inline __u32 message_fds(struct pl_fd_call *c)
{
	__u64 part[2] = {}, n = 0; /* address and length */

	if (bpf_probe_read_user(part, sizeof(part), (void *)(c->arg + MSG_CONTROL)))
		return 0;
	for (int i = 0; i < MESSAGE_PARTS; i++) {
		struct control h = {};

		if (!part[0] || part[1] <= CMSG_HEADER ||
		    bpf_probe_read_user(&h, sizeof(h), (void *)part[0]) || h.len < CMSG_HEADER ||
		    h.len > part[1])
			return 0;
		if (h.level == SOL_SOCKET_ && h.type == SCM_RIGHTS_) {
			n = (h.len - CMSG_HEADER) / sizeof(__s32);
			break;
		}
		h.len = (h.len + 7) & ~7ULL;
		if (h.len > part[1])
			return 0;
		part[0] += h.len;
		part[1] -= h.len;
	}
	if (n > PL_CALL_FDS)
		n = PL_CALL_FDS;
	if (!n || bpf_probe_read_user(c->fds, n * sizeof(__s32), (void *)(part[0] + CMSG_HEADER)))
		return 0;
	return n;
}

/* The call @c returned @ret: into c->fds what it opened; returns how many. */
static __always_inline __u32 call_fds(struct pl_fd_call *c, __s64 ret)
{
	switch (c->how) {
	case PL_FD_PAIR:
		return ret == 0 && !bpf_probe_read_user(c->fds, 8, (void *)c->arg) ? 2 : 0;
	case PL_FD_FCNTL:
		c->fds[0] = ret;
		return ret >= 0;
	case PL_FD_DIR:
		return ret && !bpf_probe_read_user(c->fds, 4, (void *)ret);
	case PL_FD_MESSAGE:
		return ret >= 0 ? message_fds(c) : 0;
	}
	return 0;
}

/* All that one call opened has one stack. */
static __always_inline void opened_many(struct pl_fd_ctl *ctl, struct pl_fd_call *c, __u32 tid,
					__s64 ret, __u64 caller)
{
	__u32 n = call_fds(c, ret);
	__u64 stack;

	c->tid = 0;
	if (!n)
		return;
	__sync_fetch_and_add(&ctl->opened, 1);
	stack = walk_current(tid, 0);
	for (__u32 i = 0; i < PL_CALL_FDS; i++)
		if (i < n && fd_is_one(c->fds[i]))
			fd_put(c->fds[i], stack, caller);
}

static __always_inline int wants(__u32 how, __u64 arg)
{
	return how != PL_FD_FCNTL || (__u32)arg == F_DUPFD_ || (__u32)arg == F_DUPFD_CLOEXEC_;
}

/* Entries of the few functions whose arguments tell what was opened. */
SEC("?uprobe")
int fd_entry(struct pt_regs *ctx)
{
	__u64 id = bpf_get_current_pid_tgid(), ip = ctx->ip, arg;
	struct pl_fd_call *c;
	struct pl_fd_ctl *ctl;

	keep_own_stack(ctx);
	if (id >> 32 != config.tgid)
		return 0;
	ctl = ctl_get();
	c = call_get(id);
	if (!ctl || !c)
		return 0;
	__sync_fetch_and_add(&ctl->calls, 1);
	for (int i = 0; i < PL_FD_FNS; i++) {
		if (ctl->fns[i].ip != ip)
			continue;
		arg = reg_value(ctx, ctl->fns[i].reg);
		if (!wants(ctl->fns[i].how, arg))
			break;
		c->sp = ctx->sp;
		c->arg = arg;
		c->how = ctl->fns[i].how;
		c->tid = id;
		return 0;
	}
	c->tid = 0;
	return 0;
}

/* Returns of those. */
SEC("?uretprobe")
int fd_return_many(struct pt_regs *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct pl_fd_call *c;
	struct pl_fd_ctl *ctl;

	keep_own_stack(ctx);
	if (id >> 32 != config.tgid)
		return 0;
	ctl = ctl_any();
	c = call_get(id);
	if (!ctl || !c)
		return 0;
	if (!records(ctl)) {
		/* A call that was under way when the window closed is counted with its entry. */
		if (c->tid != (__u32)id)
			__sync_fetch_and_add(&ctl->unrecorded_many, 1);
		c->tid = 0;
	} else if (c->tid == (__u32)id && c->sp + 8 == ctx->sp)
		opened_many(ctl, c, id, c->how == PL_FD_DIR ? (__s64)ctx->ax : (__s32)ctx->ax,
			    ctx->ip);
	return 0;
}

/* Returns of functions that return a descriptor, whatever their arguments. */
SEC("?uretprobe")
int fd_return(struct pt_regs *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct pl_fd_ctl *ctl;

	keep_own_stack(ctx);
	if (id >> 32 != config.tgid)
		return 0;
	ctl = ctl_any();
	if (ctl && records(ctl))
		opened_one(ctl, id, (__s32)ctx->ax, ctx->ip);
	else if (ctl)
		__sync_fetch_and_add(&ctl->unrecorded, 1);
	return 0;
}

struct sys_enter_args {
	__u64 common;
	__s32 nr;
	__u32 pad; /* the arguments follow, 8 bytes each */
};

struct sys_exit_args {
	__u64 common;
	__s32 nr; /* what lies behind it is not always 0 */
	__u32 pad;
	__s64 ret;
};

/* x86-64 */
#define NR_RECVMSG    47
#define NR_SOCKETPAIR 53
#define NR_PIPE	      22
#define NR_FCNTL      72
#define NR_PIPE2      293

SEC("?tp/syscalls/sys_enter_pipe2")
int fd_sys_enter(struct sys_enter_args *ctx)
{
	__u64 id = bpf_get_current_pid_tgid(), arg = 0;
	__u32 how = PL_FD_PAIR, which = 0;
	__s32 nr = ctx->nr;
	struct pl_fd_call *c;
	struct pl_fd_ctl *ctl;

	if (id >> 32 != config.tgid)
		return 0;
	ctl = ctl_get();
	c = call_get(id);
	if (!ctl || !c)
		return 0;
	__sync_fetch_and_add(&ctl->calls, 1);
	if (nr == NR_SOCKETPAIR) {
		which = 3;
	} else if (nr == NR_FCNTL) {
		how = PL_FD_FCNTL;
		which = 1;
	} else if (nr == NR_RECVMSG) {
		how = PL_FD_MESSAGE;
		which = 1;
	}
	/* Not by the context: a program that reads the fourth argument there may not be put on a
	 * call that has but one. */
	bpf_probe_read_kernel(&arg, sizeof(arg), (const char *)ctx + 16 + 8 * which);
	c->tid = wants(how, arg) ? id : 0;
	c->how = how;
	c->arg = arg;
	return 0;
}

SEC("?tp/syscalls/sys_exit_openat")
int fd_sys_exit(struct sys_exit_args *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct pl_fd_call *c;
	__s64 ret = ctx->ret;
	__s32 nr = ctx->nr;
	struct pl_fd_ctl *ctl;

	if (id >> 32 != config.tgid)
		return 0;
	ctl = ctl_get();
	c = call_get(id);
	if (!ctl || !c)
		return 0;
	if (nr != NR_PIPE && nr != NR_PIPE2 && nr != NR_SOCKETPAIR && nr != NR_FCNTL &&
	    nr != NR_RECVMSG)
		opened_one(ctl, id, ret, 0);
	else if (c->tid == (__u32)id)
		opened_many(ctl, c, id, ret, 0);
	return 0;
}

/* A new thread, or a child. Runs in the thread that starts it. Asleep it walks no stack, yet the
 * start is recorded: a child that nobody saw start is in no count. */
SEC("?raw_tp/sched_process_fork")
int task_started(__u64 *ctx)
{
	struct task_struct *child = (struct task_struct *)ctx[1];
	__u64 id = bpf_get_current_pid_tgid();
	struct pl_fd_ctl *ctl = ctl_any();
	struct pl_task *slot;
	__u64 stack = 0;
	__u32 tid, i;

	if (id >> 32 != config.tgid)
		return 0;
	tid = pid_at(BPF_CORE_READ(child, thread_pid), config.pid_level).nr;
	i = tid & (PL_TASK_SLOTS - 1);
	slot = bpf_map_lookup_elem(&fd_tasks, &i);
	if (!slot || !ctl)
		return 0;
	if (!sleeps()) {
		__sync_fetch_and_add(&ctl->started, 1);
		stack = walk_current(id, 0);
	}
	*(volatile __u64 *)&slot->t_ns = 0;
	barrier();
	slot->tid = tid;
	slot->is_thread = BPF_CORE_READ(child, tgid) == config.tgid;
	slot->stack = stack;
	barrier();
	*(volatile __u64 *)&slot->t_ns = bpf_ktime_get_ns();
	return 0;
}
