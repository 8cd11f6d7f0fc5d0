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

/* Returns not 0 when there is no room. */
static __always_inline int copy_send(struct pt_regs *ctx, __u32 tid,
				     const struct pl_native_pair *pair)
{
	struct pl_native_copy *r = bpf_ringbuf_reserve(&native_copies, sizeof(*r), 0);

	if (!r)
		return -1;
	r->pair = *pair;
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
