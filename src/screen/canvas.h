/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A picture of the screen in memory: cells with a character and a style. Views draw on it, paint.c
 * brings it to a terminal, and tests read it. Control characters of a target are spelt out, so that
 * no terminal obeys them. One thread at a time. */
#ifndef PYLEAK_SCREEN_CANVAS_H
#define PYLEAK_SCREEN_CANVAS_H

#include <stdio.h>

#include "base/base.h"
#include "out/line.h"

#define CANVAS_REVERSE 0x80 /* a bit beside enum style */
#define CANVAS_MARKS   2    /* combining characters on one cell, at most */

struct cell {
	char text[4 * (1 + CANVAS_MARKS) +
		  1];		    /* UTF-8; "" = blank, or the right half of a wide one */
	uint8_t style, cols, marks; /* cols: 0 = the right half; marks: combining ones */
};

struct canvas {
	int rows, cols;
	bool is_ascii; /* the terminal shows nothing but ASCII */
	struct cell *cell;
};

/* Makes a blank canvas. -ENOMEM, or -EINVAL for an impossible size, with the sentence. */
int canvas_init(struct canvas *c, int rows, int cols, bool is_ascii);
void canvas_free(struct canvas *c);
/* Returns a cell; NULL: it lies outside. */
struct cell *canvas_at(const struct canvas *c, int row, int col);

/* Puts @text into columns [@col, @end); a longer text is cut and marked. Returns the column behind
 * it. Nothing is drawn outside of the canvas. */
int canvas_put(struct canvas *c, int row, int col, int end, int style, const char *text);
int canvas_printf(struct canvas *c, int row, int col, int end, int style, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Puts @text at the right end of [@col, @end). */
void canvas_right(struct canvas *c, int row, int col, int end, int style, const char *text);
/* Puts a line that out/line.c made, with its colours. */
void canvas_line(struct canvas *c, int row, int col, int end, const char *line);
/* Returns the number of columns that canvas_put() takes for @text. */
int canvas_columns(const struct canvas *c, const char *text);
/* Makes a row blank again. */
void canvas_clear(struct canvas *c, int row);
/* Shows cells [@col, @end) of a row in reverse, in addition to their style. */
void canvas_reverse(struct canvas *c, int row, int col, int end);
/* Prints the canvas without styles and without blanks at the ends of lines. */
void canvas_print(const struct canvas *c, FILE *f);

#endif
