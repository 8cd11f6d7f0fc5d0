/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the word that was meant by a mistyped one. Pure functions. */
#ifndef PYLEAK_BASE_SPELLING_H
#define PYLEAK_BASE_SPELLING_H

#include "base/base.h"

#define SPELLING_FAR 99

/* Number of letters to add, drop, change or swap to get from the @n letters of @a to @b; only a
 * swap minds their case. SPELLING_FAR for words of more than 24 letters. */
unsigned spelling_distance(const char *a, size_t n, const char *b);
/* May @b be meant by @word, and is it nearer than those before? *best: the distance of the nearest
 * until now, SPELLING_FAR at first. */
bool spelling_is_nearer(const char *word, const char *b, unsigned *best);

#endif
