/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How many objects of each type were born in windows that see all of those: what stays of a type is
 * a share of them. A window that is looked at counts when it is admitted. */
#ifndef PYLEAK_BORN_H
#define PYLEAK_BORN_H

#include "base/map64.h"
#include "track/ladder_aim.h"

struct born {
	struct map64 all;      /* type -> births in windows that were admitted */
	struct map64 now;      /* the same of the window that is looked at */
	struct map64 classes;  /* type -> bits: where windows on all places saw its bodies */
	struct ladder_aim aim; /* what that window sees all births of; nothing = of all types */
};

void born_free(struct born *b);
/* A window begins, and the one before is no more. */
void born_begin(struct born *b);
void born_add(struct born *b, uint64_t type);
void born_admit(struct born *b);
/* The window that was admitted met a body of @type in @class (a bit). Returns how many were born
 * until its end; 0 = it may have missed some. */
uint64_t born_until(struct born *b, uint64_t type, uint64_t class);

#endif
