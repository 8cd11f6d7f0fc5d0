/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Watches blocks of malloc and mappings that nobody gave back, by Python stack and caller. */
#ifndef PYLEAK_SESSION_BLOCKS_H
#define PYLEAK_SESSION_BLOCKS_H

#include "track/native.h"

struct blocks;

/* Is every block seen, not only those of windows? */
bool blocks_are_exact(const struct blocks *b);
/* As native_each_block(). */
int blocks_each(struct blocks *b, native_block_fn fn, void *arg);

#endif
