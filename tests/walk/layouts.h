/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Walker layouts of every CPython minor, GIL builds, x86-64, for tests of the kernel half alone:
 * the offsets as DWARF gives them, written down apart from src/py, which must come to the same. */
#ifndef PYLEAK_TESTS_LAYOUTS_H
#define PYLEAK_TESTS_LAYOUTS_H

#include "pyleak/layout.h"

#define LAYOUT_FIRST 8
#define LAYOUT_LAST  15

/* PyFrameObject: f_back, f_code, f_lasti. */
#define LAYOUT_FRAME_OBJECT(lasti, kind)                                                     \
	.tstate_how = PL_TSTATE_GLOBAL, .gilstate_how = PL_GILSTATE_PTHREAD_KEY,             \
	.instr_kind = (kind), .tstate_frame = 24, .cframe_frame = PL_NONE,                   \
	.tstate_thread_id = 176, .frame_code = 32, .frame_back = 24, .frame_instr = (lasti), \
	.frame_owner = PL_NONE, .owner_skip = PL_NONE, .frame_size = ((lasti) + 15) & ~7

/* _PyInterpreterFrame from 3.12 on: f_executable, previous, prev_instr or instr_ptr. */
#define LAYOUT_IFRAME(how, frame, cframe, thread_id, owner)                                   \
	.tstate_how = (how), .gilstate_how = PL_GILSTATE_PTHREAD_KEY,                         \
	.instr_kind = PL_INSTR_POINTER, .tstate_frame = (frame), .cframe_frame = (cframe),    \
	.tstate_thread_id = (thread_id), .frame_code = 0, .frame_back = 8, .frame_instr = 56, \
	.frame_owner = (owner), .owner_skip = 3, .frame_size = ((owner) + 8) & ~7

/* The addresses (tstate_addr, tls_offset, key ...) are the caller's to fill. */
static const struct pl_walk layouts[LAYOUT_LAST + 1] = {
	[8] = {LAYOUT_FRAME_OBJECT(104, PL_INSTR_LASTI_BYTES)},
	[9] = {LAYOUT_FRAME_OBJECT(104, PL_INSTR_LASTI_BYTES)},
	[10] = {LAYOUT_FRAME_OBJECT(96, PL_INSTR_LASTI_UNITS)},
	[11] = {.tstate_how = PL_TSTATE_GLOBAL,
		.gilstate_how = PL_GILSTATE_PTHREAD_KEY,
		.instr_kind = PL_INSTR_POINTER,
		.tstate_frame = 56,
		.cframe_frame = 8,
		.tstate_thread_id = 152,
		.frame_code = 32,
		.frame_back = 48,
		.frame_instr = 56,
		.frame_owner = 69,
		.frame_entry = 68,
		.owner_skip = 3,
		.frame_size = 72},
	[12] = {LAYOUT_IFRAME(PL_TSTATE_DTV, 56, 0, 136, 70)},
	[13] = {LAYOUT_IFRAME(PL_TSTATE_DTV, 72, PL_NONE, 152, 70)},
	[14] = {LAYOUT_IFRAME(PL_TSTATE_TLS, 72, PL_NONE, 152, 74), .code_tag_mask = 3},
	[15] = {LAYOUT_IFRAME(PL_TSTATE_TLS, 72, PL_NONE, 176, 74), .code_tag_mask = 3},
};

#endif
