/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A page of lines that can be scrolled and searched: what the terminal report says of one thing. */
#ifndef PYLEAK_SCREEN_TEXT_H
#define PYLEAK_SCREEN_TEXT_H

#include "screen/canvas.h"

#define TEXT_NOWHERE SIZE_MAX

struct text {
	VEC(char *) lines; /* with the colours of out/line.h */
};

/* Splits what @write writes into @f into lines. -ENOMEM, or what it returns. */
int text_make(struct text *t, int (*write)(FILE *f, const void *ctx), const void *ctx);
void text_free(struct text *t);
/* From line @first on into rows [@row, @end); lines that have @find in them are marked. */
void text_draw(const struct text *t, struct canvas *c, int row, int end, size_t first,
	       const char *find);
/* The next line from @from on that has @find in it, going round; TEXT_NOWHERE. */
size_t text_find(const struct text *t, const char *find, size_t from);
/* Upper case is lower case; an empty one is nowhere. */
bool text_has(const char *line, const char *find);

#endif
