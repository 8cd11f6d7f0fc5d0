/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the line of an instruction in the line table of its code object: a format up to 3.9, one
 * of 3.10, one since 3.11. Pure functions over bytes that may be anything: any bytes give some
 * line, and no byte after @len is read. @first: the first line of the code; @offset: of the
 * instruction, in bytes of bytecode. */
#ifndef PYLEAK_LINETABLE_H
#define PYLEAK_LINETABLE_H

#include "base/base.h"

int linetable_lnotab(const uint8_t *tab, size_t len, int first, int offset);
int linetable_310(const uint8_t *tab, size_t len, int first, int offset);
int linetable_locations(const uint8_t *tab, size_t len, int first, int offset);
/* Hashes all lines of a table (3.11+), without its columns. 0: the table is not of @bytes bytes of
 * code, as where the code is gone and its table was overwritten. */
uint64_t linetable_hash(const uint8_t *tab, size_t len, int first, int64_t bytes);
/* Hashes a table of pairs (up to 3.10) likewise. @covers: it is of 3.10, where it must cover all of
 * the code. */
uint64_t linetable_hash_pairs(const uint8_t *tab, size_t len, int64_t bytes, bool covers);

#endif
