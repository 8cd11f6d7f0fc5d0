/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts rows of one cause together, below their sum. */
#ifndef PYLEAK_COMPARE_CAUSES_H
#define PYLEAK_COMPARE_CAUSES_H

#include "compare/compare.h"

/* To be called when the rows are sorted: a cause stands where its first row does. -ENOMEM with the
 * sentence. */
int causes_find(struct compare *c);

#endif
