/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel half hands this to the user half: map keys and values, ring records, configuration,
 * the list of losses. Fixed-width types, natural alignment, padding spelled out.
 */
#ifndef PYLEAK_ABI_H
#define PYLEAK_ABI_H

#include "pyleak/layout.h"

#define PL_MAX_FRAMES  128	 /* deeper stacks are cut, and marked */
#define PL_BIRTH_SLOTS 65536	 /* births recorded per burst; a power of two */
#define PL_MAX_STACKS  32768	 /* distinct stacks known to the kernel half */
#define PL_MAX_SITES   2048	 /* birth sites of one target */
#define PL_MAX_BLOCKS  131072	 /* live native blocks */
#define PL_RING_BYTES  (2 << 20) /* the reader has it twice in its RSS */

/* Every way in which something is not counted: name, JSON key, sentence. */
#define PL_LOST(X)                                                                              \
	X(RING_FULL, "ring_full", "a stack or a call did not fit its ring buffer")              \
	X(STACKS_FULL, "stacks_full", "the table of stacks was full")                           \
	X(NO_TSTATE, "no_thread_state", "a birth while no Python code ran in its thread")       \
	X(STACK_UNREADABLE, "stack_unreadable", "a stack could not be read to its end")         \
	X(SCRATCH_BUSY, "scratch_busy", "two threads wanted one scratch buffer")                \
	X(UNKNOWN_SITE, "unknown_site", "a probe fired at an address that is not a known site") \
	X(OBJECT_UNREADABLE, "object_unreadable", "an object's address could not be taken")     \
	X(BIRTHS_FULL, "births_full",                                                           \
	  "births in a sampling window that ended late, and is left out")                       \
	X(BLOCKS_FULL, "blocks_full", "the table of live native blocks was full")               \
	X(PENDING_LOST, "pending_lost", "an allocator call whose return was not seen")

#define X(id, key, text) PL_LOST_##id,
enum pl_lost_reason { PL_LOST(X) PL_LOST_MAX };
#undef X

/* One place where objects come to life: how to get the object when the probe fires. */
enum pl_object_how {
	PL_OBJ_REG = 0,	  /* object = reg + disp */
	PL_OBJ_DEREF = 1, /* object = *(u64 *)(reg + disp): a stack slot */
};

/* Register numbers are x86 encoding order: rax 0, rcx 1, rdx 2, rbx 3, rsp 4, rbp 5, rsi 6,
 * rdi 7, r8 .. r15 = 8 .. 15. */
struct pl_site {
	__u8 reg;
	__u8 how;
	__u16 number;
	__s32 disp;
};

/* One birth, 32 bytes, in the mmap-able array `births`, used as a ring: record i lies in slot
 * i % PL_BIRTH_SLOTS. The reader keeps up or counts what was overwritten (PL_LOST_BIRTHS_FULL).
 * A birth whose stack or type could not be read is recorded all the same, with 0 there: it still
 * says that what lived at this address before is dead. */
struct pl_birth {
	__u64 object;
	__u64 type;
	__u64 stack; /* hash of the Python stack; 0 = none (no thread state) */
	__u32 tid;
	__u16 site;
	__u16 lap; /* (i / PL_BIRTH_SLOTS + 1) modulo 2^16, written last */
};
_Static_assert(sizeof(struct pl_birth) == 32, "pl_birth is ABI");

/* Record i lies at i % PL_BIRTH_SLOTS: not 0 when the object was seen dead afterwards. An object
 * that lives where the last birth on record has died was born unseen. */
typedef __u8 pl_birth_died;
#define PL_RECHECKS    4  /* earlier births that a birth looks at again, when asked to */
#define PL_LAST_BIRTHS 64 /* a death is looked for among so many births before it */

/* Where C code called into the interpreter: one C frame of the evaluator runs the frames up to and
 * with the one so marked. Not marked before 3.11, where each Python frame has one of its own, nor
 * part of the hash. */
#define PL_FRAME_ENTRY 1ULL
struct pl_frame {
	__u64 code;  /* PyCodeObject, tag bits cleared; | PL_FRAME_ENTRY */
	__u64 instr; /* raw word, see enum pl_instr_kind */
};

/* Ring record: a stack seen for the first time. `frames` holds n entries, innermost first; the
 * record ends behind the last. The ring never wakes its reader, who consumes it before looking at
 * the births that may name the stack. */
