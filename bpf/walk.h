/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The Python walker: the stack of the current thread as (code object, instruction) pairs, for
 * CPython 3.8 - 3.15, driven by struct pl_walk.
 *
 * It knows no map and no helper, only two functions that its includer defines before:
 *	static int walk_read(void *dst, __u32 size, __u64 addr);
 *		not 0, and zeroes, when unreadable
 *	static __u64 walk_fsbase(void);
 *		of the current thread
 * so that tests/walk compiles it for the host (with PYLEAK_HOST) over recorded memory.
 *
 * Reading. One bpf_probe_read_user costs about 64 ns however short, 2 KiB cost 175. In 3.11+ the
 * frames of a thread lie one behind the other in its data stack, callers at lower addresses. So
 * the first read is a window that ends behind the current frame, and the walk goes on inside
 * it; a frame just below the window, or just below the last frame, moves the window; any other
 * frame (generators, C entry shims, all frames of 3.8 - 3.10) costs one small read. The window
 * never begins before the page of its frame: that page is there, the one before need not be,
 * and a read that fails costs a microsecond.
 */
#ifndef PYLEAK_WALK_H
#define PYLEAK_WALK_H

#include "pyleak/abi.h"

#ifndef PYLEAK_HOST
#include <bpf/bpf_helpers.h>
#endif
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define WALK_PAGE      4096
#define WALK_FRAME_MAX 112  /* largest pl_walk.frame_size: 3.8 keeps f_lasti at 104 */
#define WALK_BACK      3072 /* bytes of a window in front of its frame */
#define WALK_SMALL     4096 /* where in the buffer the small reads go */
#define WALK_NEAR      1024 /* neighbours on the data stack are at most this far apart */
/* Frames looked at. More than PL_MAX_FRAMES, because shims (3.12+: one per call from C into
 * Python) are passed over and not counted. */
#define WALK_STEPS 192

/* glibc x86-64: struct pthread.specific_1stblock[key].data, seen on 2.31 - 2.43, is at
 * fsbase + 0x310 + 16 * key + 8, for the first 32 keys. */
#define WALK_SPECIFIC	   0x318
#define WALK_SPECIFIC_KEYS 32

/*
 * Where a walk is. It lives in memory and is volatile: what is read back from memory the verifier
 * takes as unknown, so that all ways through one turn of the loop end in the same state, and the
 * turns are checked one after the other instead of in all combinations (5 times fewer steps).
 */
struct walk_cursor {
	__u64 frame; /* to look at next */
	__u64 last;  /* looked at before */
	__u64 lo;    /* the window holds the frames that begin at lo .. lo + len - 1 */
	__u64 len;
	__u64 hash;
	__u64 pos; /* of the frame in scratch.buf */
};

/* Work space of one walk; too big for the BPF stack. */
struct scratch {
	__u64 busy; /* threads inside, see scratch_get() in maps.h */
	__u32 why;  /* 1 + enum pl_lost_reason of the last walk; 0 = nothing lost */
	__u32 held; /* the caller knows that this thread runs Python */
	struct walk_cursor at;
	struct pl_stack stack; /* the result */
	__u8 buf[2 * WALK_PAGE + 128];
};

/* The verifier forgets nothing it can prove and clang drops what it can prove: behind this, a
 * mask stays in the code, where the verifier needs to see it. */
#define walk_opaque(x) asm volatile("" : "+r"(x))

static __always_inline __u64 walk_word(__u64 addr)
{
	__u64 v = 0;

	walk_read(&v, sizeof(v), addr);
	return v;
}

/* A thread-local variable of a shared library through the thread's DTV. */
static __always_inline __u64 walk_dtv(const volatile struct pl_walk *w, __u64 fsbase, __s64 offset)
{
	__u64 dtv = walk_word(fsbase + 8), at = (w->dtv_is_musl ? 8ULL : 16ULL) * w->tls_module;
	__u64 block = dtv ? walk_word(dtv + at) : 0;

	/* -1: this thread has not touched the library's variables yet. */
	if (!block || block == ~0ULL)
		return 0;
	return walk_word(block + offset);
}

/* The thread state that says "I am running Python": for 3.8 - 3.11 that of whichever thread holds
 * the GIL, from 3.12 on our own or 0 when we have dropped it. */
