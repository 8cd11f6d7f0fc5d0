/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A canvas on a terminal, and its keys, by ncurses. One per process. */
#ifndef PYLEAK_SCREEN_PAINT_H
#define PYLEAK_SCREEN_PAINT_H

#include "screen/canvas.h"

struct paint {
	void *term; /* ncurses' own */
	struct canvas shown;
	bool has_color, is_stale;
};

/* Fails with the sentence. */
int paint_open(struct paint *p, bool no_color);
void paint_close(struct paint *p);
void paint_size(int *rows, int *cols);
/* Only cells that differ from what is shown are sent. */
void paint_draw(struct paint *p, const struct canvas *c);
/* All of it, next time: somebody else has written on the terminal. */
void paint_again(struct paint *p);
/* The next key that was pressed, as for view_key(); false: none. Waits for none. */
bool paint_key(struct paint *p, uint32_t *key);

#endif
