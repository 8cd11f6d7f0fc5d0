/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Draws curves over time, of block characters or of ASCII. One thread at a time. */
#ifndef PYLEAK_SCREEN_CHART_H
#define PYLEAK_SCREEN_CHART_H

#include "screen/canvas.h"

struct chart_point {
	double t_s, v; /* seconds, ascending; a value, NAN = not known */
};

/* Draws a line of @cols columns that shows the shape alone, from lowest to highest value. */
void chart_spark(struct canvas *c, int row, int col, int cols, int style,
		 const struct chart_point *v, size_t n);

struct chart_area {
	int row, col, rows, cols;
	double limit; /* drawn between the highest value and three times that; NAN = none */
};
/* Draws bytes over time, with a scale at the left that need not begin at zero. */
void chart_bytes(struct canvas *c, const struct chart_area *a, const struct chart_point *v,
		 size_t n);

#endif
