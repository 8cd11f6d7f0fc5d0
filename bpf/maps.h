/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All programs of the kernel half share this: configuration, maps, losses, work space, the table of
 * stacks. Each .bpf.c includes this; maps.bpf.c defines what is only declared elsewhere. A map
 * that one job alone uses belongs into the file of that job.
 *
 * A program that wants the Python stack of its thread calls walk_current(), which is:
 *	s = scratch_get(tid);			NULL: counted, go on without a stack
 *	walk_thread(&config.walk, s, config.max_frames, gil_held);
 *	id = remember_stack(s);			counts what the walk lost, sends a new stack
 *	scratch_put(s);				on every way out
 * Whoever needs room for more than the BPF stack holds may use the scratch area in between.
 */
#ifndef PYLEAK_MAPS_H
#define PYLEAK_MAPS_H

#include "vmlinux.h"
#include "pyleak/abi.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

static __always_inline int walk_read(void *dst, __u32 size, __u64 addr)
{
	return bpf_probe_read_user(dst, size, (const void *)addr);
}

/* The kernel keeps the value glibc set by arch_prctl or clone; one thread never changes it. */
static __always_inline __u64 walk_fsbase(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, thread.fsbase);
}

#include "walk.h"

#ifdef PL_DEFINE_MAPS
#define PL_SHARED
#else
#define PL_SHARED extern
#endif

#define SCRATCH_AREAS 256 /* a power of two */

#ifdef PL_DEFINE_MAPS
const volatile struct pl_config config = {};
#else
extern const volatile struct pl_config config;
#endif

/* Record i lies in slot i % PL_BIRTH_SLOTS. */
PL_SHARED struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PL_BIRTH_SLOTS);
	__type(key, __u32);
	__type(value, struct pl_birth);
} births SEC(".maps");

PL_SHARED struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, pl_birth_died[PL_BIRTH_SLOTS]);
} births_died SEC(".maps");

PL_SHARED struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pl_stats);
} stats SEC(".maps");

/* Run-time address of the probed instruction -> how to get the object. Filled by user space, again
 * after an exec of the target. Twice the entries: a half-full table is a fast table. */
PL_SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * PL_MAX_SITES);
	__type(key, __u64);
	__type(value, struct pl_site);
} sites SEC(".maps");

/* Stacks that user space has been told. It may delete ids to be told again. */
PL_SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PL_MAX_STACKS);
	__type(key, __u64);
	__type(value, __u8);
} stacks_seen SEC(".maps");

/* struct pl_stack records, cut behind their last frame. Never wakes the reader: consume it, do not
 * wait for it. */
PL_SHARED struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PL_RING_BYTES);
} ring SEC(".maps");

/* struct pl_native_copy records. Never wakes the reader. */
PL_SHARED struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PL_COPY_RING_BYTES);
} native_copies SEC(".maps");

/* (Python stack, type) of whose births copies are wanted. */
PL_SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * PL_COPY_WANTED);
	__type(key, struct pl_native_pair);
	__type(value, struct pl_native_ask);
} native_wanted SEC(".maps");

PL_SHARED struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SCRATCH_AREAS);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

static __always_inline struct pl_stats *stats_get(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&stats, &key);
}

/* Has the user half stood still for too long? To be asked now and then, and always when asleep. */
static __always_inline int is_overdue(struct pl_stats *st)
{
	__u64 deadline = *(volatile __u64 *)&st->deadline_ns;

	if (!deadline || bpf_ktime_get_ns() < deadline)
		return 0;
	st->asleep = 1;
	return 1;
}

/* For programs that are rare, or ask the time anyway. */
static __always_inline int sleeps(void)
{
	struct pl_stats *st = stats_get();

	return !st || *(volatile __u64 *)&st->asleep || is_overdue(st);
}

/*
 * The first thing a program on a uprobe does. From Linux 6.13 on such programs get a stack per CPU
 * in place of the one of their task, as if they could not be preempted. They can: the next thread
 * would overwrite what this one goes on with in kernel mode. A program that has a tail call in it
 * keeps the stack of its task. This one is never taken, and the verifier removes it.
 */
static const volatile __u8 tail_call_taken = 0;

static __always_inline void keep_own_stack(struct pt_regs *ctx)
{
	if (tail_call_taken)
		bpf_tail_call(ctx, NULL, 0);
}

/* Losses are rare, so that the atomic add does not matter; threads share the counters. */
static __always_inline void lose(__u32 why)
{
	struct pl_stats *st = stats_get();

	if (st && why < PL_LOST_MAX)
		__sync_fetch_and_add(&st->lost[why], 1);
}

