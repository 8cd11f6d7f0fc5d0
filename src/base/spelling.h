/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which of the words that exist was meant by a mistyped one? */
#ifndef PYLEAK_BASE_SPELLING_H
#define PYLEAK_BASE_SPELLING_H

#include "base/base.h"

#define SPELLING_FAR 99

/* Letters to add, drop, change or swap to get from the @n letters of @a to @b, whatever their case.
 * SPELLING_FAR for words of more than 24 letters. */
unsigned spelling_distance(const char *a, size_t n, const char *b);
/* Is @b so near to @word that it was meant? *best is the distance of the nearest word until now,
 * SPELLING_FAR at first. */
bool spelling_is_nearer(const char *word, const char *b, unsigned *best);

#endif
