/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A page of lines that can be scrolled and searched, with the words of the terminal report. One
 * thread at a time. */
#ifndef PYLEAK_SCREEN_TEXT_H
#define PYLEAK_SCREEN_TEXT_H

#include "screen/canvas.h"

#define TEXT_NOWHERE SIZE_MAX

struct text {
	VEC(char *) lines; /* with the colours of out/line.h */
};

/* Splits the text that @write writes into @f into lines. 0, -ENOMEM with the sentence, or the error
 * of @write. text_free() in any case. */
int text_make(struct text *t, int (*write)(FILE *f, const void *ctx), const void *ctx);
void text_free(struct text *t);
/* Draws lines from @first on into rows [@row, @end). Lines that contain @find are marked. */
void text_draw(const struct text *t, struct canvas *c, int row, int end, size_t first,
	       const char *find);
/* Returns the first line from @from on that contains @find, going round; TEXT_NOWHERE = none. */
size_t text_find(const struct text *t, const char *find, size_t from);
/* Does the line contain @find, in upper or lower case? An empty @find is in no line. */
bool text_has(const char *line, const char *find);

#endif
