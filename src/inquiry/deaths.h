/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Deaths of one type, for the looks at whether all births are seen (unseen.h). An object whose
 * birth is on record may die at once and make place for one that is born where no place is known:
 * no birth comes between the two that could look at its count again, and the line that made the
 * first would be told of the second. So while such a look is open there is a probe where objects of
 * one type end, that of some survivor: what is told is told of those. */
#ifndef PYLEAK_INQUIRY_DEATHS_H
#define PYLEAK_INQUIRY_DEATHS_H

#include "probe/probe.h"
#include "py/py.h"
#include "pyleak/abi.h"
#include "track/ladder.h"

#define DEATHS_KNOWN 8

struct deaths_place {
	uint64_t code, offset;
	uint8_t reg;
	bool is_one; /* else there is none in that code */
};

struct deaths {
	struct probe_set *set; /* parked between looks; NULL: there is none for the type */
	uint64_t type, code;   /* where it ends, at run time; 0 = not known */
	unsigned looks;	       /* at that type, after the first */
	struct deaths_place known[DEATHS_KNOWN];
	size_t n_known;
};

/* All borrowed. */
struct deaths_view {
	const struct py_runtime *rt;
	const struct ladder *ladder;
	volatile struct pl_stats *stats;
	uint64_t *random;
	enum probe_mechanism mechanism;
	struct probe_set_spec spec; /* but for the offsets; the interpreter's file */
};

/* Before a look: which type it is to be, the same as before for some looks. */
void deaths_choose(struct deaths *d, const struct deaths_view *v);
/* For a look, which is as good without. */
void deaths_on(struct deaths *d);
void deaths_free(struct deaths *d);

#endif
