/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where CPython 3.8 - 3.15 keeps what we read, for x86-64 builds with a GIL.
 *
 * Taken from the debug information of 3.8.18, 3.9.18, 3.10.13, 3.11.2, 3.11.7, 3.12.1, 3.13.0,
 * 3.13.5, 3.13.18, 3.14.10 and 3.15.2 and compared with live processes. The declarations are in
 * Include/cpython/{object,code,dictobject,unicodeobject}.h, Include/internal/pycore_{runtime,
 * interp,gc,frame,obmalloc}.h (3.8 - 3.10: Include/frameobject.h, Objects/obmalloc.c).
 */
#include "py/py_priv.h"

#include <stddef.h>

/* The same in every version. */
#define OBJECTS                                                                                   \
	.ob_type = 8, .ob_size = 16, .tp_name = 24, .tp_basicsize = 32, .tp_itemsize = 40,        \
	.tp_flags = 168, .tp_dictoffset = 288, .tp_weaklistoffset = 208, .tp_base = 256,          \
	.tp_dict = 264, .tp_dealloc = 48, .dict_used = 16, .dict_keys = 32, .dict_values = 40,    \
	.list_item = 24, .list_allocated = 32, .set_mask = 32, .set_table = 40,                   \
	.set_smalltable = 64, .bytearray_alloc = 24, .bytearray_bytes = 32, .bytes_data = 32,     \
	.str_length = 16, .str_state = 32, .tstate_next = 8, .tstate_interp = 16

#define STR_WITH_WSTR .str_ascii_data = 48, .str_compact_data = 72, .str_noncompact_data = 72
#define STR_NO_WSTR   .str_ascii_data = 40, .str_compact_data = 56, .str_noncompact_data = 56

#define KEYS_COUNTED                                                                      \
	.dk_size = 8, .dk_log2_size = PL_NONE, .dk_log2_index_bytes = PL_NONE,            \
	.dk_kind = PL_NONE, .dk_usable = 24, .dk_nentries = 32, .dk_indices = 40
#define KEYS_LOG2                                                                         \
	.dk_size = PL_NONE, .dk_log2_size = 8, .dk_log2_index_bytes = 9, .dk_kind = 10,   \
	.dk_usable = 16, .dk_nentries = 24, .dk_indices = 32

#define CODE_WITH_BYTES                                                                   \
	.code_flags = 36, .code_firstlineno = 40, .code_code = 48, .code_filename = 104,  \
	.code_name = 112, .code_qualname = PL_NONE, .code_linetable = 120,                \
	.code_firsttraceable = PL_NONE, .code_version = PL_NONE
#define CODE_INLINE                                                                       \
	.code_flags = 48, .code_filename = 112, .code_name = 120, .code_qualname = 128,   \
	.code_linetable = 136

#define SMALL_POOLS .pool_size = 4096, .arena_size = 256 << 10
#define LARGE_POOLS .pool_size = 16384, .arena_size = 1 << 20

#define GC_312                                                                            \
	.gc_enabled = 12, .gc_generations = 24, .gc_stats = 128, .gc_collecting = 200,    \
	.gc_garbage = 208

#define FRAME_OBJECTS                                                                     \
	.tstate_frame = 24, .cframe_frame = PL_NONE, .tstate_thread_id = 176,             \
	.frame_code = 32, .frame_back = 24, .frame_owner = PL_NONE, .owner_skip = PL_NONE
#define FRAMES_312                                                                        \
	.frame_code = 0, .frame_back = 8, .frame_instr = 56, .owner_skip = 3,             \
	.instr_kind = PL_INSTR_POINTER

