/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Native blocks: the malloc and mmap families of libc, entry and return paired per thread. One
 * program for all entries (the function is told by the probed address), one for all returns, one
 * that only counts. Loads on 5.10: no cookies, no atomics that fetch.
 */
#include "maps.h"
#include "native_blocks.h"
#include "native_copy.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A call that takes longer than this is taken to have lost its return (a thread that was killed
 * inside, a return probe that found no slot), and the thread is not blind for ever. */
#define STALE_CALL_NS 1000000000ULL

#define PROT_NONE_	0
#define MAP_ANONYMOUS_	0x20
#define MAP_STACK_	0x20000
#define MAP_FAILED_FROM (-4095UL)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct pl_native_ctl);
} native_ctl SEC(".maps");

/* Direct-mapped by thread id: 12 ns where a hash takes 500 for its insert and delete. Thread ids of
 * one process that agree in their low bits while both are inside an allocator are counted lost. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * PL_PENDING_SLOTS);
	__type(key, __u32);
	__type(value, struct pl_native_call);
} native_calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PL_NATIVE_RING_BYTES);
} native_ring SEC(".maps");

/* (Python stack, caller) whose native stack has been copied, and what more is wanted of it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PL_COPY_SEEN);
	__type(key, struct pl_native_pair);
	__type(value, struct pl_native_ask);
} native_seen SEC(".maps");

/* Register @n in x86 numbering; -1 for PL_REG_NONE. Each load is spelled out in assembler: the
 * verifier takes neither a variable offset into the context nor, before 5.12, one into the stack.
 */
#define REG_CASE(n, member)                                                      \
	case n:                                                                  \
		asm volatile("%0 = *(u64 *)(%1 + %2)"                            \
			     : "=r"(v)                                           \
			     : "r"(ctx), "i"(offsetof(struct pt_regs, member))); \
		break;

static __always_inline __u64 reg_read(struct pt_regs *ctx, __u8 n)
{
	__u64 v = -1ULL;

	switch (n) {
		REG_CASE(0, ax)
		REG_CASE(1, cx)
		REG_CASE(2, dx)
		REG_CASE(3, bx)
		REG_CASE(4, sp)
		REG_CASE(5, bp)
		REG_CASE(6, si)
		REG_CASE(7, di)
		REG_CASE(8, r8)
		REG_CASE(9, r9)
		REG_CASE(10, r10)
		REG_CASE(11, r11)
		REG_CASE(12, r12)
		REG_CASE(13, r13)
		REG_CASE(14, r14)
		REG_CASE(15, r15)
	}
	return v;
}

static __always_inline int is_map_fn(__u8 fn)
{
	return fn >= PL_FN_MMAP;
}

static __always_inline struct pl_native_call *call_slot(__u32 tid, int is_map)
{
	__u32 i = (tid & (PL_PENDING_SLOTS - 1)) * 2 + is_map;

	return bpf_map_lookup_elem(&native_calls, &i);
}

/* Is the thread, whose stack pointer is @n->sp now, inside the call @c? */
static __always_inline int is_inside(const struct pl_native_call *c, const struct pl_native_call *n,
				     __u32 epoch)
{
	return c->tid == n->tid && c->epoch == epoch && n->sp < c->sp &&
	       n->entered_ns - c->entered_ns < STALE_CALL_NS;
}

