/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A copy of the thread's stack for the first block of each (Python stack, caller), to be unwound in
 * user space. So many between two visits of the reader; a pair that had to wait is copied at a
 * later block of its. That is no loss; the reader counts the sites that never got one.
 */
#ifndef PYLEAK_NATIVE_COPY_H
#define PYLEAK_NATIVE_COPY_H

#include "pyleak/native.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PL_COPY_SEEN);
	__type(key, struct pl_native_pair);
	__type(value, __u8);
} native_seen SEC(".maps");

/* struct pl_native_copy records. Never wakes the reader. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PL_COPY_RING_BYTES);
} native_copies SEC(".maps");

static __always_inline void copy_fill(struct pl_native_copy *r, struct pt_regs *ctx)
{
	r->reg[PL_COPY_IP] = ctx->ip;
	r->reg[PL_COPY_SP] = ctx->sp;
	r->reg[PL_COPY_BP] = ctx->bp;
	r->reg[PL_COPY_BX] = ctx->bx;
	r->reg[PL_COPY_R12] = ctx->r12;
	r->reg[PL_COPY_R13] = ctx->r13;
	r->reg[PL_COPY_R14] = ctx->r14;
	r->reg[PL_COPY_R15] = ctx->r15;
	r->start = ctx->sp & -4096ULL;
	r->pages = 0;
	/* Page by page: the stack may end before the copy does. */
	for (int i = 0; i < PL_COPY_PAGES; i++) {
		if (bpf_probe_read_user(&r->data[i * 4096], 4096,
					(const void *)(r->start + i * 4096)))
			break;
		r->pages = i + 1;
	}
}

static __always_inline void copy_stack(struct pt_regs *ctx, struct pl_native_ctl *ctl, __u32 tid,
				       __u64 stack, __u64 caller)
{
	struct pl_native_pair pair = {stack, caller};
	struct pl_native_copy *r;
	__u8 one = 1;

	if (bpf_map_lookup_elem(&native_seen, &pair))
		return;
	if (*(volatile __s32 *)&ctl->copies <= 0)
		return;
	/* Marked first: of two threads that come at once, one copies. */
	if (bpf_map_update_elem(&native_seen, &pair, &one, BPF_NOEXIST))
		return;
	__sync_fetch_and_add(&ctl->copies, -1);
	r = bpf_ringbuf_reserve(&native_copies, sizeof(*r), 0);
	if (!r) {
		bpf_map_delete_elem(&native_seen, &pair);
		return;
	}
	r->pair = pair;
	r->tid = tid;
	copy_fill(r, ctx);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

#endif
