/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Judges growth that comes in a few batches with pauses between them: the gain of each batch tells
 * more than a line through all points does. */
#ifndef PYLEAK_BATCHES_H
#define PYLEAK_BATCHES_H

#include "base/curve.h"

/* Does it grow in batches, each with less gain than the one before? A cache whose load comes now
 * and then fills so. */
bool batches_wane(const struct curve_points *p);

#endif
