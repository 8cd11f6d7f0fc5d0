/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The teeth of a series that goes up and down: its minima count, and its maxima do not. */
#ifndef PYLEAK_TEETH_H
#define PYLEAK_TEETH_H

#include "base/curve.h"

#define TEETH_MINIMA 128

struct teeth {
	size_t n, falls;
	double t[TEETH_MINIMA], v[TEETH_MINIMA]; /* the minima */
	double least;				 /* a fall, or a rise, is more */
	double height;				 /* from the lowest to the highest value */
	bool falls_on;				 /* the last fall has not turned ... */
	double low_t;				 /* ... and is lowest here so far */
};

/* @p has a point at least; the first is a minimum. */
void teeth_find(const struct curve_points *p, struct teeth *m);
/* Judges by the minima: three that rise out of their own scatter, or it is only up and down. */
void teeth_judge(const struct teeth *m, double grain, struct curve *out);
/* Teeth that ended long ago: what came since stands for itself. */
bool teeth_are_over(const struct curve_points *p, const struct teeth *m);

#endif
