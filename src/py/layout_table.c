/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Offsets of the members of CPython 3.8 - 3.15 that are read, for x86-64 builds with a GIL.
 *
 * Taken from the debug information of 3.8.18, 3.9.18, 3.10.13, 3.11.2, 3.11.7, 3.12.1, 3.13.0,
 * 3.13.5, 3.13.18, 3.14.10 and 3.15.2 and compared with live processes. The declarations are in
 * Include/cpython/{object,code,dictobject,unicodeobject}.h, Include/internal/pycore_{runtime,
 * interp,gc,frame,obmalloc}.h (3.8 - 3.10: Include/frameobject.h, Objects/obmalloc.c).
 */
#include "py/py_priv.h"

#include <stddef.h>

/* clang-format off */
enum {
	NO = PL_NONE, MB = 1 << 20,
	BYTES = PL_INSTR_LASTI_BYTES, UNITS = PL_INSTR_LASTI_UNITS, POINT = PL_INSTR_POINTER,
};

/* Members with the same offset in every version; others get a row below. */
static const struct py_build same = {
	.layout = {
		.ob_type = 8, .ob_size = 16,
		.tp_name = 24, .tp_basicsize = 32, .tp_itemsize = 40, .tp_dealloc = 48,
		.tp_flags = 168, .tp_weaklistoffset = 208, .tp_base = 256, .tp_dict = 264,
		.tp_dictoffset = 288,
		.dict_used = 16, .dict_keys = 32, .dict_values = 40,
		.list_item = 24, .list_allocated = 32,
		.set_mask = 32, .set_table = 40, .set_smalltable = 64,
		.bytearray_alloc = 24, .bytearray_bytes = 32, .bytes_data = 32,
		.str_length = 16, .str_state = 32, .str_kind_shift = 2,
		.managed_dict = -24, .managed_values = -32,
		.tstate_next = 8, .tstate_interp = 16,
	},
};

#define AT(m) offsetof(struct py_build, m), sizeof(((struct py_build *)0)->m)
#define B(m, v8, v9, v10, v11, v12, v13, v14, v15) {AT(m), {v8, v9, v10, v11, v12, v13, v14, v15}},
#define L(m, ...) B(layout.m, __VA_ARGS__)
#define W(m, ...) B(walk.m, __VA_ARGS__)
#define COLUMNS 8

