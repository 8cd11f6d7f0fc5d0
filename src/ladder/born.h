/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts births of each type in windows that see all births of it: what stays of a type is a share
 * of them. A window counts when it is admitted. */
#ifndef PYLEAK_BORN_H
#define PYLEAK_BORN_H

#include "base/map64.h"
#include "ladder/aim.h"

struct born {
	struct map64 all; /* type -> births in windows that were admitted */
	struct map64 now; /* the same in the window that is not admitted yet */
	/* type -> size classes (bits) in which windows on all places saw it */
	struct map64 classes;
	struct ladder_aim aim; /* that window sees all births of these; empty: of all types */
};

void born_free(struct born *b);
/* Begins a window, and drops one that was not admitted. */
void born_begin(struct born *b);
void born_add(struct born *b, uint64_t type);
void born_admit(struct born *b);
/* The admitted window met a body of @type in @class (a bit). Returns the births of @type until the
 * window's end; 0 = it may have missed some. */
uint64_t born_until(struct born *b, uint64_t type, uint64_t class);
/* May some of @type be what @missed aims at? */
bool born_may_be(const struct born *b, uint64_t type, const struct ladder_aim *missed);

#endif
