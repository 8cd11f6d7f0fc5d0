/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Learns which types are born at which sites, and which size classes their bodies are in. From this
 * follow the sites that are enough to see all births of a class or of a type. Used by one thread.
 */
#ifndef PYLEAK_BIRTHPLACES_H
#define PYLEAK_BIRTHPLACES_H

#include "base/traffic.h"
#include "pyleak/abi.h"

struct birthplace {
	uint64_t type;
	uint16_t site;
	/* births at the site while only sites of a class of the type were probed, and those of the
	 * present set of sites among them */
	uint64_t by_class, by_set;
};

/* Counts births of a type whose sites were probed alone at times. */
struct birthplace_aimed {
	uint64_t type;
	/* births at its sites: while all sites or those of one of its classes were probed; and
	 * while the sites of some types alone were, this one among them */
	double usual, aimed;
	double by_set; /* part of aimed: while the present set of sites was probed */
};

struct birthplaces {
	struct map64 classes; /* type -> bits of the classes its bodies were seen in */
	struct map64 known;   /* (type, site) -> times learnt */
	VEC(struct birthplace) pairs;
	VEC(struct birthplace_aimed) aimed;
	uint64_t births[PL_MAX_SITES]; /* per site, while all sites were probed */
};

/* Learns that @type is born at @site; true: it was not known. */
bool birthplaces_learn(struct birthplaces *b, uint64_t type, uint16_t site);
/* Learns that a body of @type was in @class (a bit); true: it was not known. */
bool birthplaces_learn_class(struct birthplaces *b, uint64_t type, uint64_t class);
/* The classes (bits) that bodies of @type were seen in; @unknown where none was seen. */
uint64_t birthplaces_classes(const struct birthplaces *b, uint64_t type, uint64_t unknown);
/* Marks in @want (PL_MAX_SITES) the sites where types of @classes (bits) are born, and those of
 * types whose class is not known. */
void birthplaces_of_classes(const struct birthplaces *b, uint64_t classes, bool *want);
/* Marks in @want the sites where @type is born; @type 0: the sites where many types are, as all
 * classes of Python code are born there. Changes nothing and returns false if nothing would be
 * wanted, or if the wanted ones would have more than @most (0..1) of the births of @n sites. */
bool birthplaces_add(const struct birthplaces *b, uint64_t type, double most, size_t n, bool *want);
/* Is @type also born at a site that is not wanted? */
bool birthplaces_are_elsewhere(const struct birthplaces *b, uint64_t type, const bool *want);
/* The part (0..1) of the births of @n sites that was at wanted ones; 1 if there were none. @wanted
 * gets the number of wanted sites. */
double birthplaces_share(const struct birthplaces *b, const bool *want, size_t n, size_t *wanted);
/* Counts the births [@from, @to) of @ring. They came while all sites were probed; if @n is not 0,
 * only those of the @n @types; if @classes (bits) is not 0, only those of these classes. */
void birthplaces_count(struct birthplaces *b, const struct pl_birth *ring, uint64_t from,
		       uint64_t to, const uint64_t *types, size_t n, uint64_t classes);
/* From here on births come while a new set of sites is probed, or all are. */
void birthplaces_begin_set(struct birthplaces *b);
/* Takes back the births of @n @types and of @classes (bits) that came while the present set was
 * probed: their samples are worth nothing. */
void birthplaces_take_back(struct birthplaces *b, const uint64_t *types, size_t n,
			   uint64_t classes);
/* Adds the births [@from, @to) of @ring to @t, as a window that saw all births. */
void birthplaces_by_stack(const struct pl_birth *ring, uint64_t from, uint64_t to,
			  struct traffic *t);
/* The factor (1 or more) by which looks at some types alone raised the seen births of @type. */
double birthplaces_often(const struct birthplaces *b, uint64_t type);
/* Forgets all but the births per site, and logs these. */
void birthplaces_forget(struct birthplaces *b);

#endif
