/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds and judges teeth of a series that goes up and down: its minima count, its maxima do not.
 * Pure functions. */
#ifndef PYLEAK_TEETH_H
#define PYLEAK_TEETH_H

#include "base/curve.h"

#define TEETH_MINIMA 128

struct teeth {
	size_t n, falls;
	double t[TEETH_MINIMA], v[TEETH_MINIMA]; /* the minima */
	double least;				 /* a fall or rise below this is noise */
	double height;				 /* from the lowest to the highest value */
	bool falls_on;				 /* the last fall has not turned yet ... */
	double low_t;				 /* ... and was lowest here so far */
};

/* Finds the teeth of @p, which has one point at least. The first minimum is the lowest point before
 * the first fall. */
void teeth_find(const struct curve_points *p, struct teeth *m);
/* Judges by the minima: the series rises if four or more rise by much more than their scatter. */
void teeth_judge(const struct teeth *m, double grain, struct curve *out);
/* Did the teeth end long ago? Then points since are to be judged by themselves. */
bool teeth_are_over(const struct curve_points *p, const struct teeth *m);

#endif
