/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One line of terminal text: colours, the width of the screen, and nothing of the target's that a
 * terminal would obey. */
#ifndef PYLEAK_OUT_LINE_H
#define PYLEAK_OUT_LINE_H

#include <stdio.h>

#include "base/base.h"

enum style {
	STYLE_PLAIN,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_RED,
	STYLE_YELLOW,
	STYLE_CYAN,
	STYLE_GREEN,
	STYLE_MAX
};

struct line {
	FILE *f;
	VEC(char) text;
	int width; /* columns; 0 = never cut */
	int col;
	size_t mark; /* where to cut so that the mark of a cut line fits */
	bool want_color, is_cut, is_styled, has_items;
	int err; /* the first errno of the stream */
};

void line_init(struct line *l, FILE *f, int width, bool want_color);
void line_fini(struct line *l);

void line_style(struct line *l, enum style s);
/* Any text, the target's too: control characters appear as \x1b, what is not UTF-8 as \xff. */
void line_text(struct line *l, const char *s);
void line_printf(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The last @cols columns of @s, "..." in front when something is missing. */
void line_tail(struct line *l, const char *s, int cols);
void line_pad(struct line *l, int col);
/* One of a list: a comma in front when it is not the first, on a new line when it does not fit, and
 * broken at spaces when it is longer than that. */
void line_item(struct line *l, const char *s);
/* A sentence, broken at spaces when it does not fit. */
void line_words(struct line *l, const char *s);
void line_end(struct line *l);

/* Columns that @s takes when printed by line_text. */
int line_columns(const char *s);

#endif
