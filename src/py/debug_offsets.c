/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * _Py_DebugOffsets, the first member of _PyRuntime since 3.13: what the process itself says about
 * its layout (Include/internal/pycore_debug_offsets.h; 3.13: pycore_runtime.h). It has no length
 * field and members were inserted in the middle, so the positions go by minor version. Everything
 * but the cookie is a u64.
 */
#include "py/py_priv.h"

#include <inttypes.h>

#define MAX_OFFSETS 888 /* the struct of 3.15 */

struct member {
	const char *name;
	uint16_t pos[3]; /* in the struct of 3.13, 3.14, 3.15; 0 = not there */
	uint16_t to;	 /* in struct py_build */
	uint8_t size;	 /* of the member there */
};

#define L(m) offsetof(struct py_build, layout.m), sizeof(((struct py_build *)0)->layout.m)
#define W(m) offsetof(struct py_build, walk.m), sizeof(((struct py_build *)0)->walk.m)
#define B(m) offsetof(struct py_build, m), sizeof(((struct py_build *)0)->m)

static const struct member members[] = {
	{"runtime_state.finalizing", {32, 32, 32}, B(runtime_finalizing)},
	{"runtime_state.interpreters_head", {40, 40, 40}, L(runtime_interpreters)},
	{"interpreter_state.id", {56, 56, 56}, L(interp_id)},
	{"interpreter_state.next", {64, 64, 64}, L(interp_next)},
	{"interpreter_state.threads_head", {72, 72, 72}, L(interp_threads)},
	{"interpreter_state.gc", {80, 88, 88}, L(interp_gc)},
	{"interpreter_state.imports_modules", {88, 96, 96}, L(interp_modules)},
	{"thread_state.next", {168, 192, 192}, L(tstate_next)},
	{"thread_state.interp", {176, 200, 200}, L(tstate_interp)},
	{"thread_state.current_frame", {184, 208, 208}, W(tstate_frame)},
	{"thread_state.thread_id", {192, 216, 240}, W(tstate_thread_id)},
	{"thread_state.native_thread_id", {200, 224, 248}, L(tstate_native_id)},
	{"interpreter_frame.previous", {232, 256, 320}, W(frame_back)},
	{"interpreter_frame.executable", {240, 264, 328}, W(frame_code)},
	{"interpreter_frame.instr_ptr", {248, 272, 336}, W(frame_instr)},
	{"interpreter_frame.owner", {264, 288, 352}, W(frame_owner)},
	{"code_object.filename", {280, 320, 384}, L(code_filename)},
	{"code_object.name", {288, 328, 392}, L(code_name)},
	{"code_object.qualname", {296, 336, 400}, L(code_qualname)},
	{"code_object.linetable", {304, 344, 408}, L(code_linetable)},
	{"code_object.firstlineno", {312, 352, 416}, L(code_firstlineno)},
	{"code_object.co_code_adaptive", {344, 384, 448}, L(code_code)},
	{"pyobject.ob_type", {360, 408, 472}, L(ob_type)},
	{"type_object.tp_name", {376, 424, 488}, L(tp_name)},
	{"type_object.tp_flags", {392, 440, 504}, L(tp_flags)},
	{"type_object.tp_basicsize", {0, 0, 512}, L(tp_basicsize)},
	{"type_object.tp_dictoffset", {0, 0, 520}, L(tp_dictoffset)},
	{"heap_type_object.ht_cached_keys", {0, 0, 536}, L(ht_cached_keys)},
	{"tuple_object.ob_item", {408, 456, 552}, L(tuple_item)},
	{"list_object.ob_item", {432, 480, 576}, L(list_item)},
	{"set_object.table", {0, 512, 608}, L(set_table)},
	{"set_object.mask", {0, 520, 616}, L(set_mask)},
	{"dict_object.ma_keys", {456, 536, 632}, L(dict_keys)},
	{"dict_object.ma_values", {464, 544, 640}, L(dict_values)},
	{"bytes_object.ob_sval", {528, 608, 704}, L(bytes_data)},
	{"unicode_object.state", {544, 624, 720}, L(str_state)},
	{"unicode_object.length", {552, 632, 728}, L(str_length)},
	{"unicode_object.asciiobject_size", {560, 640, 736}, L(str_ascii_data)},
	{"unicode_object.compactunicodeobject_size", {0, 0, 744}, L(str_compact_data)},
	{"interpreter_frame.localsplus", {256, 280, 344}, L(frame_localsplus)},
	{"interpreter_frame.stackpointer", {0, 296, 360}, L(frame_top)},
	{"code_object.localsplusnames", {328, 368, 432}, L(code_names)},
	{"interpreter_state.size", {48, 48, 48}, L(interp_size)},
	{"thread_state.size", {152, 176, 176}, L(tstate_size)},
	{"interpreter_frame.tlbc_index", {0, 304, 368}, B(frame_tlbc_index)},
	{"code_object.co_tlbc", {0, 392, 456}, L(code_tlbc)},
	{"gc.collecting", {576, 656, 760}, L(gc_collecting)},
	{"gc.generation_stats", {0, 0, 784}, L(gc_stats)},
	{"gen_object.gi_iframe", {0, 680, 808}, L(gen_iframe)},
};

/* Positions of members that have one right value: a struct read by the wrong version's positions
 * does not pass. Those of objects lie further back where the header is larger. */
