/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which types were seen born at which sites, and in which size classes their bodies lie: from this
 * follow the sites that are enough to see all births of a class, or of a type. */
#ifndef PYLEAK_BIRTHPLACES_H
#define PYLEAK_BIRTHPLACES_H

#include "base/map64.h"
#include "pyleak/abi.h"

struct birthplace {
	uint64_t type;
	uint16_t site;
	uint64_t by_class; /* births there, while all sites of a class of the type were probed */
};

/* A type whose sites were probed alone at times. */
struct birthplace_aimed {
	uint64_t type;
	/* Births at its sites: while all were probed, or those of a class of it, and while those of
	 * some types were. */
	double usual, aimed;
};

struct birthplaces {
	struct map64 classes; /* type -> bits of the classes its bodies were seen in */
	struct map64 known;   /* (type, site) -> seen */
	VEC(struct birthplace) pairs;
	VEC(struct birthplace_aimed) aimed;
	uint64_t births[PL_MAX_SITES]; /* per site, while all sites were probed */
};

/* True: that @type is born at @site was not known. */
bool birthplaces_learn(struct birthplaces *b, uint64_t type, uint16_t site);
/* True: that bodies of @type lie in @class (a bit) was not known. */
bool birthplaces_learn_class(struct birthplaces *b, uint64_t type, uint64_t class);
/* Where a type's bodies were seen; @unknown for a type that was never seen whole. */
uint64_t birthplaces_classes(const struct birthplaces *b, uint64_t type, uint64_t unknown);
/* Marks where objects of @classes (bits) are born; those of types whose class is not known, too. */
void birthplaces_of_classes(const struct birthplaces *b, uint64_t classes, bool *want);
/* Marks where @type is born, or, if that is 0, where many types are: there are those of all classes
 * that Python code defines. False: all that is wanted would then have more than @most of the births
 * of @n sites, or it is born nowhere. */
bool birthplaces_add(const struct birthplaces *b, uint64_t type, double most, size_t n, bool *want);
/* Is @type born at a site that is not wanted, too? */
bool birthplaces_are_elsewhere(const struct birthplaces *b, uint64_t type, const bool *want);
/* The part of all births that the wanted ones of @n sites have seen; @wanted: their number. */
double birthplaces_share(const struct birthplaces *b, const bool *want, size_t n, size_t *wanted);
/* The births [@from, @to) of @ring came while all sites were probed, or with @n those of @types
 * alone, or with @classes (bits) theirs. */
void birthplaces_count(struct birthplaces *b, const struct pl_birth *ring, uint64_t from,
		       uint64_t to, const uint64_t *types, size_t n, uint64_t classes);
/* So many times as many births of @type were seen as without the looks at some types; 1 or more. */
double birthplaces_often(const struct birthplaces *b, uint64_t type);
/* All but the numbers of births, which are logged. */
void birthplaces_forget(struct birthplaces *b);

#endif
