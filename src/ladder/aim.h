/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The aim of a window on some places: it sees all births of that. */
#ifndef PYLEAK_LADDER_AIM_H
#define PYLEAK_LADDER_AIM_H

#include "base/base.h"

#define LADDER_TYPES 8

/* Objects whose body is in one of these size classes (bits), or that are of one of these types. */
struct ladder_aim {
	uint64_t classes;
	uint64_t type[LADDER_TYPES];
	size_t n_types;
};

static inline bool ladder_aims_at(const struct ladder_aim *aim, uint64_t type)
{
	size_t i = 0;

	while (i < aim->n_types && aim->type[i] != type)
		i++;
	return i < aim->n_types;
}

/* False: the window is on all places, for all objects. */
static inline bool ladder_has_aim(const struct ladder_aim *aim)
{
	return aim->classes || aim->n_types;
}

#endif