static __always_inline __u64 walk_running(const volatile struct pl_walk *w)
{
	if (w->tstate_how == PL_TSTATE_GLOBAL)
		return walk_word(w->tstate_addr);
	if (w->tstate_how == PL_TSTATE_TLS)
		return walk_word(walk_fsbase() + w->tls_offset);
	if (w->tstate_how == PL_TSTATE_DTV)
		return walk_dtv(w, walk_fsbase(), w->tls_offset);
	return 0;
}

/* The thread state this thread keeps while it has dropped the GIL. */
static __always_inline __u64 walk_kept(const volatile struct pl_walk *w, __u64 fsbase)
{
	if (w->gilstate_how == PL_GILSTATE_PTHREAD_KEY && w->pthread_key < WALK_SPECIFIC_KEYS)
		return walk_word(fsbase + WALK_SPECIFIC + 16ULL * w->pthread_key);
	if (w->gilstate_how == PL_GILSTATE_TLS)
		return walk_word(fsbase + w->gilstate_offset);
	if (w->gilstate_how == PL_GILSTATE_DTV)
		return walk_dtv(w, fsbase, w->gilstate_offset);
	return 0;
}

/* The thread state of this thread, 0 when it has none. @gil_held: the caller knows that this
 * thread runs Python now (a birth); otherwise nothing is taken that is not marked as ours. */
static __always_inline __u64 walk_tstate(const volatile struct pl_walk *w, int gil_held)
{
	__u64 ts = walk_running(w);
	__u64 fsbase;

	if (gil_held || (ts && w->tstate_how != PL_TSTATE_GLOBAL))
		return ts;
	fsbase = walk_fsbase();
	/* pthread_self() is the thread's fsbase on glibc x86-64. */
	if (ts && walk_word(ts + w->tstate_thread_id) == fsbase)
		return ts;
	ts = walk_kept(w, fsbase);
	if (ts && walk_word(ts + w->tstate_thread_id) == fsbase)
		return ts;
	return 0;
}

static __always_inline __u64 walk_mix(__u64 h, __u64 word)
{
	h = (h ^ word) * 0x9fb21c651e98df25ULL;
	return h ^ (h >> 32);
}

/* Bring the next frame into s->buf and say where it is there. Returns not 0 when unreadable. */
static __always_inline int walk_load(const volatile struct pl_walk *w, struct scratch *s)
{
	volatile struct walk_cursor *c = &s->at;
	__u64 fr = c->frame, lo = c->lo, back, size;

	if (fr - lo < c->len) {
		c->pos = fr - lo;
		return 0;
	}
	if (w->frame_owner == PL_NONE || (c->last - fr > WALK_NEAR && lo - fr > WALK_NEAR)) {
		c->pos = WALK_SMALL;
		size = w->frame_size;
		return size > WALK_FRAME_MAX || walk_read(s->buf + WALK_SMALL, size, fr);
	}
	back = fr & (WALK_PAGE - 1);
	if (back > WALK_BACK)
		back = WALK_BACK;
	size = back + w->frame_size;
	walk_opaque(size);
	size &= WALK_PAGE - 1; /* changes nothing: bounds the read for the verifier */
	lo = fr - back;
	c->lo = lo;
	c->len = back + 1;
	c->pos = back;
	return walk_read(s->buf, size, lo);
}

/* A member of the frame at @p. A torn or hostile pointer may be odd: x86 and the verifier take it,
 * clang would read a packed struct byte by byte, the host's sanitizers want to see a copy. */
static __always_inline __u64 walk_u64(const __u8 *p)
{
#ifdef PYLEAK_HOST
	__u64 v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
#else
	return *(const __u64 *)p;
#endif
}

/* Append one frame to the result. Returns 0 when there is no room. */
static __always_inline int walk_put(struct scratch *s, __u32 max, __u64 code, __u64 instr)
{
	__u64 n = *(volatile __u32 *)&s->stack.n;

	if (n >= max || n >= PL_MAX_FRAMES)
		return 0;
	walk_opaque(n);
	n &= PL_MAX_FRAMES - 1;
	s->stack.frames[n].code = code;
	s->stack.frames[n].instr = instr;
	*(volatile __u32 *)&s->stack.n = n + 1;
	s->at.hash = walk_mix(walk_mix(s->at.hash, code), instr);
	return 1;
}