static const struct {
	uint16_t pos[3];
	uint16_t value;
	bool in_object;
} fixed[] = {
	{{160, 184, 184}, 0, false},  /* thread_state.prev */
	{{168, 192, 192}, 8, false},  /* thread_state.next */
	{{176, 200, 200}, 16, false}, /* thread_state.interp */
	{{360, 408, 472}, 8, true},   /* pyobject.ob_type */
	{{376, 424, 488}, 24, true},  /* type_object.tp_name */
	{{416, 464, 560}, 16, true},  /* tuple_object.ob_size */
	{{520, 600, 696}, 16, true},  /* bytes_object.ob_size */
	{{552, 632, 728}, 16, true},  /* unicode_object.length */
};

static uint64_t word_at(const uint8_t *raw, size_t pos)
{
	uint64_t v;

	memcpy(&v, raw + pos, sizeof(v));
	return v;
}

static int check_fixed(const struct py_runtime *rt, const uint8_t *raw, int column)
{
	const uint16_t more = rt->free_threaded ? PY_FREE_THREADED_HEADER : 0;

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (word_at(raw, fixed[i].pos[column]) !=
		    fixed[i].value + (fixed[i].in_object ? more : 0u))
			return fail(-ENOTSUP,
				    "process %d: CPython %s describes its layout in a way that "
				    "this program does not know (_Py_DebugOffsets+%u)",
				    rt->proc->pid, rt->version, fixed[i].pos[column]);
	return 0;
}

static int take_member(const struct py_runtime *rt, const struct member *m, uint64_t v,
		       struct py_build *b)
{
	uint8_t *to = (uint8_t *)b + m->to;
	uint32_t old32 = 0;
	uint16_t old16;

	if (v >= (m->size == 2 ? PL_NONE : 1u << 20))
		return fail(-ENOTSUP,
			    "process %d: CPython %s states an impossible %s (%" PRIu64 ")",
			    rt->proc->pid, rt->version, m->name, v);
	memcpy(&old16, to, sizeof(old16));
	memcpy(&old32, to, m->size == 2 ? sizeof(old16) : sizeof(old32));
	if (v != (m->size == 2 ? old16 : old32))
		log_debug("%s %s is %" PRIu64 ", the table says otherwise", rt->version, m->name,
			  v);
	if (m->size == 2) {
		old16 = (uint16_t)v;
		memcpy(to, &old16, sizeof(old16));
	} else {
		old32 = (uint32_t)v;
		memcpy(to, &old32, sizeof(old32));
	}
	return 0;
}

/* Members are taken out of copies of a fixed length: of a frame, a code object, the head of a str,
 * a dict, a list or a tuple. What is said to lie behind that end is refused here, once for all who
 * read. The ends: sizes from the table, or those of the smallest copy that is made. */
static int check_bounds(const struct py_runtime *rt, const struct py_build *b)
{
	const struct py_layout *l = &b->layout;
	const struct pl_walk *w = &b->walk;
	const struct {
		const char *name;
		uint32_t at, bytes, end;
	} rows[] = {
		/* The kernel half reads a frame at once: to behind the last member. */
		{"frame.previous", w->frame_back, 8, w->frame_size},
		{"frame.executable", w->frame_code, 8, w->frame_size},
		{"frame.instr_ptr", w->frame_instr, 8, w->frame_size},
		{"frame.owner", w->frame_owner, 1, w->frame_size},
		{"frame.localsplus", l->frame_localsplus, 0, PY_FRAME_COPY},
		{"frame.stackpointer", l->frame_top, 8, PY_FRAME_COPY},
		{"code.filename", l->code_filename, 8, b->code_basicsize},
		{"code.name", l->code_name, 8, b->code_basicsize},
		{"code.qualname", l->code_qualname, 8, b->code_basicsize},
		{"code.linetable", l->code_linetable, 8, b->code_basicsize},
		{"code.firstlineno", l->code_firstlineno, 4, b->code_basicsize},
		{"str.state", l->str_state, 8, b->str_header},
		{"str.length", l->str_length, 8, b->str_header},
		{"str.asciiobject_size", l->str_ascii_data, 0, b->str_header},
		{"str.compactunicodeobject_size", l->str_compact_data, 0, b->str_header},
		{"dict.ma_keys", l->dict_keys, 8, PY_DICT_COPY},
		{"dict.ma_values", l->dict_values, 8, PY_DICT_COPY},
		{"list.ob_item", l->list_item, 8, l->list_allocated},
		{"tuple.ob_item", l->tuple_item, 0, l->ob_size + 2 * 8u},
		{"bytes.ob_sval", l->bytes_data, 0, l->ob_size + 2 * 8u},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].at + rows[i].bytes > rows[i].end)
			return fail(-ENOTSUP,
				    "process %d: CPython %s says that %s lies at %u: it is not "
				    "known there",
				    rt->proc->pid, rt->version, rows[i].name, rows[i].at);
	if (l->tuple_item < l->ob_size)
		return fail(-ENOTSUP, "process %d: CPython %s has tuples that are not known",
			    rt->proc->pid, rt->version);
	return 0;
}

int py_read_debug_offsets(const struct py_runtime *rt, struct py_build *b)
{
	uint8_t raw[MAX_OFFSETS];
	int column = rt->minor - 13, err;

	if (column < 0 || column > 2)
		return fail(-EINVAL, "CPython %s has no debug offsets", rt->version);
	if (proc_read(rt->proc, rt->runtime, raw, sizeof(raw)))
		return fail(-EFAULT, "process %d: _PyRuntime cannot be read", rt->proc->pid);
	err = check_fixed(rt, raw, column);
	for (size_t i = 0; !err && i < ARRAY_SIZE(members); i++)
		if (members[i].pos[column])
			err = take_member(rt, &members[i], word_at(raw, members[i].pos[column]), b);
	b->runtime_initialized = (uint16_t)(b->runtime_finalizing - 8);
	return err ? err : check_bounds(rt, b);
}
