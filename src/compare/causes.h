/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rows of one cause stand together, below what they come to. */
#ifndef PYLEAK_COMPARE_CAUSES_H
#define PYLEAK_COMPARE_CAUSES_H

#include "compare/compare.h"

/* Rows are in their order: a cause stands where its first row does. -ENOMEM with the sentence. */
int causes_find(struct compare *c);

#endif
