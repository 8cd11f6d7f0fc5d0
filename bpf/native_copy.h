/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A copy of the thread's stack, to be unwound in user space; see struct pl_native_copy. */
#ifndef PYLEAK_NATIVE_COPY_H
#define PYLEAK_NATIVE_COPY_H

static __always_inline void copy_regs(struct pl_native_copy *r, struct pt_regs *ctx)
{
	r->reg[0] = ctx->ax;
	r->reg[1] = ctx->dx;
	r->reg[2] = ctx->cx;
	r->reg[3] = ctx->bx;
	r->reg[4] = ctx->si;
	r->reg[5] = ctx->di;
	r->reg[6] = ctx->bp;
	r->reg[7] = ctx->sp;
	r->reg[8] = ctx->r8;
	r->reg[9] = ctx->r9;
	r->reg[10] = ctx->r10;
	r->reg[11] = ctx->r11;
	r->reg[12] = ctx->r12;
	r->reg[13] = ctx->r13;
	r->reg[14] = ctx->r14;
	r->reg[15] = ctx->r15;
	r->reg[16] = ctx->ip;
}

/* Is a block of @size (0 of an object) one of those that are asked for? By chance: the first after
 * a moment of rest may always come the same way. */
static __always_inline int ask_fits(struct pl_native_ask *ask, __u64 size, __u32 depth)
{
	if (*(volatile __s32 *)&ask->left <= 0 || size < ask->min_size || size > ask->max_size)
		return 0;
	if (ask->depth && ask->depth != depth)
		return 0;
	if (size < ask->scale && (__u64)bpf_get_prandom_u32() * ask->scale >> 32 >= size)
		return 0;
	if (!ask->met)
		ask->met = 1;
	if (ask->rarely && bpf_get_prandom_u32() & ask->rarely)
		return 0;
	__sync_fetch_and_add(&ask->left, -1);
	return 1;
}

/* @born: as in struct pl_native_copy. Returns not 0 when there is no room. */
static __always_inline int copy_send(struct pt_regs *ctx, __u32 tid,
				     const struct pl_native_pair *pair, __u64 addr, __u64 size,
				     __u64 born)
{
	struct pl_native_copy *r = bpf_ringbuf_reserve(&native_copies, sizeof(*r), 0);

	if (!r)
		return -1;
	r->pair = *pair;
	r->addr = addr;
	r->size = size;
	r->born = born;
	r->tid = tid;
	copy_regs(r, ctx);
	r->start = ctx->sp & -4096ULL;
	r->pages = 0;
	/* Page by page: the stack may end before the copy does. */
	for (int i = 0; i < PL_COPY_PAGES; i++) {
		if (bpf_probe_read_user(&r->data[i * 4096], 4096,
					(const void *)(r->start + i * 4096)))
			break;
		r->pages = i + 1;
	}
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif
