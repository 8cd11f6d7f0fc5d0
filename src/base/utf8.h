/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads UTF-8 that may be none, as names come from the target, and writes it. Pure functions. */
#ifndef PYLEAK_UTF8_H
#define PYLEAK_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_INVALID UINT32_MAX

/* Gives the next character of NUL-terminated @s, and returns its length in bytes; 0 at the end. A
 * byte that begins no valid character (stray bytes, overlong forms, surrogates) is UTF8_INVALID. */
size_t utf8_next(const char *s, uint32_t *out);

#define UTF8_FORM 16
/* Does the same, and gives the form of the character for a line of a terminal: one that would move
 * the cursor, change colours or reorder its neighbours is spelt out, a tab is a blank. */
size_t utf8_form(const char *s, char form[UTF8_FORM], uint32_t *out);

/* Writes a character of a Python string; returns the bytes written, 0 if @c is no character. */
size_t utf8_put(uint32_t c, char out[4]);

#endif
