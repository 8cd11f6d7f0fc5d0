/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Births: the probe at every place where a Python object comes to life records which object, of
 * which type, by which Python stack. Meant for bursts of up to a million births per second.
 */
#include "maps.h"
#include "native_copy.h"
#include "recheck.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline __u64 birth_object(struct pt_regs *ctx, const struct pl_site *site)
{
	__u64 addr = reg_value(ctx, site->reg) + (__s64)site->disp;

	return site->how == PL_OBJ_DEREF ? walk_word(addr) : addr;
}

/* The slot of record @i. lap is written last: a reader that finds the lap it expects has a whole
 * record. */
static __always_inline void birth_write(__u64 i, const struct pl_birth *b)
{
	__u32 key = i & (PL_BIRTH_SLOTS - 1);
	struct pl_birth *slot = bpf_map_lookup_elem(&births, &key);

	if (!slot)
		return;
	slot->object = b->object;
	slot->type = b->type;
	slot->stack = b->stack;
	slot->tid = b->tid;
	slot->site = b->site;
	barrier();
	*(volatile __u16 *)&slot->lap = i / PL_BIRTH_SLOTS + 1;
}

/* Record @i; NULL: it is not whole. */
static __always_inline const struct pl_birth *birth_read(__u64 i)
{
	__u32 key = i & (PL_BIRTH_SLOTS - 1);
	const struct pl_birth *slot = bpf_map_lookup_elem(&births, &key);

	return slot && slot->lap == (__u16)(i / PL_BIRTH_SLOTS + 1) ? slot : NULL;
}

/* Returns 0 and fills @b, or not 0 when this is none of ours or cannot be recorded. */
static __always_inline int birth_gather(struct pt_regs *ctx, struct pl_birth *b)
{
	__u64 id = bpf_get_current_pid_tgid(), ip = ctx->ip;
	const struct pl_site *site;

	if (id >> 32 != config.tgid)
		return -1;
	site = bpf_map_lookup_elem(&sites, &ip);
	if (!site) {
		lose(PL_LOST_UNKNOWN_SITE);
		return -1;
	}
	b->tid = id;
	b->site = site->number;
	b->object = birth_object(ctx, site);
	if (!b->object) {
		lose(PL_LOST_OBJECT_UNREADABLE);
		return -1;
	}
	b->stack = walk_current(b->tid, 1);
	/* Recorded even with an unknown type or stack: what counts then is that whatever lived at
	 * this address before is dead. The type comes last, or older verifiers go through the
	 * walk twice, for 0 and for the rest. */
	b->type = walk_word(b->object + config.type_offset);
	if (!b->type)
		lose(PL_LOST_OBJECT_UNREADABLE);
	return 0;
}

/* The user half wants to know who in C makes objects of this type at this Python line. */
static __always_inline void birth_copy(struct pt_regs *ctx, const struct pl_birth *b, __u64 number)
{
	struct pl_native_pair pair = {b->stack, b->type};
	struct pl_native_ask *ask = bpf_map_lookup_elem(&native_wanted, &pair);

	if (ask && ask_fits(ask, 0, 0))
		copy_send(ctx, b->tid, &pair, b->object, 0, number);
}

static __always_inline int is_dead(__u64 object)
{
	__u64 word[2];

	if (bpf_probe_read_user(word, sizeof(word), (void *)(object + config.counts_offset)))
		return 0;
	return config.counts_offset ? counts_are_none(word) : count_is_none(word[0]);
}

/* Looks at a birth of a while ago again. Not at one of another thread: from 3.12 on that may run at
 * this moment, and the count is set behind the probe. */
static __always_inline void recheck_one(pl_birth_died *died, __u64 number, __u64 first, __u32 tid)
{
	const struct pl_birth *slot;
	__u64 at;

	if (number <= first)
		return;
	at = number - recheck_back(bpf_get_prandom_u32(), number - first);
	slot = birth_read(at);
	if (!slot || slot->tid != tid || !is_dead(slot->object))
		return;
	barrier_var(at); /* old verifiers forget the bounds of what was on the stack */
	died[at & (PL_BIRTH_SLOTS - 1)] = 1;
}

static __noinline int recheck(__u64 number, __u64 first)
{
	__u32 zero = 0, tid = bpf_get_current_pid_tgid();
	pl_birth_died *died = bpf_map_lookup_elem(&births_died, &zero);

	if (!died)
		return 0;
#pragma unroll
	for (int i = 0; i < PL_RECHECKS; i++)
		recheck_one(died, number, first, tid);
	return 0;
}

