/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fits lines and bends to short series, for the judge of curves. Pure functions. @t is ascending,
 * in any unit; of more than FIT_POINTS points all results are zero, or false. */
#ifndef PYLEAK_FIT_H
#define PYLEAK_FIT_H

#include "base/base.h"

#define FIT_POINTS 128

double fit_median(double *v, size_t n); /* reorders @v; 0 if @n is 0 */

struct fit_line {
	double slope, low, high; /* per unit of t, and its 95 % interval */
	double level;		 /* value of the line at t[0] */
	double spread;		 /* robust standard deviation about the line */
};

/* The standard error of the slope. */
static inline double fit_error(const struct fit_line *f)
{
	return (f->high - f->low) / 3.92;
}

/* The number of independent samples that would give the relative error of @x + @y, where rate @x is
 * from @n samples and rate @y from @m. NAN = not known. */
double fit_samples(double x, double n, double y, double m);

/* The standard deviation from point to point, which a slope does not raise; a third of @grain at
 * least. */
double fit_noise(const double *t, const double *v, size_t n, double grain);

/* Theil-Sen: the median of the slopes of all pairs, which stays though a fifth of the points are
 * outliers. The interval is Sen's, from the ranks of those slopes, widened if the errors of
 * neighbours are correlated. */
void fit_theil_sen(const double *t, const double *y, size_t n, struct fit_line *out);

struct fit_bend {
	double at;	      /* where the slope changes */
	double before, after; /* slopes */
	double error;	      /* standard error of after - before */
	double gain;	      /* F: how much better it fits than one line, per degree of freedom */
	double left;	      /* squared error */
};

/* Fits two lines that meet at the change point with the least squared error, at least @edge points
 * from either end. False: there are too few points, or all values are the same. */
bool fit_change(const double *t, const double *y, size_t n, size_t edge, double noise,
		struct fit_bend *out);

struct fit_saturation {
	double tau;	  /* time constant, in units of t */
	double amplitude; /* rise until saturation */
	double drift;	  /* rise per unit of t that goes on after that */
	double low, high; /* 95 % interval of the drift over all time constants that fit */
	double gain;	  /* F: how much better it fits than a line */
	double left;	  /* squared error */
};

/* Fits y = level + amplitude (1 - exp(-t / tau)) + drift t: least squares over a grid of tau.
 * False: too few points. */
bool fit_saturating(const double *t, const double *y, size_t n, double noise,
		    struct fit_saturation *out);

/* Fits y = level + amplitude ((1 + t / start)^power - 1): least squares over a grid of start and
 * power, the logarithm among them. A cache grows so if its keys are as frequent as the words of a
 * language. Returns the squared error; INFINITY if there are too few points. */
double fit_power(const double *t, const double *y, size_t n);

#endif
