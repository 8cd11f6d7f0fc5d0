/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An object died, and another of its type was born in its place: what is known of the first one's
 * line may be such a one when it is looked at again. The content of one that died in the window of
 * its birth nobody has read: it is taken to be that of its heir, which is of another line then. */
#ifndef PYLEAK_RELIEF_H
#define PYLEAK_RELIEF_H

#include "base/map64.h"
#include "track/contents.h"
#include "track/ladder.h"

struct reliefs {
	VEC(struct relief {
		uint64_t stack; /* as the kernel half calls it, of the one that died */
		size_t heir;	/* in the look of the window */
	})
	v;
	struct map64 known; /* of them, each once */
};

void reliefs_begin(struct reliefs *r);
void reliefs_free(struct reliefs *r);

/* Sample @i of @look is the last one born where @b was. However many a line had there before, one
 * at most would have been there at the end of a window: they are counted once. */
void reliefs_add(struct reliefs *r, const struct pl_birth *b, const struct sample *look, size_t i);
/* Those whose heir has a content by which nothing is told apart, by stack and content. The stacks
 * of the @n in @look are those of the kernel half yet. */
void reliefs_count(const struct reliefs *r, const struct sample *look, size_t n,
		   const struct contents *c, struct stacks *st, struct map64 *to);
/* @dead was on the ladder when @heir was born in its place, of whatever stack. */
void reliefs_count_late(const struct sample *dead, const struct sample *heir,
			const struct contents *c, struct map64 *to);

#endif
