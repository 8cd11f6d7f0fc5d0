/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lines and bends through short series: what the judge of curves stands on. @t ascending, in any
 * unit; at most FIT_POINTS points, else everything is zero. */
#ifndef PYLEAK_FIT_H
#define PYLEAK_FIT_H

#include "base/base.h"

#define FIT_POINTS 128

double fit_median(double *v, size_t n); /* reorders @v; 0 of nothing */

struct fit_line {
	double slope, low, high; /* per unit of t, and its 95 % interval */
	double level;		 /* at t[0] */
	double spread;		 /* robust standard deviation about the line */
};

/* The standard error of its slope. */
static inline double fit_error(const struct fit_line *f)
{
	return (f->high - f->low) / 3.92;
}

/* How many independent samples make the relative error of a sum: of rate @x by @n of them, and @y
 * by @m. NAN is not known. */
double fit_samples(double x, double n, double y, double m);

/* The standard deviation from point to point, which a slope adds nothing to; a third of @grain at
 * least. */
double fit_noise(const double *t, const double *v, size_t n, double grain);

/* Theil-Sen: the median of all pairwise slopes, which a fifth of outliers does not bend. The
 * interval is Sen's, from the ranks of those slopes, widened when neighbours go together. */
void fit_theil_sen(const double *t, const double *y, size_t n, struct fit_line *out);

struct fit_bend {
	double at;	      /* where the slope changes */
	double before, after; /* slopes */
	double error;	      /* standard error of after - before */
	double gain;	      /* F: how much better than one line, per degree of freedom */
	double left;	      /* squared error */
};

/* Two lines that meet: the change point with the least squared error, at least @edge points from
 * either end. False when there are too few, or all are the same. */
bool fit_change(const double *t, const double *y, size_t n, size_t edge, double noise,
		struct fit_bend *out);

struct fit_saturation {
	double tau;	  /* time constant, in units of t */
	double amplitude; /* how far it will have risen by saturation */
	double drift;	  /* what it goes on rising by, per unit of t, after that */
	double low, high; /* 95 % interval of the drift over all time constants that fit */
	double gain;	  /* F: how much better than a line */
	double left;	  /* squared error */
};

/* y = level + amplitude (1 - exp(-t / tau)) + drift t, least squares over a grid of tau. */
bool fit_saturating(const double *t, const double *y, size_t n, double noise,
		    struct fit_saturation *out);

/* y = level + amplitude ((1 + t / start)^power - 1), least squares over a grid of start and power,
 * the logarithm among them: how the misses of a cache become rare whose keys are asked for as words
 * of a language are. Returns the squared error; INFINITY when there are too few points. */
double fit_power(const double *t, const double *y, size_t n);

#endif
