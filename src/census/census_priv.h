/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Declares what the files of this room share. */
#ifndef PYLEAK_CENSUS_CENSUS_PRIV_H
#define PYLEAK_CENSUS_CENSUS_PRIV_H

#include "base/map64.h"
#include "census/census.h"
#include "census/population.h"

#define CENSUS_POINTS	 16
#define CENSUS_NAME_SIZE 512

struct census_entry {
	char *name;
	uint64_t count, tracked, bytes; /* in the last census */
	double counts[CENSUS_POINTS],
		sizes[CENSUS_POINTS]; /* in the censuses kept; 0 before it was seen */
};

struct census {
	const struct py_runtime *rt;
	struct heap *heap;
	struct heap_population now;
	VEC(struct census_entry) entry;
	struct map64 by_name;	 /* hash of the name -> index + 1 */
	struct map64 fixed;	 /* address of a type that is never freed -> index + 1 */
	double t[CENSUS_POINTS]; /* seconds from start_ns to each census kept */
	size_t n;		 /* censuses kept */
	size_t taken;		 /* censuses in all */
	uint64_t start_ns;
	size_t text;	       /* bytes of all names */
	uint64_t unnamed;      /* types without a name in the last census */
	uint64_t unread_names; /* types whose names census_instances() could not read */
};

#endif
