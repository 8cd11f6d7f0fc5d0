/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two halves share this about native blocks beyond abi.h: which libc functions are probed,
 * where their arguments lie at the probed byte, the control word, and the records of a burst.
 */
#ifndef PYLEAK_NATIVE_H
#define PYLEAK_NATIVE_H

#include "pyleak/abi.h"

#define PL_MAX_NATIVE_SITES  8192
#define PL_NATIVE_RING_BYTES (1 << 20)
#define PL_PENDING_SLOTS     4096 /* threads inside an allocator at once; a power of two */
#define PL_RECENT_MAPS	     16	  /* mappings a partial munmap is looked for in; a power of two */

/* Order = order of the search for the probed address: the hot ones first. The arguments named are
 * those of reg[0], reg[1], reg[2]. */
#define PL_FN(X)                                                                         \
	X(MALLOC, "malloc")		    /* size */                                   \
	X(FREE, "free")			    /* ptr */                                    \
	X(REALLOC, "realloc")		    /* ptr, size */                              \
	X(CALLOC, "calloc")		    /* n, size */                                \
	X(POSIX_MEMALIGN, "posix_memalign") /* result, size */                           \
	X(MEMALIGN, "memalign")		    /* size */                                   \
	X(ALIGNED_ALLOC, "aligned_alloc")   /* size */                                   \
	X(VALLOC, "valloc")		    /* size */                                   \
	X(PVALLOC, "pvalloc")		    /* size */                                   \
	X(NEW, "_Znwm")			    /* size: of an allocator that has its own */ \
	X(NEW_ARRAY, "_Znam")                                                            \
	X(NEW_NOTHROW, "_ZnwmRKSt9nothrow_t")                                            \
	X(NEW_ARRAY_NOTHROW, "_ZnamRKSt9nothrow_t")                                      \
	X(NEW_ALIGNED, "_ZnwmSt11align_val_t")                                           \
	X(MALLOCX, "mallocx")                                                            \
	X(DELETE, "_ZdlPv") /* ptr; the first of those that end a block */               \
	X(DELETE_ARRAY, "_ZdaPv")                                                        \
	X(DELETE_SIZED, "_ZdlPvm")                                                       \
	X(DELETE_ARRAY_SIZED, "_ZdaPvm")                                                 \
	X(DELETE_ALIGNED, "_ZdlPvSt11align_val_t")                                       \
	X(DELETE_SIZED_ALIGNED, "_ZdlPvmSt11align_val_t")                                \
	X(CFREE, "cfree")                                                                \
	X(DALLOCX, "dallocx")                                                            \
	X(SDALLOCX, "sdallocx")                                                          \
	X(MMAP, "mmap")	    /* length, flags, prot */                                    \
	X(MUNMAP, "munmap") /* addr, length */                                           \
	X(MREMAP, "mremap") /* addr, old length, new length */

#define X(id, name) PL_FN_##id,
enum pl_fn { PL_FN(X) PL_FN_MAX };
#undef X

#define PL_FN_IS_FREE(fn) ((fn) == PL_FN_FREE || ((fn) >= PL_FN_DELETE && (fn) < PL_FN_MMAP))

#define PL_UNKNOWN_BINS 48 /* by the logarithm of the size */

#define PL_FN_ARGS  3
#define PL_REG_NONE 0xff /* the argument is not available at the probed byte */

struct pl_native_fn {
	__u64 ip;	      /* run-time address of the probed instruction */
	__u8 reg[PL_FN_ARGS]; /* x86 register numbers, see struct pl_site */
	__u8 fn;
	__u32 pad;
};

enum pl_native_mode {
	PL_NATIVE_OFF = 0,   /* programs return at once */
	PL_NATIVE_EXACT = 1, /* live blocks in native_blocks */
	PL_NATIVE_BURST = 2, /* every event into native_ring */
};

/* The one entry of the mmap-able array `native_ctl`, written by the user half. */
struct pl_native_ctl {
	__u32 mode;	  /* of the malloc family, enum pl_native_mode */
	__u32 mmap_on;	  /* the mmap family is either exact or off */
	__u32 has_chunks; /* glibc's: a size word is in front of each block */
	__s32 copies;	  /* of stacks that may be sent until the reader comes again */
	/* For the malloc and the mmap family: raised whenever probes come back, so that a call that
	 * was under way when they went is not taken for one of now. */
	__u32 epoch[2];
	struct pl_native_fn fns[PL_FN_MAX];
	__u64 entries; /* calls seen; written by the kernel half */
	__u64 frees;
	__u64 maps;
	__u64 metered;
	__u64 lost;	  /* calls that had no room in the ring */
	__u64 unrecorded; /* calls met while their family was off: they have cost their trap */
	/* Frees of blocks that were there before us, by the logarithm of their chunk's size: known
	 * blocks that take their place are no growth. */
	__u64 unknown[PL_UNKNOWN_BINS];
};

/* A call that has been entered and has not returned. One slot per thread and family. */
struct pl_native_call {
	__u64 sp; /* at entry, where the return address lies */
	__u64 entered_ns;
	__u64 size;
	__u64 ptr;	     /* old block, or where posix_memalign puts its result */
	struct pl_block old; /* what realloc or mremap took out of the table */
	__u32 tid;	     /* 0 = free slot */
	__u8 fn;
	__u8 has_old;
	__u8 is_filtered; /* only here to give `old` back when the call fails */
	__u8 pad;
	__u32 epoch;
	__u32 pad2;
};

enum pl_native_op { PL_NATIVE_ALLOC = 1, PL_NATIVE_FREE = 2 };

/* Ring record of a burst; order in the ring is the order of events. */
struct pl_native_event {
	__u64 addr;
	__u64 size;
	__u64 stack;
	__u64 caller;
	__u64 born_ns; /* as in struct pl_block */
	__u32 op;
	__u32 depth; /* as in struct pl_native_key */
};

#endif
