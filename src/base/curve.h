/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The judge of one series: does it rise, and will it go on? The rules and their measured error
 * rates are in docs/SCORING.md. */
#ifndef PYLEAK_CURVE_H
#define PYLEAK_CURVE_H

#include "base/base.h"

enum curve_shape {
	CURVE_UNKNOWN,	  /* too few points */
	CURVE_FLAT,	  /* never moved out of its noise */
	CURVE_RISING,	  /* rises, and nothing says that it will stop */
	CURVE_SLOWING,	  /* rises, but bends */
	CURVE_LEVELLED,	  /* rose, and has stopped */
	CURVE_TEETH,	  /* up and down; the minima do not rise */
	CURVE_PERIODIC,	  /* the same, by the clock */
	CURVE_GIVEN_BACK, /* rose, and fell again */
	CURVE_SHAPES
};

struct curve {
	enum curve_shape shape;
	size_t points;		 /* looked at */
	double span_s;		 /* from the first to the last */
	double slope, low, high; /* per second, of the last stretch, and its 95 % interval */
	double since_s;		 /* how long the last stretch lasts: since the last change */
	double fastest;		 /* slope of the steepest stretch before */
	double gain;		 /* from the first to the last point */
	double late;		 /* growth in its second half, over that in the first */
	double height;		 /* from the lowest to the highest */
	unsigned minima;	 /* of teeth: how many the slope rests on; 0 = no teeth */
	double confidence;	 /* of CURVE_RISING: that it goes on, as measured */
	bool is_past_corner;	 /* levelled in a corner, as what is full does; but rises since */
	bool ebbs;    /* it slows down by the clock, but hardly by what the program does */
	bool is_torn; /* it would rise but for a fall, as allocators make them */
};

struct curve_points {
	const double *t;   /* ascending, seconds */
	const double *v;   /* floors: minima over short times */
	const double *top; /* and maxima; NULL = not known */
	size_t n;
	double grain; /* the least step that means something: 1 for counts, a page for bytes */
};

void curve_judge(const struct curve_points *p, struct curve *out);
/* It rises, in a line or ever more slowly. */
bool curve_grows(const struct curve *c);
const char *curve_shape_name(enum curve_shape s);

#endif
