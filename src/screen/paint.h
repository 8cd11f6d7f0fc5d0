/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Paints a canvas on a terminal and reads its keys, by ncurses. One per process, on one thread. */
#ifndef PYLEAK_SCREEN_PAINT_H
#define PYLEAK_SCREEN_PAINT_H

#include "screen/canvas.h"

struct paint {
	void *term;	     /* ncurses' SCREEN; NULL: not open */
	struct canvas shown; /* as the terminal shows it */
	bool has_color, is_stale;
};

/* Takes the terminal. -ENOTTY with the sentence. */
int paint_open(struct paint *p, bool no_color);
void paint_close(struct paint *p);
void paint_size(int *rows, int *cols);
/* Draws the rows that differ from what is shown; ncurses sends only the cells that do. */
void paint_draw(struct paint *p, const struct canvas *c);
/* Has all of it drawn the next time, because another program has written on the terminal. */
void paint_again(struct paint *p);
/* Reads the next key, as view_key() takes it, without waiting. False: none was pressed. */
bool paint_key(struct paint *p, uint32_t *key);

#endif
