/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Probes deaths of one type during the looks at whether all births are seen (unseen.h). An object
 * whose birth is on record may die at once, and another may be born in its place where no place is
 * known: no birth on record comes between the two that would look at its count again, and the line
 * of the first would be told of the second. So while such a look is open, there is a probe where
 * objects of one survivor's type die, and rebirths of that type are seen. */
#ifndef PYLEAK_INQUIRY_DEATHS_H
#define PYLEAK_INQUIRY_DEATHS_H

#include "ladder/ladder.h"
#include "probe/probe.h"
#include "py/py.h"
#include "pyleak/abi.h"

#define DEATHS_KNOWN 8

struct deaths_place {
	uint64_t code, offset;
	uint8_t reg;
	bool is_one; /* false: the code has no such place */
};

struct deaths {
	struct probe_set *set; /* parked between looks; NULL: the type has none */
	uint64_t type, code;   /* code: its tp_dealloc in the process; 0 = not known */
	unsigned looks;	       /* looks at that type after the first */
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
	struct probe_set_spec spec; /* of the interpreter's file, without offsets */
};

/* Chooses the type before a look; it stays for some looks. */
void deaths_choose(struct deaths *d, const struct deaths_view *v);
/* Switches the probe on for a look; without it the look only sees less. */
void deaths_on(struct deaths *d, volatile struct pl_stats *stats);
void deaths_free(struct deaths *d);

#endif
