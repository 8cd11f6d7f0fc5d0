/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "out/frames.h"

#include <xxhash.h>

static uint64_t hash_of(const struct report_frame *at, bool is_exact)
{
	const char *text[] = {at->function, at->native ? at->module : at->file,
			      is_exact ? at->file : NULL};
	bool by_address = is_exact || !at->function;
	uint64_t h = (uint64_t)at->line * 2 + at->native + (by_address ? at->offset << 1 : 0);

	for (size_t i = 0; i < ARRAY_SIZE(text); i++)
		h = XXH3_64bits_withSeed(text[i] ? text[i] : "", text[i] ? strlen(text[i]) : 0, h);
	return h | 1;
}

static int knows(const struct report_frame *at)
{
	return (at->source != NULL) + (at->around != NULL);
}

size_t out_frames_put(struct out_frames *fr, const struct report_frame *at)
{
	uint64_t *number = map64_put(&fr->index, hash_of(at, fr->is_exact));
	struct out_frame *new;

	if (!number)
		return SIZE_MAX;
	if (*number) {
		/* the copy with source text is kept: only some frames of a site have it */
		if (knows(at) > knows(fr->v.v[*number - 1].at))
			fr->v.v[*number - 1].at = at;
		return *number - 1;
	}
	new = vec_push(&fr->v);
	if (!new)
		return SIZE_MAX;
	new->at = at;
	*number = fr->v.n;
	return fr->v.n - 1;
}

void out_frames_fini(struct out_frames *fr)
{
	map64_free(&fr->index);
	vec_free(&fr->v);
}
