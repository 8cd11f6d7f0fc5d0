/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fits by Theil-Sen, and by least squares for a bend, a saturation or a power. */
#include "base/fit.h"

#include <math.h>

#define TERMS	 4    /* most terms of a linear model */
#define TAUS	 28   /* time constants tried, evenly spread in the logarithm */
#define STARTS	 20   /* starts of a power tried, 0.002 to 1 span, spread in the same way */
#define POWERS	 8    /* powers tried, 0, 0.1 .. 0.7: higher ones look like a line */
#define SURE	 1.96 /* standard errors in half of a 95 % interval */
#define MOST_RHO 0.8  /* most correlation of neighbours that is noise: more is the curve's own */

/* The value of rank @k; puts smaller ones before it (Hoare's FIND). */
static double nth(double *v, size_t n, size_t k)
{
	ptrdiff_t lo = 0, hi = (ptrdiff_t)n - 1, at = (ptrdiff_t)k;

	while (lo < hi) {
		double pivot = v[at];
		ptrdiff_t i = lo, j = hi;

		do {
			while (v[i] < pivot)
				i++;
			while (pivot < v[j])
				j--;
			if (i <= j) {
				double swap = v[i];

				v[i++] = v[j];
				v[j--] = swap;
			}
		} while (i <= j);
		if (j < at)
			lo = i;
		if (at < i)
			hi = j;
	}
	return v[k];
}

double fit_median(double *v, size_t n)
{
	double high, low;

	if (!n)
		return 0;
	high = nth(v, n, n / 2);
	if (n % 2)
		return high;
	low = v[0];
	for (size_t i = 1; i < n / 2; i++)
		low = fmax(low, v[i]);
	return (low + high) / 2;
}

/* The distance of point @i from the line between its neighbours, in standard deviations of a point:
 * neither a slope nor a gap raises it. */
static double off_line(const double *t, const double *v, size_t i)
{
	double part = (t[i] - t[i - 1]) / (t[i + 1] - t[i - 1]), rest = 1 - part;

	return fabs(v[i] - rest * v[i - 1] - part * v[i + 1]) / sqrt(1 + part * part + rest * rest);
}

double fit_samples(double x, double n, double y, double m)
{
	double variance;

	x = fmax(x, 0);
	y = fmax(y, 0);
	/* a rate of 0 has no error, so the samples are those of the other */
	if (!(n > 0) || !(m > 0))
		return m > 0 && !(x > 0) ? m : n > 0 && !(y > 0) ? n : NAN;
	variance = x * x / n + y * y / m;
	return variance > 0 ? (x + y) * (x + y) / variance : n + m;
}

double fit_noise(const double *t, const double *v, size_t n, double grain)
{
	double off[FIT_POINTS], sum = 0;
	size_t k = 0;

	for (size_t i = 1; i + 1 < n && k < FIT_POINTS; i++)
		if (t[i + 1] > t[i - 1])
			off[k++] = off_line(t, v, i);
	/* half of the points may sit on a staircase, with no median at all */
	for (size_t i = 0; i < k; i++)
		sum += off[i];
	sum = k ? 0.5 * sum / (double)k : 0;
	return fmax(1.48 * fmax(fit_median(off, k), sum), grain / 3);
}

/* The factor by which correlated errors of neighbours widen an interval, as they count for fewer.
 */
static double widening(const double *e, size_t n)
{
	double own = 0, next = 0, rho;

	for (size_t i = 0; i < n; i++) {
		own += e[i] * e[i];
		next += i ? e[i] * e[i - 1] : 0;
	}
	rho = own > 0 ? next / own : 0;
	if (rho < 0)
		rho = 0;
	if (rho > MOST_RHO)
		rho = MOST_RHO;
	return sqrt((1 + rho) / (1 - rho));
}

/* Are all values the same? Most series are, and need none of the thousands of slopes. */
static bool is_flat(const double *y, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (y[i] != y[0])
			return false;
	return true;
}

static size_t slopes_of(const double *t, const double *y, size_t n, double *slope)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			if (t[j] > t[i])
				slope[k++] = (y[j] - y[i]) / (t[j] - t[i]);
	return k;
}

static double at_rank(double *v, size_t n, double rank)
{
	if (rank < 0)
		rank = 0;
	return nth(v, n, rank >= (double)n ? n - 1 : (size_t)rank);
}

