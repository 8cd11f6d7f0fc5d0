/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the module whose C code makes objects while no Python frame runs, from copies of its stack.
 */
#include "judge/sites_priv.h"

const struct report_frame *foreign_frame(const struct report_frame *f, size_t n, bool in_file)
{
	for (size_t i = 0; i < n && f[i].native; i++)
		if (!f[i].minor && (!in_file || *f[i].module == '/'))
			return &f[i];
	return NULL;
}

/* The native frames of a way. 0: the evaluator is among them, so that a Python frame ran that was
 * not seen. */
static size_t frames_of(struct joiner *j, const struct evidence_way *way,
			const struct report_frame *row, struct report_frame **out)
{
	static const struct evidence_frame frame;
	static const struct evidence_stack st = {.n = 1, .frame = &frame};

	for (size_t i = 0; way && way->frame && i < way->n; i++)
		if (way->frame[i].is_eval)
			return 0;
	return way && way->frame ? interleave(j->r, way, &st, row, j->e->interpreter, out) : 0;
}

/* Did all types, as far as is known, come by code of @module? One type may come by many ways
 * through it, of which even the greatest is small. */
static bool made_all(struct joiner *j, const struct report_frame *row, const char *module)
{
	const struct evidence_native *native = &j->e->native;

	for (size_t i = 0; i < native->n_ways; i++) {
		const struct evidence_way *way = &native->way[i];
		struct report_frame *frames = NULL;
		const struct report_frame *f;
		size_t n;

		if (way->stack != EVIDENCE_NO_FRAME || !way->frame)
			continue;
		n = frames_of(j, way, row, &frames);
		f = foreign_frame(frames, n, true);
		if (!f || strcmp(f->module, module) != 0)
			return false;
	}
	return true;
}

void join_show_nowhere(struct joiner *j, struct joined *to)
{
	const struct evidence_way *way = evidence_way(j->e, EVIDENCE_NO_FRAME, to->via);
	struct report_frame *frames = NULL;
	size_t n = frames_of(j, way, to->site.stack, &frames);
	const struct report_frame *f = foreign_frame(frames, n, true);
	char *name =
		f ? report_printf(j->r, "(no Python frame: C code of %s%s)", file_name(f->module),
				  made_all(j, to->site.stack, f->module) ? "" : " and others")
		  : NULL;

	if (!name)
		return;
	for (size_t i = 0; &frames[i] < f; i++)
		frames[i].minor = true;
	frames[n - 1].function = name;
	to->site.stack = frames;
	to->site.n_frames = n;
}
