/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Are all births seen? The places where objects are born were found in the program's file; this
 * asks the heap, which knows nothing of places. While all of them are probed, an object in memory
 * that was handed out for the first time must be among the births on record. Where too many of a
 * type are not, this build makes it in places that are not known, and whatever shares its size
 * class may have been made there: no line is told of that class any more. */
#ifndef PYLEAK_SESSION_UNSEEN_H
#define PYLEAK_SESSION_UNSEEN_H

#include "base/map64.h"
#include "heap/carved.h"
#include "pyleak/abi.h"

struct session;

struct unseen_type {
	uint64_t type;
	uint32_t seen, missed, looks; /* objects; looks that missed one */
	uint32_t looked;	      /* the last of these */
	bool is_told;
};

struct unseen {
	struct heap_carving at;
	bool is_open;
	uint32_t looks;
	struct map64 place; /* type -> place + 1 */
	VEC(struct unseen_type) types;
	uint64_t missed; /* objects of the types that are told of */
	uint64_t lost;	 /* births that were not recorded, when it began */
	uint64_t due_ns; /* of the next look: none before */
	/* From the look that has ended: blocks that were carved, and births so far. */
	struct heap_carved v[HEAP_CARVED];
	size_t n;
	uint64_t to;
};

/* All places are probed from before now on. */
void unseen_begin(struct unseen *u, const struct session *s);
/* They still are. */
void unseen_end(struct unseen *u, const struct session *s);
/* Later, when nobody waits: record @from was made before unseen_begin(). */
void unseen_settle(struct unseen *u, struct session *s, uint64_t from);
/* They were not, or it is not known. */
void unseen_drop(struct unseen *u);
void unseen_free(struct unseen *u);

#endif