void fit_theil_sen(const double *t, const double *y, size_t n, struct fit_line *out)
{
	double slope[FIT_POINTS * (FIT_POINTS - 1) / 2], off[FIT_POINTS], wide, reach;
	size_t k;

	memset(out, 0, sizeof(*out));
	if (n)
		out->level = y[0];
	if (n < 3 || n > FIT_POINTS || is_flat(y, n))
		return;
	k = slopes_of(t, y, n, slope);
	if (!k)
		return;
	out->slope = fit_median(slope, k);
	for (size_t i = 0; i < n; i++)
		off[i] = y[i] - out->slope * (t[i] - t[0]);
	out->level = fit_median(off, n);
	for (size_t i = 0; i < n; i++)
		off[i] = y[i] - out->slope * (t[i] - t[0]) - out->level;
	wide = widening(off, n);
	for (size_t i = 0; i < n; i++)
		off[i] = fabs(off[i]);
	/* 1.48: from the median deviation to a standard deviation, for normal scatter */
	out->spread = 1.48 * fit_median(off, n);
	reach = SURE * sqrt((double)(n * (n - 1) * (2 * n + 5)) / 18) / 2;
	out->low = at_rank(slope, k, (double)k / 2 - reach);
	out->high = at_rank(slope, k, (double)k / 2 + reach);
	out->low = out->slope - wide * (out->slope - out->low);
	out->high = out->slope + wide * (out->high - out->slope);
}

/* A linear model of a few terms: coefficients, their variances per unit of noise variance, and the
 * squared error. */
struct model {
	size_t terms;
	double x[TERMS], variance[TERMS], left;
};

/* Inverts by Gauss-Jordan with pivots; false: the terms cannot be told apart. */
static bool invert(double a[TERMS][2 * TERMS], size_t m)
{
	for (size_t c = 0; c < m; c++) {
		size_t p = c;

		for (size_t r = c + 1; r < m; r++)
			if (fabs(a[r][c]) > fabs(a[p][c]))
				p = r;
		if (!(fabs(a[p][c]) > 1e-10))
			return false;
		for (size_t k = 0; k < 2 * m; k++) {
			double swap = a[c][k];

			a[c][k] = a[p][k];
			a[p][k] = swap;
		}
		for (size_t k = 2 * m; k-- > c;)
			a[c][k] /= a[c][c];
		for (size_t r = 0; r < m; r++)
			for (size_t k = 2 * m; r != c && k-- > c;)
				a[r][k] -= a[r][c] * a[c][k];
	}
	return true;
}

static bool solve(double (*f)[TERMS], const double *y, size_t n, size_t m, struct model *out)
{
	double a[TERMS][2 * TERMS] = {{0}}, right[TERMS] = {0};

	for (size_t i = 0; i < n; i++)
		for (size_t r = 0; r < m; r++) {
			right[r] += f[i][r] * y[i];
			for (size_t c = 0; c < m; c++)
				a[r][c] += f[i][r] * f[i][c];
		}
	for (size_t r = 0; r < m; r++) {
		for (size_t c = 0; c < m; c++)
			a[r][c] /= (double)n;
		a[r][m + r] = 1;
	}
	if (!invert(a, m))
		return false;
	*out = (struct model){.terms = m};
	for (size_t r = 0; r < m; r++) {
		for (size_t c = 0; c < m; c++)
			out->x[r] += a[r][m + c] * right[c] / (double)n;
		out->variance[r] = a[r][m + r] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		double e = y[i];

		for (size_t r = 0; r < m; r++)
			e -= f[i][r] * out->x[r];
		out->left += e * e;
	}
	return true;
}

/* The series with time from 0 to 1 and values from the first one, so that no term is a million
 * times another. */
struct scaled {
	size_t n;
	double span, t[FIT_POINTS], y[FIT_POINTS];
	double line;  /* squared error of one line */
	double noise; /* variance of the scatter that is there in any case */
};

static bool scale(const double *t, const double *y, size_t n, double noise, struct scaled *s)
{
	double f[FIT_POINTS][TERMS];
	struct model m;

	if (n < 6 || n > FIT_POINTS || !(t[n - 1] > t[0]))
		return false;
	s->n = n;
	s->span = t[n - 1] - t[0];
	s->noise = noise * noise;
	for (size_t i = 0; i < n; i++) {
		s->t[i] = (t[i] - t[0]) / s->span;
		s->y[i] = y[i] - y[0];
		f[i][0] = 1;
		f[i][1] = s->t[i];
	}
	if (!solve(f, s->y, n, 2, &m))
		return false;
	s->line = m.left;
	return true;
}

/* Variance of one point about a model. */
static double variance(const struct scaled *s, const struct model *m, size_t params)
{
	double free_points = s->n > params + 1 ? (double)(s->n - params) : 1;

	return fmax(m->left / free_points, s->noise + 1e-300);
}