static __always_inline void event_put(__u32 op, __u64 addr, const struct pl_block *b)
{
	struct pl_native_event *e = bpf_ringbuf_reserve(&native_ring, sizeof(*e), 0);

	if (!e) {
		__u32 zero = 0;
		struct pl_native_ctl *ctl = bpf_map_lookup_elem(&native_ctl, &zero);

		lose(PL_LOST_RING_FULL);
		if (ctl)
			__sync_fetch_and_add(&ctl->lost, 1);
		return;
	}
	e->addr = addr;
	e->size = b ? b->size : 0;
	e->stack = b ? b->site.stack : 0;
	e->caller = b ? b->site.caller : 0;
	e->born_ns = b ? b->born_ns : 0;
	e->op = op;
	e->depth = b ? b->site.depth : 0;
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

static __always_inline __u32 log2_of(__u64 v)
{
	__u32 r = 0;

	if (v >> 32) {
		v >>= 32;
		r += 32;
	}
	if (v >> 16) {
		v >>= 16;
		r += 16;
	}
	if (v >> 8) {
		v >>= 8;
		r += 8;
	}
	if (v >> 4) {
		v >>= 4;
		r += 4;
	}
	if (v >> 2) {
		v >>= 2;
		r += 2;
	}
	return r + (v >> 1);
}

/* A block from before we came ends. glibc keeps the chunk's size in the word in front of it, its
 * low bits are flags. */
static __always_inline void unknown_end(struct pl_native_ctl *ctl, __u64 addr)
{
	__u64 size = 0;
	__u32 bin;

	if (!ctl->has_chunks)
		return;
	if (bpf_probe_read_user(&size, sizeof(size), (void *)(addr - 8)))
		return;
	size &= ~7ULL;
	/* A block of a size that is filtered need not be from before us. */
	if (size < config.min_size + 24 || size - 8 > config.max_size)
		return;
	bin = log2_of(size);
	if (bin < PL_UNKNOWN_BINS)
		__sync_fetch_and_add(&ctl->unknown[bin], 1);
}

static __always_inline void block_end(struct pl_native_ctl *ctl, __u32 mode, __u64 addr)
{
	struct pl_block b;

	if (!addr)
		return;
	if (mode == PL_NATIVE_BURST)
		event_put(PL_NATIVE_FREE, addr, NULL);
	else if (!block_take(addr, &b))
		unknown_end(ctl, addr);
}

/* The size asked for and the old block, from the arguments; 0 when the call makes no block we
 * count. */
static __always_inline int call_read(struct pl_native_call *c, __u8 fn, const __u64 *a)
{
	c->ptr = 0;
	switch (fn) {
	case PL_FN_CALLOC:
		c->size = a[0] * a[1]; /* when that overflows, the call fails */
		return 1;
	case PL_FN_REALLOC:
	case PL_FN_POSIX_MEMALIGN:
		c->ptr = a[0];
		c->size = a[1];
		return 1;
	case PL_FN_MMAP:
		c->size = (a[0] + PL_PAGE - 1) & -PL_PAGE;
		/* no memory of the process's own: files, reservations; thread stacks end with
		 * their thread */
		return (a[1] & MAP_ANONYMOUS_) && !(a[1] & MAP_STACK_) && a[2] != PROT_NONE_;
	case PL_FN_MREMAP:
		c->ptr = a[0];
		c->size = (a[2] + PL_PAGE - 1) & -PL_PAGE;
		return 1;
	default:
		c->size = a[0];
		return 1;
	}
}

/* realloc and mremap end the old block at entry: at return its address may belong to another
 * thread's new block. A failed call gives it back. */
static __always_inline void call_take_old(struct pl_native_call *c, struct pl_native_ctl *ctl,
					  __u64 old_len)
{
	c->has_old = 0;
	if (!c->ptr || c->fn == PL_FN_POSIX_MEMALIGN)
		return;
	if (c->fn == PL_FN_REALLOC && ctl->mode == PL_NATIVE_BURST) {
		event_put(PL_NATIVE_FREE, c->ptr, NULL);
		return;
	}
	c->has_old = block_take(c->ptr, &c->old);
	if (c->fn == PL_FN_REALLOC && !c->has_old)
		unknown_end(ctl, c->ptr);
	old_len = (old_len + PL_PAGE - 1) & -PL_PAGE;
	if (c->has_old && c->fn == PL_FN_MREMAP && old_len < c->old.size) {
		struct pl_block rest = c->old;

		rest.size -= old_len;
		block_put(c->ptr + old_len, &rest);
		c->old.size = old_len;
	}
}

static __always_inline void call_enter(struct pl_native_call *n, struct pl_native_ctl *ctl,
				       const __u64 *a)
{
	int is_map = is_map_fn(n->fn);
	struct pl_native_call *c = call_slot(n->tid, is_map);
	struct pl_native_call *heap = is_map ? call_slot(n->tid, 0) : c;

	if (!c || !heap)
		return;
	if (is_inside(c, n, n->epoch)) /* libc calling itself: the outer call counts */
		return;
	if (is_map && ctl->mode == PL_NATIVE_EXACT && is_inside(heap, n, ctl->epoch[0]))
		return; /* memory for malloc: its blocks are counted, not its mappings */
	/* Another function at the same depth: it was jumped to (realloc(NULL, n) is malloc(n)). */
	if (c->tid && c->epoch == n->epoch && !(c->sp == n->sp && c->fn != n->fn))
		lose(PL_LOST_PENDING_LOST);
	c->tid = 0;
	if (!call_read(n, n->fn, a))
		return;
	call_take_old(n, ctl, a[1]);
	if (n->fn == PL_FN_MREMAP && !n->has_old) /* of something that is not in the table */
		return;
	if (n->size < config.min_size || n->size > config.max_size) {
		if (!n->has_old)
			return;
		n->is_filtered = 1;
	}
	*c = *n;
}

/* A call that is met then is counted, and no more. */
static __always_inline int call_sleeps(struct pl_native_ctl *ctl)
{
	if (!sleeps())
		return 0;
	__sync_fetch_and_add(&ctl->unrecorded, 1);
	return 1;
}

/* The place in pl_native_ctl.fns of the function that is probed at @ip; PL_FN_MAX: there is none.
 * Not static: the verifier goes through it by itself, and takes what it returns as unknown; else it
 * would go on from each place. */
int fn_at(__u64 ip);

__noinline int fn_at(__u64 ip)
{
	__u32 zero = 0, i;
	struct pl_native_ctl *ctl = bpf_map_lookup_elem(&native_ctl, &zero);

	for (i = 0; ctl && i < PL_FN_MAX; i++)
		if (ctl->fns[i].ip == ip)
			return i;
	return PL_FN_MAX;
}

SEC("uprobe")
int native_entry(struct pt_regs *ctx)
{
	__u64 id = bpf_get_current_pid_tgid(), a[PL_FN_ARGS], ip = ctx->ip;
	struct pl_native_ctl *ctl;
	__u32 zero = 0, mode, i;
	__u8 fn;

	keep_own_stack(ctx);
	if (id >> 32 != config.tgid)
		return 0;
	ctl = bpf_map_lookup_elem(&native_ctl, &zero);
	if (!ctl || call_sleeps(ctl))
		return 0;
	i = fn_at(ip);
	if (i >= PL_FN_MAX) {
		lose(PL_LOST_UNKNOWN_SITE);
		return 0;
	}
	fn = ctl->fns[i].fn;
	mode = is_map_fn(fn) ? (ctl->mmap_on ? PL_NATIVE_EXACT : PL_NATIVE_OFF) : ctl->mode;
	if (mode == PL_NATIVE_OFF) {
		__sync_fetch_and_add(&ctl->unrecorded, 1);
		return 0;
	}
	for (int k = 0; k < PL_FN_ARGS; k++)
		a[k] = reg_read(ctx, ctl->fns[i].reg[k]);
	if (PL_FN_IS_FREE(fn)) {
		__sync_fetch_and_add(&ctl->frees, 1);
		block_end(ctl, mode, a[0]);
	} else if (fn == PL_FN_MUNMAP) {
		map_end(a[0], a[1]);
	} else {
		struct pl_native_call n = {
			.sp = ctx->sp,
			.entered_ns = bpf_ktime_get_ns(),
			.tid = id,
			.fn = fn,
			.epoch = ctl->epoch[is_map_fn(fn)],
		};

		__sync_fetch_and_add(is_map_fn(fn) ? &ctl->maps : &ctl->entries, 1);
		call_enter(&n, ctl, a);
	}
	return 0;
}

/* The address the call gave, 0 when it failed. */
static __always_inline __u64 call_result(const struct pl_native_call *c, __u64 ax)
{
	__u64 addr = 0;

	if (c->fn == PL_FN_POSIX_MEMALIGN) {
		if (!(__u32)ax)
			bpf_probe_read_user(&addr, sizeof(addr), (void *)c->ptr);
		return addr;
	}
	if (is_map_fn(c->fn))
		return ax >= MAP_FAILED_FROM ? 0 : ax;
	return ax;
}

/* Is the pair new? Marked at once: of two threads that come together, one copies. */
static __always_inline int pair_is_new(const struct pl_native_pair *pair)
{
	struct pl_native_ask nothing = {};

	return !bpf_map_update_elem(&native_seen, pair, &nothing, BPF_NOEXIST);
}

/* So many between two visits of the reader; a pair that had to wait is copied at a later block of
 * its. That is no loss; the reader counts the sites that never got one. */
static __always_inline void copy_stack(struct pt_regs *ctx, struct pl_native_ctl *ctl, __u32 tid,
				       __u64 addr, const struct pl_block *b)
{
	struct pl_native_pair pair = {b->site.stack, b->site.caller};
	struct pl_native_ask *ask = bpf_map_lookup_elem(&native_seen, &pair);

	if (*(volatile __s32 *)&ctl->copies <= 0)
		return;
	if (ask ? !ask_fits(ask, b->size, b->site.depth) : !pair_is_new(&pair))
		return;
	__sync_fetch_and_add(&ctl->copies, -1);
	if (copy_send(ctx, tid, &pair, addr, b->size, b->born_ns) && !ask)
		bpf_map_delete_elem(&native_seen, &pair);
}

static __always_inline void call_done(struct pt_regs *ctx, struct pl_native_ctl *ctl,
				      const struct pl_native_call *c, __u32 mode, __u64 addr)
{
	__u64 caller = ctx->ip;
	int is_map = is_map_fn(c->fn);
	struct pl_block b = {};

	if (!addr) {
		/* realloc(p, 0) freed p and returns NULL: no failure */
		if (c->has_old && c->size)
			block_put(c->ptr, &c->old);
		return;
	}
	if (c->is_filtered)
		return;
	b.size = c->size;
	/* a block that grows keeps its age and belongs to who made it grow */
	b.born_ns = c->has_old ? c->old.born_ns : c->entered_ns;
	b.site.stack = walk_current(c->tid, 0);
	b.site.caller = caller;
	b.site.kind = is_map ? PL_KIND_MMAP : PL_KIND_HEAP;
	b.site.depth = ctx->sp >> 3;
	if (config.native_stacks)
		copy_stack(ctx, ctl, c->tid, addr, &b);
	if (!is_map && mode == PL_NATIVE_BURST) {
		event_put(PL_NATIVE_ALLOC, addr, &b);
		return;
	}
	block_put(addr, &b);
	if (is_map)
		recent_add(addr, b.size);
}

/* After the return sp is one word above the entry's, and ip is the caller's return address: the
 * kernel has put both right before it calls us. */
static __always_inline int call_leave(struct pt_regs *ctx, struct pl_native_ctl *ctl, __u32 tid,
				      int is_map, __u32 mode)
{
	struct pl_native_call *c = call_slot(tid, is_map), mine;

	if (!c || c->tid != tid || c->epoch != ctl->epoch[is_map] || c->sp + 8 != ctx->sp)
		return 0; /* filtered, nested, or entered before we were there */
	mine = *c;
	c->tid = 0;
	call_done(ctx, ctl, &mine, mode, call_result(&mine, ctx->ax));
	return 1;
}

SEC("uretprobe")
int native_return(struct pt_regs *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct pl_native_ctl *ctl;
	__u32 zero = 0;

	keep_own_stack(ctx);
	if (id >> 32 != config.tgid)
		return 0;
	ctl = bpf_map_lookup_elem(&native_ctl, &zero);
	if (!ctl || call_sleeps(ctl))
		return 0;
	if (ctl->mode != PL_NATIVE_OFF)
		call_leave(ctx, ctl, id, 0, ctl->mode);
	else
		__sync_fetch_and_add(&ctl->unrecorded, 1);
	return 0;
}

/* Returns of the mmap family: a probe set of its own, so it has a program of its own. */
SEC("uretprobe")
int native_map_return(struct pt_regs *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct pl_native_ctl *ctl;
	__u32 zero = 0;

	keep_own_stack(ctx);
	if (id >> 32 != config.tgid)
		return 0;
	ctl = bpf_map_lookup_elem(&native_ctl, &zero);
	if (ctl && !call_sleeps(ctl))
		call_leave(ctx, ctl, id, 1, PL_NATIVE_EXACT);
	return 0;
}

/* Entry only: how many calls are there? */
SEC("uprobe")
int native_meter(struct pt_regs *ctx)
{
	__u32 zero = 0;
	struct pl_native_ctl *ctl = bpf_map_lookup_elem(&native_ctl, &zero);

	keep_own_stack(ctx);
	if (ctl && bpf_get_current_pid_tgid() >> 32 == config.tgid)
		__sync_fetch_and_add(&ctl->metered, 1);
	return 0;
}
