/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads _Py_DebugOffsets, the first member of _PyRuntime since 3.13, in which a process describes
 * its own layout (Include/internal/pycore_debug_offsets.h; 3.13: pycore_runtime.h). It has no
 * length, and members were inserted in the middle, so positions go by minor version
 * (layout_table.c). All members but the cookie are u64.
 */
#include "py/py_priv.h"

#include <inttypes.h>

static int check_fixed(const struct py_runtime *rt, const uint8_t *raw, int column)
{
	const uint16_t more = rt->free_threaded ? PY_FREE_THREADED_HEADER : 0;

	for (const struct py_debug_fixed *f = py_debug_fixed; f->name; f++)
		if (py_word(raw, f->pos[column]) != f->value + (f->in_object ? more : 0u))
			return fail(-ENOTSUP,
				    "process %d: CPython %s describes its layout in a way that "
				    "this program does not know (_Py_DebugOffsets+%u)",
				    rt->proc->pid, rt->version, f->pos[column]);
	return 0;
}

static int take_member(const struct py_runtime *rt, const struct py_debug_member *m, uint64_t v,
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

/* Refuses offsets beyond the end of the copies from which members are taken: of a frame, a code
 * object, the head of a str, a dict, a list or a tuple. So no reader has to check them. The ends
 * are sizes from the table, or those of the smallest copy that is made. */
static int check_bounds(const struct py_runtime *rt, const struct py_build *b)
{
	const struct py_layout *l = &b->layout;
	const struct pl_walk *w = &b->walk;
	const struct {
		const char *name;
		uint32_t at, bytes, end;
	} rows[] = {
		/* the kernel half reads a frame at once, up to its last member */
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
	uint8_t raw[PY_DEBUG_BYTES];
	int column = rt->minor - PY_FIRST_DEBUG_MINOR, err;

	if (column < 0)
		return fail(-EINVAL, "CPython %s has no debug offsets", rt->version);
	if (proc_read(rt->proc, rt->runtime, raw, sizeof(raw)))
		return fail(-EFAULT, "process %d: _PyRuntime cannot be read", rt->proc->pid);
	err = check_fixed(rt, raw, column);
	for (const struct py_debug_member *m = py_debug_members; !err && m->name; m++)
		if (m->pos[column])
			err = take_member(rt, m, py_word(raw, m->pos[column]), b);
	b->runtime_initialized = (uint16_t)(b->runtime_finalizing - 8);
	return err ? err : check_bounds(rt, b);
}