static double gain(const struct scaled *s, const struct model *m, size_t params)
{
	double better = s->line - m->left;

	return better > 0 ? better / ((double)params - 2) / variance(s, m, params) : 0;
}

static bool with_knee(const struct scaled *s, double knee, struct model *m)
{
	double f[FIT_POINTS][TERMS];

	for (size_t i = 0; i < s->n; i++) {
		f[i][0] = 1;
		f[i][1] = s->t[i];
		f[i][2] = s->t[i] > knee ? s->t[i] - knee : 0;
	}
	return solve(f, s->y, s->n, 3, m);
}

bool fit_change(const double *t, const double *y, size_t n, size_t edge, double noise,
		struct fit_bend *out)
{
	struct model m, best = {.left = INFINITY};
	struct scaled s;
	double knee = 0;

	memset(out, 0, sizeof(*out));
	if (n < 2 * edge + 2 || is_flat(y, n) || !scale(t, y, n, noise, &s))
		return false;
	for (size_t i = edge; i + edge < n; i++)
		if (with_knee(&s, s.t[i], &m) && m.left < best.left) {
			best = m;
			knee = s.t[i];
		}
	if (!isfinite(best.left))
		return false;
	out->at = t[0] + knee * s.span;
	out->before = best.x[1] / s.span;
	out->after = (best.x[1] + best.x[2]) / s.span;
	out->error = sqrt(variance(&s, &best, 4) * best.variance[2]) / s.span;
	out->gain = gain(&s, &best, 4);
	out->left = best.left;
	return true;
}

static bool with_tau(const struct scaled *s, double tau, struct model *m)
{
	double f[FIT_POINTS][TERMS];

	for (size_t i = 0; i < s->n; i++) {
		f[i][0] = 1;
		f[i][1] = 1 - exp(-s->t[i] / tau);
		f[i][2] = s->t[i];
	}
	return solve(f, s->y, s->n, 3, m);
}

static double tau_of(size_t i)
{
	return 0.02 * pow(4 / 0.02, (double)i / (TAUS - 1)); /* 0.02 .. 4 spans */
}

bool fit_saturating(const double *t, const double *y, size_t n, double noise,
		    struct fit_saturation *out)
{
	struct model m[TAUS];
	bool good[TAUS];
	struct scaled s;
	size_t best = TAUS;
	double v;

	memset(out, 0, sizeof(*out));
	if (!scale(t, y, n, noise, &s))
		return false;
	for (size_t i = 0; i < TAUS; i++) {
		good[i] = with_tau(&s, tau_of(i), &m[i]);
		if (good[i] && (best == TAUS || m[i].left < m[best].left))
			best = i;
	}
	if (best == TAUS)
		return false;
	out->tau = tau_of(best) * s.span;
	out->amplitude = m[best].x[1];
	out->drift = m[best].x[2] / s.span;
	out->gain = gain(&s, &m[best], 4);
	out->left = m[best].left;
	out->low = out->high = out->drift;
	v = variance(&s, &m[best], 4);
	for (size_t i = 0; i < TAUS; i++) {
		double wide = SURE * sqrt(v * m[i].variance[2]) / s.span;

		/* 3.84: the 95 % point of chi squared with one degree of freedom */
		if (!good[i] || m[i].left - m[best].left > 3.84 * v)
			continue;
		out->low = fmin(out->low, m[i].x[2] / s.span - wide);
		out->high = fmax(out->high, m[i].x[2] / s.span + wide);
	}
	return true;
}

static bool with_power(const struct scaled *s, const double *log_t, double power, struct model *m)
{
	double f[FIT_POINTS][TERMS];

	for (size_t i = 0; i < s->n; i++) {
		f[i][0] = 1;
		f[i][1] = power > 0 ? expm1(power * log_t[i]) : log_t[i];
	}
	return solve(f, s->y, s->n, 2, m);
}

double fit_power(const double *t, const double *y, size_t n)
{
	double best = INFINITY, log_t[FIT_POINTS];
	struct scaled s;
	struct model m;

	if (!scale(t, y, n, 0, &s))
		return INFINITY;
	for (size_t k = 0; k < STARTS; k++) {
		double start = 0.002 * pow(1 / 0.002, (double)k / (STARTS - 1));

		for (size_t i = 0; i < s.n; i++)
			log_t[i] = log1p(s.t[i] / start);
		for (size_t p = 0; p < POWERS; p++)
			if (with_power(&s, log_t, 0.1 * (double)p, &m))
				best = fmin(best, m.left);
	}
	return best;
}