/* @mark: C code called into the interpreter here, the last frame kept is the outermost of that
 * call. Without a branch, for the verifier's sake: what is marked before there is a frame is
 * overwritten by the frame that comes there. */
static __always_inline void walk_mark(struct scratch *s, __u64 mark)
{
	__u64 n = (__u64) * (volatile __u32 *)&s->stack.n - 1;

	walk_opaque(n);
	n &= PL_MAX_FRAMES - 1;
	s->stack.frames[n].code |= mark;
}

/* Look at one frame. Returns not 0 when the walk ends before it. */
static __always_inline int walk_step(const volatile struct pl_walk *w, struct scratch *s, __u32 max)
{
	volatile struct walk_cursor *c = &s->at;
	__u64 pos, code, instr, next, mark = PL_FRAME_ENTRY;
	const __u8 *p;

	if (walk_load(w, s)) {
		s->stack.flags |= PL_STACK_BROKEN;
		return -1;
	}
	pos = c->pos;
	walk_opaque(pos);
	pos &= 2 * WALK_PAGE - 1;
	p = s->buf + pos;
	next = walk_u64(p + w->frame_back);
	if (w->frame_owner == PL_NONE || p[w->frame_owner] < w->owner_skip) {
		mark = 0;
		code = walk_u64(p + w->frame_code) & ~(__u64)w->code_tag_mask;
		instr = walk_u64(p + w->frame_instr);
		if (w->instr_kind != PL_INSTR_POINTER)
			instr = (__u32)instr;
		if (!walk_put(s, max, code, instr))
			return -1;
		if (w->frame_entry)
			mark = p[w->frame_entry] & PL_FRAME_ENTRY;
	}
	if (w->frame_owner != PL_NONE)
		walk_mark(s, mark);
	c->last = c->frame;
	c->frame = next;
	return 0;
}

/* Walk from @fr to the end, fill s->stack, leave the hash in s->at. */
static __always_inline void walk_frames(const volatile struct pl_walk *w, struct scratch *s,
					__u64 fr, __u32 max)
{
	volatile struct walk_cursor *c = &s->at;
	__u32 i;

	c->frame = fr;
	c->last = fr;
	c->lo = 0;
	c->len = 0;
	c->hash = 0;
	for (i = 0; i < WALK_STEPS; i++)
		if (!c->frame || walk_step(w, s, max))
			break;
	if (c->frame && !(s->stack.flags & PL_STACK_BROKEN))
		s->stack.flags |= PL_STACK_TRUNCATED;
}

/*
 * The stack of the current thread: fills s->stack and returns its id, a hash of the frames that is
 * never 0. Returns 0 for a stack without any frame. What was not seen is in s->why, and a stack
 * that is there but incomplete has PL_STACK_* in s->stack.flags; the caller counts. @max: frames to
 * keep. Pass gil_held = 1 only where the thread certainly runs Python.
 */
static __always_inline __u64 walk_thread(const volatile struct pl_walk *w, struct scratch *s,
					 __u32 max, int gil_held)
{
	__u64 ts = walk_tstate(w, gil_held), fr = 0, h;
	int bad;

	s->why = 0;
	s->stack.id = 0;
	s->stack.n = 0;
	s->stack.flags = 0;
	if (!ts) {
		s->why = 1 + PL_LOST_NO_TSTATE;
		return 0;
	}
	bad = walk_read(&fr, sizeof(fr), ts + w->tstate_frame);
	/* 3.11, 3.12: a struct on the C stack lies between. */
	if (!bad && fr && w->cframe_frame != PL_NONE)
		bad = walk_read(&fr, sizeof(fr), fr + w->cframe_frame);
	if (bad)
		s->stack.flags = PL_STACK_BROKEN;
	else
		walk_frames(w, s, fr, max);
	if (s->stack.flags & PL_STACK_BROKEN)
		s->why = 1 + PL_LOST_STACK_UNREADABLE;
	else if (!s->stack.n) /* a thread that starts or ends */
		s->why = 1 + PL_LOST_NO_TSTATE;
	if (!s->stack.n)
		return 0;
	h = walk_mix(s->at.hash, s->stack.flags);
	s->stack.id = h ? h : 1;
	return s->stack.id;
}

#endif
