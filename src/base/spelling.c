/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/spelling.h"

#include <ctype.h>

#define MAX_WORD 24

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned spelling_distance(const char *a, size_t n, const char *b)
{
	unsigned d[MAX_WORD + 1][MAX_WORD + 1];
	size_t m = strlen(b);

	if (n > MAX_WORD || m > MAX_WORD)
		return SPELLING_FAR;
	for (size_t i = 0; i <= n; i++)
		for (size_t j = 0; j <= m; j++) {
			if (!i || !j) {
				d[i][j] = (unsigned)(i + j);
				continue;
			}
			d[i][j] = d[i - 1][j - 1] + (tolower((unsigned char)a[i - 1]) !=
						     tolower((unsigned char)b[j - 1]));
			d[i][j] = least(d[i][j], least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[n][m];
}

/* Letters that may be wrong in a word: one of three, as with two all words of three are near. */
static unsigned allowed(size_t len)
{
	return len < 4 ? 1 : len < 9 ? 2 : 3;
}

bool spelling_is_nearer(const char *word, const char *b, unsigned *best)
{
	unsigned d = spelling_distance(word, strlen(word), b);

	if (d > allowed(strlen(b)) || d >= *best || d >= strlen(word))
		return false;
	*best = d;
	return true;
}