static const struct {
	uint16_t at; /* in struct py_build */
	uint8_t size;
	uint32_t value[COLUMNS];
} rows[] = {
	/*                          3.8     3.9    3.10    3.11    3.12    3.13    3.14    3.15 */
	/* Types, functions and generators. */
	L(ht_qualname,              864,    856,    864,    864,    872,    872,    872,    880)
	L(ht_module,                 NO,    872,    880,    880,    888,    888,    888,    896)
	L(ht_cached_keys,           872,    864,    872,    872,    880,    880,    880,    888)
	B(heap_type_size,           880,    880,    888,    904,    920,    928,    936,    944)
	L(func_code,                 16,     16,     48,     48,     48,     48,     48,     48)
	L(gen_iframe,                NO,     NO,     NO,     80,     72,     72,     72,     72)
	/* Containers and strings. */
	L(dict_version,              24,     24,     24,     24,     24,     NO,     NO,     NO)
	L(dk_size,                    8,      8,      8,     NO,     NO,     NO,     NO,     NO)
	L(dk_log2_size,              NO,     NO,     NO,      8,      8,      8,      8,      8)
	L(dk_log2_index_bytes,       NO,     NO,     NO,      9,      9,      9,      9,      9)
	L(dk_kind,                   NO,     NO,     NO,     10,     10,     10,     10,     10)
	L(dk_usable,                 24,     24,     24,     16,     16,     16,     16,     16)
	L(dk_nentries,               32,     32,     32,     24,     24,     24,     24,     24)
	L(dk_indices,                40,     40,     40,     32,     32,     32,     32,     32)
	L(tuple_item,                24,     24,     24,     24,     24,     24,     32,     32)
	L(str_ascii_data,            48,     48,     48,     48,     40,     40,     40,     40)
	L(str_compact_data,          72,     72,     72,     72,     56,     56,     56,     56)
	L(str_noncompact_data,       72,     72,     72,     72,     56,     56,     56,     56)
	B(str_header,                80,     80,     80,     80,     64,     64,     64,     64)
	/* Code; code_names: co_varnames up to 3.10, then co_localsplusnames. */
	L(code_flags,                36,     36,     36,     48,     48,     48,     48,     48)
	L(code_firstlineno,          40,     40,     40,     72,     68,     68,     68,     68)
	L(code_code,                 48,     48,     48,    184,    192,    200,    208,    208)
	L(code_filename,            104,    104,    104,    112,    112,    112,    112,    112)
	L(code_name,                112,    112,    112,    120,    120,    120,    120,    120)
	L(code_qualname,             NO,     NO,     NO,    128,    128,    128,    128,    128)
	L(code_linetable,           120,    120,    120,    136,    136,    136,    136,    136)
	L(code_version,              NO,     NO,     NO,     NO,     92,     92,     92,     92)
	L(code_names,                72,     72,     72,     96,     96,     96,     96,     96)
	L(code_freevars,             80,     80,     80,     NO,     NO,     NO,     NO,     NO)
	L(code_cellvars,             88,     88,     88,     NO,     NO,     NO,     NO,     NO)
	L(code_stacksize,            32,     32,     32,     68,     64,     64,     64,     64)
	B(code_basicsize,           176,    176,    176,    184,    192,    200,    208,    208)
	/* A frame object (3.8 - 3.10) or an interpreter frame. frame_top: f_stacktop (3.8, 3.9);
	 * f_stackdepth, an int (3.10); stacktop, an int (3.11 - 3.13); stackpointer (3.14 on). */
	L(frame_globals,             48,     48,     48,      8,     24,     24,     24,     24)
	L(frame_locals,              56,     56,     56,     24,     40,     40,     40,     40)
	L(frame_func,                NO,     NO,     NO,      0,     16,     16,     16,     16)
	L(frame_top,                 72,     72,     80,     64,     64,     64,     64,     64)
	L(frame_localsplus,         360,    360,    352,     72,     72,     72,     80,     80)
	W(frame_code,                32,     32,     32,     32,      0,      0,      0,      0)
	W(frame_back,                24,     24,     24,     48,      8,      8,      8,      8)
	W(frame_instr,              104,    104,     96,     56,     56,     56,     56,     56)
	W(frame_owner,               NO,     NO,     NO,     69,     70,     70,     74,     74)
	W(owner_skip,                NO,     NO,     NO,      3,      3,      3,      3,      3)
	W(frame_entry,                0,      0,      0,     68,      0,      0,      0,      0)
	W(frame_size,               112,    112,    104,     72,     72,     72,     80,     80)
	W(instr_kind,             BYTES,  BYTES,  UNITS,  POINT,  POINT,  POINT,  POINT,  POINT)
	W(code_tag_mask,              0,      0,      0,      0,      0,      0,      3,      3)
	/* A thread; 3.11, 3.12: tstate->cframe, then its current_frame. 3.11 has no shim frames yet. */
	W(tstate_frame,              24,     24,     24,     56,     56,     72,     72,     72)
	W(cframe_frame,              NO,     NO,     NO,      8,      0,     NO,     NO,     NO)
	W(tstate_thread_id,         176,    176,    176,    152,    136,    152,    152,    176)
	L(tstate_native_id,          NO,     NO,     NO,    160,    144,    160,    160,    184)
	L(tstate_size,              264,    264,    280,    360,    288,    304,    832,    888)
	/* An interpreter. */
	L(interp_next,                0,      0,      0,      0,      0,   7264,   7272,   7264)
	L(interp_id,                 16,     24,     24,     48,      8,   7272,   7280,   7272)
	L(interp_threads,             8,      8,      8,     16,     72,   7344,   7344,   7336)
	L(interp_gc,                 NO,    616,    616,    648,    112,   7400,   7408,   7400)
	L(interp_modules,            56,    856,    856,    888,    944,   7656,   7688,   7592)
	L(interp_obmalloc,            0,      0,      0,      0,   3960,  10800,  10904,  10880)
	L(interp_size,             2720,   5656, 113528, 107752, 383552, 194968, 225864, 226240)
	L(pool_size,               4096,   4096,  16384,  16384,  16384,  16384,  16384,  16384)
	L(arena_size,            MB / 4, MB / 4,     MB,     MB,     MB,     MB,     MB,     MB)
	/* The collector. 3.14.0 - 3.14.4 collect incrementally, later ones by generations again; the
	 * members stayed where they are. */
	L(gc_enabled,                12,     12,     12,     12,     12,     12,     12,      0)
	L(gc_generations,            24,     24,     24,     24,     24,     24,     24,      8)
	L(gc_permanent,             104,    104,    104,    104,    104,    104,     96,     80)
	L(gc_stats,                 128,    128,    128,    128,    128,    128,    120,    104)
	L(gc_collecting,            200,    200,    200,    200,    200,    200,    192,    112)
	L(gc_garbage,               208,    208,    208,    208,    208,    208,    200,    128)
	B(gc_generation0,            96,     96,     96,     96,     96,     96,    256,    168)
	/* _PyRuntime. */
	L(runtime_interpreters,      32,     32,     32,     40,     40,    632,    808,    936)
	L(runtime_gc,               344,      0,      0,      0,      0,      0,      0,      0)
	B(runtime_finalizing,        16,     16,     16,     24,     24,    608,    784,    912)
	B(runtime_initialized,       12,     12,     12,     16,     16,    600,    776,    904)
	B(runtime_tstate_current,   1368,    568,    568,    576,     NO,     NO,     NO,     NO)
	B(runtime_autotss,         1392,    584,    584,    592,   1544,   2160,   2336,     NO)
	B(runtime_raw,               NO,     NO,     NO,     NO,     96,    704,    880,   1008)
	B(runtime_obj,               NO,     NO,     NO,     NO,    176,    784,    960,   1088)
};

