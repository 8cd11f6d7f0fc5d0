/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names come from the target: bytes that claim to be UTF-8 and may not be. */
#ifndef PYLEAK_UTF8_H
#define PYLEAK_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_INVALID UINT32_MAX

/* The next character of NUL-terminated @s; returns its length in bytes. What is not UTF-8 (stray
 * bytes, overlong forms, surrogates) is one byte and UTF8_INVALID. 0 at the end. */
size_t utf8_next(const char *s, uint32_t *out);

#define UTF8_FORM 16
/* The same, and how the character is shown in a line of a terminal: what would move the cursor,
 * change colours or reorder its neighbours is spelt out, a tab is a blank. */
size_t utf8_form(const char *s, char form[UTF8_FORM], uint32_t *out);

/* Writes a character of Python's; returns the bytes written, 0 for what is no character. */
size_t utf8_put(uint32_t c, char out[4]);

#endif
