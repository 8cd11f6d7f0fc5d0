/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The line of an instruction, by the line table of its code object: a format up to 3.9, one
 * of 3.10, one since 3.11. Pure functions over bytes that may be anything: any bytes give some
 * line, and none is read behind @len. @first: the first line of the code; @offset: in bytes of its
 * bytecode. */
#ifndef PYLEAK_LINETABLE_H
#define PYLEAK_LINETABLE_H

#include "base/base.h"

int linetable_lnotab(const uint8_t *tab, size_t len, int first, int offset);
int linetable_310(const uint8_t *tab, size_t len, int first, int offset);
int linetable_locations(const uint8_t *tab, size_t len, int first, int offset);
/* A hash of all lines that a table tells (3.11+), not of its columns; 0 when it is not of as many
 * bytes of code: that of code which is gone may be anything. */
uint64_t linetable_hash(const uint8_t *tab, size_t len, int first, int64_t bytes);
/* The same of a table of pairs (to 3.10); one of 3.10 @covers all of the code. */
uint64_t linetable_hash_pairs(const uint8_t *tab, size_t len, int64_t bytes, bool covers);

#endif