/* The time is asked at every 64th birth: it costs 20 ns. */
static __always_inline int birth_sleeps(struct pl_stats *st)
{
	if (!*(volatile __u64 *)&st->off && !*(volatile __u64 *)&st->asleep &&
	    ((st->births & 63) || !is_overdue(st)))
		return 0;
	__sync_fetch_and_add(&st->unrecorded, 1);
	return 1;
}

static __always_inline int birth_is_left_out(struct pl_stats *st)
{
	__u64 skip = *(volatile __u64 *)&st->skip;

	if (!skip)
		return 0;
	*(volatile __u64 *)&st->skip = skip - 1;
	return 1;
}

/* Never one more once a birth was recorded. Below zero: none is left. */
static __always_inline int birth_is_left_out_shared(struct pl_stats *st)
{
	return *(volatile __s64 *)&st->skip > 0 &&
	       (__s64)__sync_fetch_and_add((__s64 *)&st->skip, -1) > 0;
}

/* One GIL: no two births at a time, so the counter is plain and published after the record. */
SEC("uprobe")
int birth(struct pt_regs *ctx)
{
	struct pl_stats *st = stats_get();
	struct pl_birth b;
	__u64 i;

	keep_own_stack(ctx);
	if (!st || birth_sleeps(st) || birth_is_left_out(st) || birth_gather(ctx, &b))
		return 0;
	i = st->births;
	if (st->recheck)
		recheck(i, st->recheck - 1);
	if (st->wanted)
		birth_copy(ctx, &b, i);
	birth_write(i, &b);
	barrier();
	*(volatile __u64 *)&st->births = i + 1;
	return 0;
}

/* Interpreters with a GIL of their own (3.12+) run the same code: births at a time. Takes the
 * number before it writes, so the reader must look at lap. Needs the fetching add of 5.12. */
SEC("?uprobe")
int birth_shared(struct pt_regs *ctx)
{
	struct pl_stats *st = stats_get();
	struct pl_birth b;
	__u64 i;

	keep_own_stack(ctx);
	if (!st || birth_sleeps(st) || birth_is_left_out_shared(st) || birth_gather(ctx, &b))
		return 0;
	i = __sync_fetch_and_add(&st->births, 1);
	if (st->recheck)
		recheck(i, st->recheck - 1);
	if (st->wanted)
		birth_copy(ctx, &b, i);
	birth_write(i, &b);
	return 0;
}

/* Where objects of the type that is asked about die. What lives at the address afterwards was born
 * since, also where that came at once: no birth between the two could look at the count. */
SEC("uprobe")
int death(struct pt_regs *ctx)
{
	__u32 zero = 0;
	struct pl_stats *st = stats_get();
	pl_birth_died *died = bpf_map_lookup_elem(&births_died, &zero);
	__u64 object, number, type;

	keep_own_stack(ctx);
	if (!st || bpf_get_current_pid_tgid() >> 32 != config.tgid)
		return 0;
	if (*(volatile __u64 *)&st->off) {
		__sync_fetch_and_add(&st->unrecorded, 1);
		return 0;
	}
	__sync_fetch_and_add(&st->deaths, 1); /* it has cost what it costs */
	if (!died || !st->recheck || *(volatile __u64 *)&st->asleep ||
	    (!(st->deaths & 63) && is_overdue(st)))
		return 0;
	object = reg_value(ctx, st->dying_reg);
	type = st->dying;
	number = *(volatile __u64 *)&st->births;
	for (__u32 back = 1; back <= PL_LAST_BIRTHS; back++) {
		__u64 at = number - back;
		const struct pl_birth *b;

		if (number < st->recheck - 1 + back)
			return 0;
		b = birth_read(at);
		if (!b || b->object != object)
			continue;
		barrier_var(at);
		if (b->type == type)
			died[at & (PL_BIRTH_SLOTS - 1)] = 1;
		return 0;
	}
	return 0;
}

/* A child inherits the breakpoints that are in. Runs in the thread that forks; the child has not
 * run yet. Loaded for uprobe_multi, which leaves them there (src/session/forks.c). */
SEC("?raw_tp/sched_process_fork")
int target_forked(__u64 *ctx)
{
	struct task_struct *child = (struct task_struct *)ctx[1];
	struct task_struct *parent = (struct task_struct *)bpf_get_current_task();
	struct pl_stats *st = stats_get();

	if (st && bpf_get_current_pid_tgid() >> 32 == config.tgid &&
	    BPF_CORE_READ(child, mm) != BPF_CORE_READ(parent, mm))
		__sync_fetch_and_add(&st->forks, 1);
	return 0;
}