/*
 * The work space of this thread. Not a per-CPU array: programs on uprobes can be preempted, and the
 * next thread on the CPU would overwrite it. Threads share an area only when their ids are equal
 * modulo SCRATCH_AREAS; the second one to come is refused. The lock is an add without fetch and
 * a look afterwards (5.10 has no compare-and-swap): two that come at once may refuse each other,
 * never both go on.
 */
static __always_inline struct scratch *scratch_get(__u32 tid)
{
	__u32 key = tid & (SCRATCH_AREAS - 1);
	struct scratch *s = bpf_map_lookup_elem(&scratch, &key);

	if (!s)
		return NULL;
	__sync_fetch_and_add(&s->busy, 1);
	if (*(volatile __u64 *)&s->busy == 1)
		return s;
	__sync_fetch_and_add(&s->busy, -1);
	lose(PL_LOST_SCRATCH_BUSY);
	return NULL;
}

static __always_inline void scratch_put(struct scratch *s)
{
	__sync_fetch_and_add(&s->busy, -1);
}

enum { STACK_BEING_SENT = 1, STACK_SENT = 2 };

/* Send the stack in @s to user space. It gets its place in the table first, so that a full table
 * does not send the same stack again and again; and counts as known only when it is in the ring:
 * another thread at the same place sends it too rather than name what the reader may not have. */
static __always_inline void stack_send(struct scratch *s, __u64 id)
{
	__u64 n = s->stack.n;
	__u8 state = STACK_BEING_SENT;

	if (bpf_map_update_elem(&stacks_seen, &id, &state, BPF_ANY)) {
		lose(PL_LOST_STACKS_FULL);
		return;
	}
	walk_opaque(n);
	n &= 2 * PL_MAX_FRAMES - 1; /* for the verifier: n <= PL_MAX_FRAMES anyway */
	if (n > PL_MAX_FRAMES)
		n = PL_MAX_FRAMES;
	if (bpf_ringbuf_output(&ring, &s->stack,
			       __builtin_offsetof(struct pl_stack, frames) +
				       n * sizeof(struct pl_frame),
			       BPF_RB_NO_WAKEUP)) {
		bpf_map_delete_elem(&stacks_seen, &id);
		lose(PL_LOST_RING_FULL);
		return;
	}
	state = STACK_SENT;
	/* The reader may have asked for it anew by now: then it is not known. */
	bpf_map_update_elem(&stacks_seen, &id, &state, BPF_EXIST);
}

/* After walk_thread(): count what it lost and send the stack when it is new. Returns its id. */
static __always_inline __u64 remember_stack(struct scratch *s)
{
	__u64 id = s->stack.id;
	const __u8 *state;

	if (s->why)
		lose(s->why - 1);
	if (!id)
		return 0;
	state = bpf_map_lookup_elem(&stacks_seen, &id);
	if (!state || *state != STACK_SENT)
		stack_send(s, id);
	return id;
}

/*
 * Id of the Python stack of this thread, 0 when there is none to be had. @gil_held: see
 * walk_thread(). A thread without Python state is normal where any code may call (malloc): only
 * with gil_held does it count as lost.
 *
 * It is not static, so that the verifier goes through the walk once in each program, whatever its
 * callers know by then: five programs in 0.3 s instead of 0.7.
 */
__u64 walk_current(__u32 tid, int gil_held);

#ifdef PL_DEFINE_MAPS
__noinline __u64 walk_current(__u32 tid, int gil_held)
{
	struct scratch *s = scratch_get(tid);
	__u64 id;

	if (!s)
		return 0;
	*(volatile __u32 *)&s->held = gil_held; /* else each turn of the walk is looked at twice */
	walk_thread(&config.walk, s, config.max_frames, gil_held);
	if (!*(volatile __u32 *)&s->held && s->why == 1 + PL_LOST_NO_TSTATE)
		s->why = 0;
	id = remember_stack(s);
	scratch_put(s);
	return id;
}
#endif

/* Register number in x86 encoding -> word of struct pt_regs. Volatile, or clang takes a table that
 * ends with 0 for a string and gives it a section, and so a map, of its own. */
static const volatile __u8 reg_word[16] = {10, 11, 12, 5, 19, 4, 13, 14, 9, 8, 7, 6, 3, 2, 1, 0};

/* A register by number. The context may only be read at fixed offsets, and 5.10 allows no variable
 * offsets into the BPF stack either (5.12 does); read like any other memory it works everywhere. */
static __always_inline __u64 reg_value(struct pt_regs *ctx, __u8 reg)
{
	__u64 word = reg_word[reg & 15], v = 0;

	bpf_probe_read_kernel(&v, sizeof(v), (const __u64 *)ctx + word);
	return v;
}

#endif