/* Positions of members in _Py_DebugOffsets of 3.13, ...; 0 = it is not there. */
#define D(name, m, p13, p14, p15) {name, {p13, p14, p15}, AT(m)},
const struct py_debug_member py_debug_members[] = {
	D("runtime_state.finalizing",                   runtime_finalizing,             32,  32,  32)
	D("runtime_state.interpreters_head",            layout.runtime_interpreters,    40,  40,  40)
	D("interpreter_state.id",                       layout.interp_id,               56,  56,  56)
	D("interpreter_state.next",                     layout.interp_next,             64,  64,  64)
	D("interpreter_state.threads_head",             layout.interp_threads,          72,  72,  72)
	D("interpreter_state.gc",                       layout.interp_gc,               80,  88,  88)
	D("interpreter_state.imports_modules",          layout.interp_modules,          88,  96,  96)
	D("thread_state.current_frame",                 walk.tstate_frame,             184, 208, 208)
	D("thread_state.thread_id",                     walk.tstate_thread_id,         192, 216, 240)
	D("thread_state.native_thread_id",              layout.tstate_native_id,       200, 224, 248)
	D("interpreter_frame.previous",                 walk.frame_back,               232, 256, 320)
	D("interpreter_frame.executable",               walk.frame_code,               240, 264, 328)
	D("interpreter_frame.instr_ptr",                walk.frame_instr,              248, 272, 336)
	D("interpreter_frame.owner",                    walk.frame_owner,              264, 288, 352)
	D("code_object.filename",                       layout.code_filename,          280, 320, 384)
	D("code_object.name",                           layout.code_name,              288, 328, 392)
	D("code_object.qualname",                       layout.code_qualname,          296, 336, 400)
	D("code_object.linetable",                      layout.code_linetable,         304, 344, 408)
	D("code_object.firstlineno",                    layout.code_firstlineno,       312, 352, 416)
	D("code_object.co_code_adaptive",               layout.code_code,              344, 384, 448)
	D("type_object.tp_flags",                       layout.tp_flags,               392, 440, 504)
	D("type_object.tp_basicsize",                   layout.tp_basicsize,             0,   0, 512)
	D("type_object.tp_dictoffset",                  layout.tp_dictoffset,            0,   0, 520)
	D("heap_type_object.ht_cached_keys",            layout.ht_cached_keys,           0,   0, 536)
	D("tuple_object.ob_item",                       layout.tuple_item,             408, 456, 552)
	D("list_object.ob_item",                        layout.list_item,              432, 480, 576)
	D("set_object.table",                           layout.set_table,                0, 512, 608)
	D("set_object.mask",                            layout.set_mask,                 0, 520, 616)
	D("dict_object.ma_keys",                        layout.dict_keys,              456, 536, 632)
	D("dict_object.ma_values",                      layout.dict_values,            464, 544, 640)
	D("bytes_object.ob_sval",                       layout.bytes_data,             528, 608, 704)
	D("unicode_object.state",                       layout.str_state,              544, 624, 720)
	D("unicode_object.asciiobject_size",            layout.str_ascii_data,         560, 640, 736)
	D("unicode_object.compactunicodeobject_size",   layout.str_compact_data,         0,   0, 744)
	D("interpreter_frame.localsplus",               layout.frame_localsplus,       256, 280, 344)
	D("interpreter_frame.stackpointer",             layout.frame_top,                0, 296, 360)
	D("code_object.localsplusnames",                layout.code_names,             328, 368, 432)
	D("interpreter_state.size",                     layout.interp_size,             48,  48,  48)
	D("thread_state.size",                          layout.tstate_size,            152, 176, 176)
	D("interpreter_frame.tlbc_index",               frame_tlbc_index,                0, 304, 368)
	D("code_object.co_tlbc",                        layout.code_tlbc,                0, 392, 456)
	D("gc.collecting",                              layout.gc_collecting,          576, 656, 760)
	D("gc.generation_stats",                        layout.gc_stats,                 0,   0, 784)
	D("gen_object.gi_iframe",                       layout.gen_iframe,               0, 680, 808)
	{NULL, {0}, 0, 0},
};

