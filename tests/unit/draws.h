/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Random numbers for tests. Each test has a generator of its own: its assertions rest on the
 * numbers that it draws. */
#ifndef PYLEAK_TESTS_DRAWS_H
#define PYLEAK_TESTS_DRAWS_H

#include <math.h>

/* Draws a number, no less than 0, nearly of a normal distribution. @drawn draws one between two
 * bounds, all of them alike. */
static inline double about(double (*drawn)(double, double), double mean, double spread)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum += drawn(0, 1);
	return fmax(0, mean + spread * (sum - 6));
}

#endif
