/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Judges one series: does it rise, and will it go on? The rules and their measured error rates are
 * in docs/SCORING.md. Pure functions. */
#ifndef PYLEAK_CURVE_H
#define PYLEAK_CURVE_H

#include "base/base.h"

enum curve_shape {
	CURVE_UNKNOWN,	  /* too few points */
	CURVE_FLAT,	  /* moves within its noise */
	CURVE_RISING,	  /* rises, with no sign that it will stop */
	CURVE_SLOWING,	  /* rises, but bends */
	CURVE_LEVELLED,	  /* rose, and has stopped */
	CURVE_TEETH,	  /* up and down; the minima do not rise */
	CURVE_PERIODIC,	  /* teeth at even times */
	CURVE_GIVEN_BACK, /* rose, and fell again */
	CURVE_SHAPES
};

struct curve {
	enum curve_shape shape;
	size_t points;		 /* that were judged */
	double span_s;		 /* from the first point to the last */
	double slope, low, high; /* per second, of the last stretch, and its 95 % interval */
	double since_s;		 /* length of the last stretch, since the last change of slope */
	double fastest;		 /* slope of the steepest stretch before it */
	double gain;		 /* from the first point to the last */
	double late;		 /* slope of the second half, over that of the first */
	double height;		 /* from the lowest value to the highest */
	unsigned minima;	 /* minima that the slope is of; 0 = no teeth */
	double confidence;	 /* CURVE_RISING: how often such a rise went on, as measured */
	bool is_past_corner;	 /* levelled at a corner, as a full store does, and rises since */
	bool ebbs;    /* slows down by the clock, but hardly by the work that the program does */
	double ebbed; /* where it ebbs: by the clock, its last third over its first */
	bool fills;   /* rises by the clock, but slows down by the work */
	bool lags;    /* the program does more of late, and it grows by less for as much work */
	bool is_torn; /* would rise but for a fall such as allocators make */
};

struct curve_points {
	const double *t;   /* ascending, seconds */
	const double *v;   /* floors: minima over short times */
	const double *top; /* maxima over these times; NULL = not known */
	size_t n;
	double grain; /* the smallest step that is none of chance, as 1 for counts */
};

void curve_judge(const struct curve_points *p, struct curve *out);
/* Does it rise, in a line or ever more slowly? */
bool curve_grows(const struct curve *c);
const char *curve_shape_name(enum curve_shape s);

#endif