/* Members with the same value in all versions: a struct that is read by another version's positions
 * fails the check. Those of objects are more where the header is larger. */
#define F(name, value, in_object, p13, p14, p15) {name, {p13, p14, p15}, value, in_object},
const struct py_debug_fixed py_debug_fixed[] = {
	F("thread_state.prev",             0, false, 160, 184, 184)
	F("thread_state.next",             8, false, 168, 192, 192)
	F("thread_state.interp",          16, false, 176, 200, 200)
	F("pyobject.ob_type",              8, true,  360, 408, 472)
	F("type_object.tp_name",          24, true,  376, 424, 488)
	F("tuple_object.ob_size",         16, true,  416, 464, 560)
	F("bytes_object.ob_size",         16, true,  520, 600, 696)
	F("unicode_object.length",        16, true,  552, 632, 728)
	{NULL, {0}, 0, 0},
};
/* clang-format on */

int py_last_minor(void)
{
	return PY_FIRST_MINOR + COLUMNS - 1;
}

struct py_build py_table(int minor)
{
	struct py_build b = same;

	if (minor < PY_FIRST_MINOR || minor > py_last_minor())
		return (struct py_build){0};
	b.minor = minor;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		memcpy((uint8_t *)&b + rows[i].at, &rows[i].value[minor - PY_FIRST_MINOR],
		       rows[i].size);
	return b;
}
