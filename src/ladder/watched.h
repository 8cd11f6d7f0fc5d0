/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps when births were watched. Windows on a set of places can be taken back, when it turns out
 * that the set was blind to some births of its aim: time and samples of a window go together. */
#ifndef PYLEAK_LADDER_WATCHED_H
#define PYLEAK_LADDER_WATCHED_H

#include "base/coverage.h"
#include "ladder/aim.h"

struct watched {
	struct coverage all, aimed; /* aimed: also windows on some types alone */
	uint64_t by_type_ns;	    /* time of those */
	/* The same without the windows on the present set, and the time of these. */
	struct coverage other_all, other_aimed;
	uint64_t other_by_type_ns, set_ns;
};

/* Adds a window on the present set, which has this aim; NULL: on all places. Windows on some types
 * see no others: for those they are none. */
void watched_add(struct watched *w, uint64_t from_ns, uint64_t to_ns, const struct ladder_aim *aim);
/* Begins a new set. */
void watched_begin_set(struct watched *w);
/* Takes back all windows on the present set. Returns their time. */
uint64_t watched_take_back(struct watched *w);

#endif
