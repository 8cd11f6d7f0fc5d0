/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* UTF-8 decoding that does not depend on the user's locale. */
#include "out/utf8.h"

size_t utf8_next(const char *s, uint32_t *out)
{
	/* Smallest code point that needs a sequence of this length: below it is overlong. */
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *b = (const uint8_t *)s;
	size_t n = b[0] < 0x80 ? 1 : b[0] < 0xc0 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
	uint32_t c;

	if (b[0] == 0)
		return 0;
	*out = b[0];
	if (n == 1)
		return 1;
	*out = UTF8_INVALID;
	if (n == 0 || b[0] > 0xf4)
		return 1;
	c = b[0] & (0x7f >> n);
	for (size_t i = 1; i < n; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | (b[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 1;
	*out = c;
	return n;
}
