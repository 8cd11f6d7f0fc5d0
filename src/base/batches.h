/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth that comes in a few batches, with pauses between them: what each of them brought tells
 * more than a line through all does. */
#ifndef PYLEAK_BATCHES_H
#define PYLEAK_BATCHES_H

#include "base/curve.h"

/* It comes in batches, each of which brought less than the one before: so does a cache fill whose
 * load comes now and then. */
bool batches_wane(const struct curve_points *p);

#endif