static const struct py_build table[] = {
	{
		.minor = 8,
		.layout = {OBJECTS, STR_WITH_WSTR, KEYS_COUNTED, CODE_WITH_BYTES, SMALL_POOLS,
			   GC_312, .ht_qualname = 864, .ht_module = PL_NONE, .ht_cached_keys = 872,
			   .dict_version = 24, .tuple_item = 24, .func_code = 16,
			   .gen_iframe = PL_NONE, .interp_next = 0, .interp_threads = 8,
			   .interp_gc = PL_NONE, .interp_modules = 56, .interp_id = 16,
			   .tstate_native_id = PL_NONE, .runtime_interpreters = 32,
			   .runtime_gc = 344},
		.walk = {FRAME_OBJECTS, .frame_instr = 104, .frame_size = 112,
			 .instr_kind = PL_INSTR_LASTI_BYTES},
		.runtime_finalizing = 16, .runtime_initialized = 12,
		.runtime_tstate_current = 1368, .runtime_autotss = 1392,
		.runtime_raw = PL_NONE, .runtime_obj = PL_NONE, .gc_generation0 = 96,
		.str_header = 80, .heap_type_size = 880, .code_basicsize = 176,
	},
	{
		.minor = 9,
		.layout = {OBJECTS, STR_WITH_WSTR, KEYS_COUNTED, CODE_WITH_BYTES, SMALL_POOLS,
			   GC_312, .ht_qualname = 856, .ht_module = 872, .ht_cached_keys = 864,
			   .dict_version = 24, .tuple_item = 24, .func_code = 16,
			   .gen_iframe = PL_NONE, .interp_next = 0, .interp_threads = 8,
			   .interp_gc = 616, .interp_modules = 856, .interp_id = 24,
			   .tstate_native_id = PL_NONE, .runtime_interpreters = 32},
		.walk = {FRAME_OBJECTS, .frame_instr = 104, .frame_size = 112,
			 .instr_kind = PL_INSTR_LASTI_BYTES},
		.runtime_finalizing = 16, .runtime_initialized = 12,
		.runtime_tstate_current = 568, .runtime_autotss = 584,
		.runtime_raw = PL_NONE, .runtime_obj = PL_NONE, .gc_generation0 = 96,
		.str_header = 80, .heap_type_size = 880, .code_basicsize = 176,
	},
	{
		.minor = 10,
		.layout = {OBJECTS, STR_WITH_WSTR, KEYS_COUNTED, CODE_WITH_BYTES, LARGE_POOLS,
			   GC_312, .ht_qualname = 864, .ht_module = 880, .ht_cached_keys = 872,
			   .dict_version = 24, .tuple_item = 24, .func_code = 48,
			   .gen_iframe = PL_NONE, .interp_next = 0, .interp_threads = 8,
			   .interp_gc = 616, .interp_modules = 856, .interp_id = 24,
			   .tstate_native_id = PL_NONE, .runtime_interpreters = 32},
		.walk = {FRAME_OBJECTS, .frame_instr = 96, .frame_size = 104,
			 .instr_kind = PL_INSTR_LASTI_UNITS},
		.runtime_finalizing = 16, .runtime_initialized = 12,
		.runtime_tstate_current = 568, .runtime_autotss = 584,
		.runtime_raw = PL_NONE, .runtime_obj = PL_NONE, .gc_generation0 = 96,
		.str_header = 80, .heap_type_size = 888, .code_basicsize = 176,
	},
	{
		.minor = 11,
		.layout = {OBJECTS, STR_WITH_WSTR, KEYS_LOG2, CODE_INLINE, LARGE_POOLS, GC_312,
			   .ht_qualname = 864, .ht_module = 880, .ht_cached_keys = 872,
			   .dict_version = 24, .tuple_item = 24, .func_code = 48,
			   .gen_iframe = 80, .code_firstlineno = 72, .code_code = 184,
			   .code_firsttraceable = 168, .code_version = PL_NONE,
			   .interp_next = 0, .interp_threads = 16, .interp_gc = 648,
			   .interp_modules = 888, .interp_id = 48, .tstate_native_id = 160,
			   .runtime_interpreters = 40},
		/* tstate->cframe, then its current_frame; there are no shim frames yet. */
		.walk = {.tstate_frame = 56, .cframe_frame = 8, .tstate_thread_id = 152,
			 .frame_code = 32, .frame_back = 48, .frame_instr = 56,
			 .frame_owner = 69, .owner_skip = 3, .frame_size = 72,
			 .instr_kind = PL_INSTR_POINTER},
		.runtime_finalizing = 24, .runtime_initialized = 16,
		.runtime_tstate_current = 576, .runtime_autotss = 592,
		.runtime_raw = PL_NONE, .runtime_obj = PL_NONE, .gc_generation0 = 96,
		.str_header = 80, .heap_type_size = 904, .code_basicsize = 184,
	},
	{
		.minor = 12,
		.layout = {OBJECTS, STR_NO_WSTR, KEYS_LOG2, CODE_INLINE, LARGE_POOLS, GC_312,
			   .ht_qualname = 872, .ht_module = 888, .ht_cached_keys = 880,
			   .dict_version = 24, .tuple_item = 24, .func_code = 48,
			   .gen_iframe = 72, .code_firstlineno = 68, .code_code = 192,
			   .code_firsttraceable = 176, .code_version = 92,
			   .interp_next = 0, .interp_threads = 72, .interp_gc = 112,
			   .interp_modules = 944, .interp_id = 8, .tstate_native_id = 144,
			   .interp_obmalloc = 3960, .runtime_interpreters = 40},
		.walk = {FRAMES_312, .tstate_frame = 56, .cframe_frame = 0,
			 .tstate_thread_id = 136, .frame_owner = 70, .frame_size = 72},
		.runtime_finalizing = 24, .runtime_initialized = 16,
		.runtime_tstate_current = PL_NONE, .runtime_autotss = 1544,
		.runtime_raw = 96, .runtime_obj = 176, .gc_generation0 = 96,
		.str_header = 64, .heap_type_size = 920, .code_basicsize = 192,
	},
	{
		.minor = 13,
		.layout = {OBJECTS, STR_NO_WSTR, KEYS_LOG2, CODE_INLINE, LARGE_POOLS, GC_312,
			   .ht_qualname = 872, .ht_module = 888, .ht_cached_keys = 880,
			   .dict_version = PL_NONE, .tuple_item = 24, .func_code = 48,
			   .gen_iframe = 72, .code_firstlineno = 68, .code_code = 200,
			   .code_firsttraceable = 184, .code_version = 92,
			   .interp_next = 7264, .interp_threads = 7344, .interp_gc = 7400,
			   .interp_modules = 7656, .interp_id = 7272, .tstate_native_id = 160,
			   .interp_obmalloc = 10800, .runtime_interpreters = 632},
		.walk = {FRAMES_312, .tstate_frame = 72, .cframe_frame = PL_NONE,
			 .tstate_thread_id = 152, .frame_owner = 70, .frame_size = 72},
		.runtime_finalizing = 608, .runtime_initialized = 600,
		.runtime_tstate_current = PL_NONE, .runtime_autotss = 2160,
		.runtime_raw = 704, .runtime_obj = 784, .gc_generation0 = 96,
		.str_header = 64, .heap_type_size = 928, .code_basicsize = 200,
	},
	{
		/* 3.14.0 - 3.14.4 collect incrementally, later ones by generations again; the
		 * members stayed where they are. */
		.minor = 14,
		.layout = {OBJECTS, STR_NO_WSTR, KEYS_LOG2, CODE_INLINE, LARGE_POOLS,
			   .gc_enabled = 12, .gc_generations = 24, .gc_stats = 120,
			   .gc_collecting = 192, .gc_garbage = 200,
			   .ht_qualname = 872, .ht_module = 888, .ht_cached_keys = 880,
			   .dict_version = PL_NONE, .tuple_item = 32, .func_code = 48,
			   .gen_iframe = 72, .code_firstlineno = 68, .code_code = 208,
			   .code_firsttraceable = 192, .code_version = 92,
			   .interp_next = 7272, .interp_threads = 7344, .interp_gc = 7408,
			   .interp_modules = 7688, .interp_id = 7280, .tstate_native_id = 160,
			   .interp_obmalloc = 10904, .runtime_interpreters = 808},
		.walk = {FRAMES_312, .tstate_frame = 72, .cframe_frame = PL_NONE,
			 .tstate_thread_id = 152, .frame_owner = 74, .frame_size = 80,
			 .code_tag_mask = 3},
		.runtime_finalizing = 784, .runtime_initialized = 776,
		.runtime_tstate_current = PL_NONE, .runtime_autotss = 2336,
		.runtime_raw = 880, .runtime_obj = 960, .gc_generation0 = 256,
		.str_header = 64, .heap_type_size = 936, .code_basicsize = 208,
	},
	{
		.minor = 15,
		.layout = {OBJECTS, STR_NO_WSTR, KEYS_LOG2, CODE_INLINE, LARGE_POOLS,
			   .gc_enabled = 0, .gc_generations = 8, .gc_stats = 104,
			   .gc_collecting = 112, .gc_garbage = 128,
			   .ht_qualname = 880, .ht_module = 896, .ht_cached_keys = 888,
			   .dict_version = PL_NONE, .tuple_item = 32, .func_code = 48,
			   .gen_iframe = 72, .code_firstlineno = 68, .code_code = 208,
			   .code_firsttraceable = 192, .code_version = 92,
			   .interp_next = 7264, .interp_threads = 7336, .interp_gc = 7400,
			   .interp_modules = 7592, .interp_id = 7272, .tstate_native_id = 184,
			   .interp_obmalloc = 10880, .runtime_interpreters = 936},
		.walk = {FRAMES_312, .tstate_frame = 72, .cframe_frame = PL_NONE,
			 .tstate_thread_id = 176, .frame_owner = 74, .frame_size = 80,
			 .code_tag_mask = 3},
		.runtime_finalizing = 912, .runtime_initialized = 904,
		.runtime_tstate_current = PL_NONE, .runtime_autotss = PL_NONE,
		.runtime_raw = 1008, .runtime_obj = 1088, .gc_generation0 = 168,
		.str_header = 64, .heap_type_size = 944, .code_basicsize = 208,
	},
};

const struct py_build *py_table(int minor)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].minor == minor)
			return &table[i];
	return NULL;
}
