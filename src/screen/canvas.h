/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A picture of the screen in memory: cells with a character and a style. Views draw on it, paint.c
 * brings it to a terminal, tests read it. Nothing of a target's that a terminal would obey gets
 * into a cell. Not thread-safe. */
#ifndef PYLEAK_SCREEN_CANVAS_H
#define PYLEAK_SCREEN_CANVAS_H

#include <stdio.h>

#include "base/base.h"
#include "out/line.h"

#define CANVAS_REVERSE 0x80 /* beside an enum style */
#define CANVAS_MARKS   2    /* combining characters on one cell, at most */

struct cell {
	char text[4 * (1 + CANVAS_MARKS) +
		  1];		    /* UTF-8; "" = blank, or the right half of a wide one */
	uint8_t style, cols, marks; /* cols: 0 = the right half */
};

struct canvas {
	int rows, cols;
	bool is_ascii; /* the terminal's character set has nothing else */
	struct cell *cell;
};

/* Blank. -ENOMEM with the sentence. */
int canvas_init(struct canvas *c, int rows, int cols, bool is_ascii);
void canvas_free(struct canvas *c);
struct cell *canvas_at(const struct canvas *c, int row, int col);

/* @text from @col on, cut before @end with a mark. Returns the column behind it. What lies outside
 * of the canvas is not drawn. */
int canvas_put(struct canvas *c, int row, int col, int end, int style, const char *text);
int canvas_printf(struct canvas *c, int row, int col, int end, int style, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* The same at the right end of [col, end). */
void canvas_right(struct canvas *c, int row, int col, int end, int style, const char *text);
/* A line that out/line.c made, with its colours. */
void canvas_line(struct canvas *c, int row, int col, int end, const char *line);
/* Columns that canvas_put() takes for @text. */
int canvas_columns(const struct canvas *c, const char *text);
/* Blanks again, all of the row. */
void canvas_clear(struct canvas *c, int row);
/* The style of a row's cells, from @col on, in reverse. */
void canvas_reverse(struct canvas *c, int row, int col, int end);
/* Without styles, blanks at the ends of lines left out. */
void canvas_print(const struct canvas *c, FILE *f);

#endif
