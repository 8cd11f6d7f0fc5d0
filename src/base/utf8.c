/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

size_t utf8_next(const char *s, uint32_t *out)
{
	/* smallest character that needs a sequence of this length: a smaller one is overlong */
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

/* Does it change how its neighbours are shown (bidirectional controls, line and paragraph
 * separators, byte order mark), and so can make source text look like another? */
static bool is_deceptive(uint32_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0x061c;
}

size_t utf8_form(const char *s, char form[UTF8_FORM], uint32_t *out)
{
	size_t n = utf8_next(s, out);
	uint32_t c;

	if (n == 0)
		return 0;
	c = *out;
	if (c == '\t') {
		strcpy(form, " ");
	} else if (c == UTF8_INVALID || c < 0x20 || c == 0x7f) {
		snprintf(form, UTF8_FORM, "\\x%02x", (unsigned)(uint8_t)*s);
	} else if ((c >= 0x80 && c < 0xa0) || is_deceptive(c)) {
		snprintf(form, UTF8_FORM, "\\u%04x", (unsigned)c);
	} else {
		memcpy(form, s, n);
		form[n] = '\0';
	}
	return n;
}

size_t utf8_put(uint32_t c, char out[4])
{
	/* surrogateescape stands for a byte of a file's name that is no UTF-8: write that byte */
	if (c >= 0xdc80 && c < 0xdd00) {
		out[0] = (char)(c & 0xff);
		return 1;
	}
	/* U+FFFD for NUL, which would cut the name, and for other surrogates, which are no UTF-8 */
	if (!c || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	if (c > 0x10ffff)
		return 0;
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}
