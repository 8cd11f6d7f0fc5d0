/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts reliefs: an object died, and another of its type was born in its place. Other survivors of
 * the first one's line may be such an object, too, when they are looked at again. If it died in the
 * window of its birth, nobody has read its content: it is taken to be its heir's, which is of
 * another line. */
#ifndef PYLEAK_RELIEF_H
#define PYLEAK_RELIEF_H

#include "base/map64.h"
#include "ladder/contents.h"
#include "ladder/ladder.h"

struct reliefs {
	VEC(struct relief {
		uint64_t stack; /* stack of the one that died, as the kernel half calls it */
		size_t heir;	/* place of the heir in the window's look */
	})
	v;
	struct map64 known; /* reliefs, each once */
};

void reliefs_begin(struct reliefs *r);
void reliefs_free(struct reliefs *r);

/* Adds a relief: sample @i of @look is the last object born where @b was. A line counts once for an
 * address, however many of its objects were there: one at most would have been left at the end of
 * the window. */
void reliefs_add(struct reliefs *r, const struct pl_birth *b, const struct sample *look, size_t i);
/* Counts the reliefs whose heir has a content that many have, by stack and content. The stacks of
 * the @n samples in @look are still the kernel half's numbers. */
void reliefs_count(const struct reliefs *r, const struct sample *look, size_t n,
		   const struct contents *c, struct stacks *st, struct map64 *to);
/* Counts a relief of @dead, which was on the ladder when @heir, of any stack, was born in its
 * place. */
void reliefs_count_late(const struct sample *dead, const struct sample *heir,
			const struct contents *c, struct map64 *to);

#endif
