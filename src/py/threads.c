/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads interpreters, thread states and stacks while the target runs. */
#include "py/py_priv.h"

int py_interpreters(const struct py_runtime *rt, uint64_t *out, size_t max)
{
	const struct py_layout *l = &rt->layout;
	uint64_t interp;
	size_t n = 0;

	if (proc_read_u64(rt->proc, rt->runtime + l->runtime_interpreters, &interp))
		return -EFAULT;
	while (interp && n < max) {
		for (size_t i = 0; i < n; i++)
			if (out[i] == interp)
				return -ELOOP;
		out[n++] = interp;
		if (proc_read_u64(rt->proc, interp + l->interp_next, &interp))
			return -EFAULT;
	}
	return (int)n;
}

uint64_t py_main_interpreter(const struct py_runtime *rt)
{
	uint64_t interps[PY_MAX_INTERPRETERS];
	int n = py_interpreters(rt, interps, PY_MAX_INTERPRETERS);

	/* it is the last of the list, as new ones are put in front */
	return n > 0 ? interps[n - 1] : 0;
}

uint64_t py_modules(const struct py_runtime *rt)
{
	uint64_t interp = py_main_interpreter(rt), dict;

	if (!interp || proc_read_u64(rt->proc, interp + rt->layout.interp_modules, &dict))
		return 0;
	return dict;
}

size_t py_threads(const struct py_runtime *rt, uint64_t *tstates, size_t max)
{
	const struct py_layout *l = &rt->layout;
	uint64_t interps[PY_MAX_INTERPRETERS];
	int n_interps = py_interpreters(rt, interps, PY_MAX_INTERPRETERS);
	size_t n = 0;

	if (max > PY_MAX_THREADS)
		max = PY_MAX_THREADS;
	for (int i = 0; i < n_interps; i++) {
		uint64_t mark, t;
		size_t next_mark = 1;

		if (proc_read_u64(rt->proc, interps[i] + l->interp_threads, &t))
			continue;
		mark = 0;
		for (size_t in_list = 0; t && n < max; in_list++) {
			uint64_t owner;

			/* a list that changes meanwhile may lead elsewhere, or in a circle, which
			 * then comes to a mark: marks are set at growing distances (Brent) */
			if (t == mark || proc_read_u64(rt->proc, t + l->tstate_interp, &owner) ||
			    owner != interps[i])
				break;
			tstates[n++] = t;
			if (in_list + 1 == next_mark) {
				mark = t;
				next_mark *= 2;
			}
			if (proc_read_u64(rt->proc, t + l->tstate_next, &t))
				break;
		}
	}
	return n;
}

static uint64_t instr_word(const struct pl_walk *w, const uint8_t *raw)
{
	uint64_t instr = py_word(raw, w->frame_instr);

	return w->instr_kind == PL_INSTR_POINTER ? instr : (uint32_t)instr;
}

/* Goes the same steps as the kernel half's walker. */
int py_read_stack(const struct py_runtime *rt, uint64_t tstate, struct pl_frame *out, size_t max,
		  size_t *n, int *left)
{
	const struct pl_walk *w = &rt->walk;
	uint8_t raw[256];
	uint64_t frame;

	*n = 0;
	if (w->frame_size > sizeof(raw) ||
	    proc_read_u64(rt->proc, tstate + w->tstate_frame, &frame))
		return -EFAULT;
	if (w->cframe_frame != PL_NONE && proc_read_u64(rt->proc, frame + w->cframe_frame, &frame))
		return -EFAULT;
	for (; frame && *n < max; --*left) {
		if (*left <= 0)
			return -ELOOP;
		if (proc_read(rt->proc, frame, raw, w->frame_size))
			return -EFAULT;
		if (w->frame_owner == PL_NONE || raw[w->frame_owner] < w->owner_skip) {
			out[*n].code = py_word(raw, w->frame_code) & ~(uint64_t)w->code_tag_mask;
			out[*n].instr = instr_word(w, raw);
			(*n)++;
		}
		frame = py_word(raw, w->frame_back);
	}
	return 0;
}
