/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells whether all births are seen. The places where objects are born were found in the program's
 * file; this asks the heap, which knows nothing of places. While all places are probed, an object
 * in memory that was handed out for the first time must have a birth on record; and an object in
 * whose place another has died since the last birth on record there must have been born since. If
 * too many objects of a type were born unseen, this build makes that type in places that are not
 * known, and anything of the same size class may have been made there: no line is told of that
 * class any more, unless many looks in a row see all births later. A look at a few places proves
 * nothing, since a place that is left out may have made the object: then the next look is to be at
 * all places. */
#ifndef PYLEAK_INQUIRY_UNSEEN_H
#define PYLEAK_INQUIRY_UNSEEN_H

#include "base/map64.h"
#include "inquiry/carving.h"
#include "ladder/ladder.h"
#include "pyleak/abi.h"

/* The first windows are looked at whatever that costs: they show whether a build hides births. */
#define UNSEEN_FIRST_LOOKS 16

/* The process and its record of births, all borrowed. */
struct unseen_view {
	const struct py_runtime *rt;
	struct heap *heap;
	const struct pl_birth *births;
	pl_birth_died *died;
	volatile struct pl_stats *stats;
	/* Called when refused size classes change: @classes (bits) are no evidence any more, all
	 * others are; @why is for people. */
	void (*refuse)(void *ctx, uint64_t classes, const char *why);
	void *ctx;
};

struct unseen_count {
	uint32_t seen, missed, looks; /* objects seen and missed; looks that missed one */
	uint32_t looked;	      /* the last of those looks */
};

/* The births of one type, in one size class or in all. */
struct unseen_type {
	struct unseen_count carved, reborn; /* in new memory; in memory of a dead object */
	bool is_told, is_told_by_reborn;
};

struct unseen {
	struct carving at;
	bool is_open, is_carving;
	uint32_t looks;
	struct map64 place; /* type and class -> place + 1 */
	VEC(struct unseen_type) types;
	uint64_t missed;  /* missed objects of types that count as missed */
	uint64_t refused; /* size classes, bits */
	struct {
		uint32_t looks, looked; /* looks in a row that saw all births; the last of those */
	} calm[HEAP_CLASSES + 1];
	bool was_lifted;
	struct ladder_aim aim;	 /* places probed in this look; empty: all */
	struct unseen_count few; /* with an aim: objects in new memory */
	bool is_suspect;	 /* too many were missed: the next look is to be at all places */
	uint64_t lost, from;	 /* births at its begin: not recorded; all */
	uint64_t due_ns[2];	 /* earliest next look: at all places; at a few */
	uint32_t all_looks, busy_looks; /* busy: at all places, with births */
	/* From the look that has ended: objects in new memory, and births so far. */
	struct carved v[CARVED_MAX];
	size_t n;
	bool is_done;
	uint64_t to;
};

/* Says what of the heap cannot be asked; NULL: all can. Memory of dead objects always can, new
 * memory of pymalloc's pools and of mimalloc's pages where these are read. */
const char *unseen_not_asked(const struct py_runtime *rt, const struct heap *h);
/* A sentence for people if only the code of this build tells of its births, and no such build was
 * tested; else NULL. */
const char *unseen_doubt(const struct py_runtime *rt, const struct heap *h);
/* Is the next window to be looked at? @aim: as in unseen_begin(). */
bool unseen_is_due(const struct unseen *u, const struct ladder_aim *aim);
/* Begins a look: all places, or (@aim, else NULL) those of some sizes or types, are probed already.
 */
void unseen_begin(struct unseen *u, const struct unseen_view *v, const struct ladder_aim *aim);
/* Ends a look: they still are. */
void unseen_end(struct unseen *u, const struct unseen_view *v);
/* To be called before the ladder looks at what lives: an object whose death is seen after that may
 * have lived at that look. */
void unseen_end_rechecks(const struct unseen_view *v);
/* Judges a look that has ended; later, when nobody waits. Record @from was made before
 * unseen_begin(); @look has what lived at the end and was not born again until then. */
void unseen_settle(struct unseen *u, const struct unseen_view *v, uint64_t from,
		   const struct sample *look, size_t n);
/* Drops a look: places were not probed all the time, or that is not known. */
void unseen_drop(struct unseen *u, const struct unseen_view *v);
void unseen_free(struct unseen *u);

#endif
