/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the variables of frames, and their names. */
#include "py/py_priv.h"
#include "py/versions.h"

#define MAX_SLOTS 4096

static uint64_t tuple_size(const struct py_runtime *rt, uint64_t code, uint16_t member)
{
	uint64_t tuple, n;

	if (member == PL_NONE || proc_read_u64(rt->proc, code + member, &tuple) || !tuple ||
	    proc_read_u64(rt->proc, tuple + rt->layout.ob_size, &n) || n > MAX_SLOTS)
		return 0;
	return n;
}

/* Reads the depth of the value stack, which is known only while the frame does not run; else takes
 * all its room. */
static void read_depth(const struct py_runtime *rt, const uint8_t *raw, struct py_locals *out)
{
	const struct py_layout *l = &rt->layout;
	uint64_t end = out->slots + 8ull * out->n, top = py_word(raw, l->frame_top);
	uint32_t room = 0;
	int32_t depth = (int32_t)top;

	if (rt->minor == 10) /* 0 while it runs, too */
		top = depth > 0 && depth < MAX_SLOTS ? end + 8ull * (uint64_t)depth : 0;
	else if (rt->minor >= 11 && rt->minor <= 13)
		top = depth >= (int32_t)out->n && depth < MAX_SLOTS
			      ? out->slots + 8ull * (uint64_t)depth
			      : 0;
	if (top >= end && top - end <= 8 * MAX_SLOTS) {
		out->n_stack = (uint32_t)((top - end) / 8);
		out->stack_known = true;
		return;
	}
	if (!proc_read_u32(rt->proc, out->code + l->code_stacksize, &room) && room < MAX_SLOTS)
		out->n_stack = room;
}

int py_read_locals(const struct py_runtime *rt, uint64_t frame, struct py_locals *out)
{
	const struct py_layout *l = &rt->layout;
	uint8_t raw[PY_FRAME_COPY] = {0};
	uint64_t n, type;
	size_t head = rt->minor <= 10 ? sizeof(raw) : l->frame_localsplus;

	*out = (struct py_locals){.frame = frame};
	if (head > sizeof(raw) || proc_read(rt->proc, frame, raw, head))
		return -EFAULT;
	out->code = py_word(raw, rt->walk.frame_code) & ~(uint64_t)rt->walk.code_tag_mask;
	if (!out->code || out->code & 7 || proc_read_u64(rt->proc, out->code + l->ob_type, &type) ||
	    type != rt->code_type)
		return -EILSEQ;
	out->globals = py_word(raw, l->frame_globals);
	out->locals = py_word(raw, l->frame_locals);
	if (rt->minor >= 11) {
		out->func = py_word(raw, l->frame_func) & py_reference_mask(rt);
		out->object = py_word(raw, l->frame_locals + (rt->minor == 11 ? 16 : 8));
	}
	out->slots = frame + l->frame_localsplus;
	n = tuple_size(rt, out->code, l->code_names);
	if (l->code_freevars != PL_NONE)
		n += tuple_size(rt, out->code, l->code_cellvars) +
		     tuple_size(rt, out->code, l->code_freevars);
	out->n = (uint32_t)n;
	read_depth(rt, raw, out);
	return 0;
}

int py_walk_locals(const struct py_runtime *rt, uint64_t tstate, py_locals_visit visit, void *ctx)
{
	const struct pl_walk *w = &rt->walk;
	uint64_t frame;
	int err;

	if (proc_read_u64(rt->proc, tstate + w->tstate_frame, &frame))
		return -EFAULT;
	if (w->cframe_frame != PL_NONE && proc_read_u64(rt->proc, frame + w->cframe_frame, &frame))
		return -EFAULT;
	for (int step = 0; frame && step < PY_MAX_STEPS; step++) {
		struct py_locals f;

		/* a shim has neither code object nor variables */
		if (!py_read_locals(rt, frame, &f)) {
			err = visit(&f, ctx);
			if (err)
				return err;
		}
		if (proc_read_u64(rt->proc, frame + w->frame_back, &frame))
			return -EFAULT;
	}
	return 0;
}

static int name_in(const struct py_runtime *rt, uint64_t code, uint16_t member, uint64_t i,
		   char *buf, size_t size)
{
	uint64_t tuple, str;

	if (proc_read_u64(rt->proc, code + member, &tuple) ||
	    proc_read_u64(rt->proc, tuple + rt->layout.tuple_item + 8 * i, &str))
		return -EFAULT;
	return py_read_str(rt, str, buf, size);
}

int py_local_name(const struct py_runtime *rt, uint64_t code, uint32_t i, char *buf, size_t size)
{
	const struct py_layout *l = &rt->layout;
	const uint16_t member[] = {l->code_names, l->code_cellvars, l->code_freevars};

	for (size_t k = 0; k < ARRAY_SIZE(member) && member[k] != PL_NONE; k++) {
		uint64_t n = tuple_size(rt, code, member[k]);

		if (i < n)
			return name_in(rt, code, member[k], i, buf, size);
		i -= (uint32_t)n;
	}
	return -ENOENT;
}

int py_free_name(const struct py_runtime *rt, uint64_t code, uint32_t i, char *buf, size_t size)
{
	const struct py_layout *l = &rt->layout;
	uint64_t n;
	uint32_t nfree;

	if (l->code_freevars != PL_NONE)
		return i < tuple_size(rt, code, l->code_freevars)
			       ? name_in(rt, code, l->code_freevars, i, buf, size)
			       : -ENOENT;
	/* 3.11+: free variables are the last of all names. Their number is before
	 * co_localsplusnames, from 3.12 on with co_version between. */
	n = tuple_size(rt, code, l->code_names);
	if (proc_read_u32(rt->proc, code + l->code_names - (rt->minor >= 12 ? 8 : 4), &nfree) ||
	    nfree > n || i >= nfree)
		return -ENOENT;
	return name_in(rt, code, l->code_names, n - nfree + i, buf, size);
}
