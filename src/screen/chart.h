/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Curves over time, of blocks or of ASCII. */
#ifndef PYLEAK_SCREEN_CHART_H
#define PYLEAK_SCREEN_CHART_H

#include "screen/canvas.h"

struct chart_point {
	double t_s, v; /* by time; v: NAN where it is not known */
};

/* One line of @cols columns: the shape alone, from its lowest to its highest value. */
void chart_spark(struct canvas *c, int row, int col, int cols, int style,
		 const struct chart_point *v, size_t n);

struct chart_area {
	int row, col, rows, cols;
	double limit; /* drawn where it lies within three times the highest value; NAN */
};
/* Bytes over time, with a scale at the left that need not begin at zero. */
void chart_bytes(struct canvas *c, const struct chart_area *a, const struct chart_point *v,
		 size_t n);

#endif
