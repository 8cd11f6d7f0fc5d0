/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names come from the target: bytes that claim to be UTF-8 and may not be. */
#ifndef PYLEAK_OUT_UTF8_H
#define PYLEAK_OUT_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_INVALID UINT32_MAX

/* The next character of NUL-terminated @s; returns its length in bytes. What is not UTF-8 (stray
 * bytes, overlong forms, surrogates) is one byte and UTF8_INVALID. 0 at the end. */
size_t utf8_next(const char *s, uint32_t *out);

#endif