struct pl_stack {
	__u64 id; /* the hash */
	__u32 n;
	__u32 flags; /* PL_STACK_* */
	struct pl_frame frames[PL_MAX_FRAMES];
};
#define PL_STACK_TRUNCATED 1 /* deeper than PL_MAX_FRAMES */
#define PL_STACK_BROKEN	   2 /* a frame could not be read */

/* Native blocks. A site is a Python stack, the allocator's caller and the kind. */
enum pl_kind { PL_KIND_HEAP = 1, PL_KIND_MMAP = 2 };

struct pl_native_key {
	__u64 stack;  /* 0 = no Python state */
	__u64 caller; /* return address of the allocator's caller */
	__u32 kind;
	/* Where the stack ended, in words, its low bits: tells most ways through C code apart. No
	 * part of the key. */
	__u32 depth;
};

struct pl_block {
	__u64 size;
	__u64 born_ns; /* bpf_ktime_get_ns */
	struct pl_native_key site;
};

/* Read-only configuration, set before load. */
struct pl_config {
	struct pl_walk walk;
	__u32 tgid;	  /* in the initial pid namespace */
	__u32 max_frames; /* <= PL_MAX_FRAMES */
	__u64 min_size;	  /* native blocks smaller or larger than this are not traced */
	__u64 max_size;
	__u16 type_offset;  /* ob_type inside an object: 8 */
	__u8 native_stacks; /* copy the stacks of callers that are new */
	__u8 pid_level;	    /* of the user half, as in struct pl_pids */
	/* without the GIL: two words of bits and counts inside an object; 0: it begins with its
	 * count */
	__u8 counts_offset;
	__u8 pad[3];
};

/*
 * The stack of a thread as it was when an allocator returned, for each (Python stack, caller) that
 * is new or asked for again, and when an object was born, for each (Python stack, type) that is
 * asked for: whole pages from the one that holds the stack pointer on. Of an allocator the
 * registers are those at its return, so that unwinding begins in its caller. The block or object
 * itself is named, so that those that live on can be told from the others: behind a wrapper of
 * malloc they need not have come the same way.
 */
#define PL_COPY_PAGES	   6
#define PL_COPY_RING_BYTES (1 << 19)
#define PL_COPY_SEEN	   8192 /* pairs of callers that are known */
#define PL_COPY_WANTED	   64	/* pairs of types asked for at once */
#define PL_COPY_REGS	   17	/* DWARF order: rax rdx rcx rbx rsi rdi rbp rsp r8 .. r15 rip */

struct pl_native_pair {
	__u64 stack;
	__u64 caller; /* or type */
};

/* More copies of a known pair, of blocks of some sizes. A block is taken by chance, as likely as it
 * is big, so that each stands for as many bytes: surely from @scale bytes on. */
struct pl_native_ask {
	__u64 min_size, max_size;
	__u32 scale;
	__u32 rarely; /* and only when a random number has none of these bits */
	__s32 left;   /* how many are still wanted */
	__u32 depth;  /* 0 = any */
	__u32 met;    /* 1 = one that fits has come, copied or not */
	__u32 pad;
};

struct pl_native_copy {
	struct pl_native_pair pair;
	__u64 addr;
	__u64 size; /* 0 of an object */
	__u64 born; /* of a block born_ns, of an object its number among the births */
	__u64 reg[PL_COPY_REGS];
	__u64 start; /* address of data[0] */
	__u32 pages; /* read before the stack ended */
	__u32 tid;
	__u8 data[PL_COPY_PAGES * 4096];
};

/* Counters the user half reads (mmap-able array map `stats`, one entry). */
struct pl_stats {
	__u64 wanted; /* written by the user half: pairs in native_wanted */
	/* The user half moves the deadline (bpf_ktime_get_ns, 0 = none) on while it works. Programs
	 * that run later than that set asleep and do nothing: a tool that stands still costs the
	 * target little. It is for the user half to wake them, and to count what they missed as
	 * lost. */
	__u64 deadline_ns;
	__u64 asleep;
	__u64 off;     /* written by the user half: births are not recorded */
	__u64 skip;    /* written by the user half, counted down: nor are so many */
	__u64 forks;   /* of the target, children with memory of their own */
	__u64 births;  /* births recorded since load; published after the record */
	__u64 recheck; /* written by the user half: 1 + the first birth to look at again; 0 = none
			*/
	/* Written by the user half: the type whose deaths are probed (0 = none), and the register
	 * that holds the object there; counted: events there. */
	__u64 dying, dying_reg, deaths;
	__u64 unrecorded; /* events on births met while off or asleep: they have cost their trap */
	__u64 lost[PL_LOST_MAX];
};

#endif
