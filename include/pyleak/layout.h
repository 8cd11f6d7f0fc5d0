/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where CPython keeps what we read: one table per process, filled by src/py, used by the kernel
 * half (walking stacks) and by the user half (reading objects). All members are byte offsets unless
 * the name says otherwise; PL_NONE marks what a version does not have.
 * No libc, no vmlinux types: both halves include this file as it is, after <linux/types.h> or
 * the BPF half's own definitions of __u8 .. __u64.
 */
#ifndef PYLEAK_LAYOUT_H
#define PYLEAK_LAYOUT_H

#define PL_NONE 0xffff

/* How a thread finds its PyThreadState. */
enum pl_tstate_how {
	PL_TSTATE_GLOBAL = 1, /* *(u64 *)tstate_addr: who holds the GIL (3.8 - 3.11) */
	PL_TSTATE_TLS = 2,    /* *(u64 *)(fsbase + tls_offset): static TLS */
	PL_TSTATE_DTV = 3,    /* *(u64 *)(*(u64 *)(*(fsbase + 8) + 16 * module) + tls_offset) */
};

/* How a thread that has dropped the GIL finds its PyThreadState. */
enum pl_gilstate_how {
	PL_GILSTATE_NONE = 0,
	PL_GILSTATE_PTHREAD_KEY = 1, /* glibc specific_1stblock, key < 32 (3.8 - 3.14) */
	PL_GILSTATE_TLS = 2,	     /* *(fsbase + gilstate_offset) (3.15, static TLS) */
	PL_GILSTATE_DTV = 3,	     /* as PL_TSTATE_DTV with gilstate_offset (3.15, libpython) */
};

/* The meaning of a frame's instruction word. */
enum pl_instr_kind {
	PL_INSTR_LASTI_BYTES = 1, /* i32 byte offset (3.8, 3.9) */
	PL_INSTR_LASTI_UNITS = 2, /* i32 index of a 2-byte unit (3.10) */
	PL_INSTR_POINTER = 3,	  /* pointer into co_code_adaptive (3.11+) */
};

/* The walker needs this. Addresses are run-time addresses in the target. */
struct pl_walk {
	__u64 tstate_addr; /* PL_TSTATE_GLOBAL */
	__s64 tls_offset;
	__s64 gilstate_offset;
	__u32 tls_module;
	__u32 pthread_key;
	__u8 tstate_how;
	__u8 gilstate_how;
	__u8 instr_kind;
	__u8 code_tag_mask;	/* low bits to clear in the frame's code word (3.14+: 3) */
	__u16 tstate_frame;	/* tstate -> frame, current_frame or cframe */
	__u16 cframe_frame;	/* cframe -> current_frame, PL_NONE when there is no cframe hop */
	__u16 tstate_thread_id; /* pthread_self() of the owner, equals fsbase on glibc x86-64 */
	__u16 frame_code;
	__u16 frame_back;
	__u16 frame_instr; /* 4 bytes for LASTI kinds, else 8 */
	__u16 frame_owner; /* one byte; PL_NONE before 3.11 */
	__u16 owner_skip;  /* frames whose owner byte is >= this are shims */
	__u16 frame_size;  /* bytes to read per frame that cover all the members above */
	__u16 frame_entry; /* 3.11: byte that is not 0 in the frame a C call began with; 0 = none */
	__u8 dtv_is_musl;  /* its entries are pointers; glibc's have a second word */
	__u8 pad[3];
};

#endif
