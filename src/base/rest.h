/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the rest that a curve begins with: what grows later had not begun yet. */
#ifndef PYLEAK_REST_H
#define PYLEAK_REST_H

#include "base/curve.h"

/* Returns how many seconds the rest lasts, if it is longer than any pause of the growth since; 0:
 * there is none. @gain is what @p, of two points at least, gains in all. */
double rest_s_at_start(const struct curve_points *p, double gain);

#endif
