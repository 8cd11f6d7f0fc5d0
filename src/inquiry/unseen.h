/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Are all births seen? The places where objects are born were found in the program's file; this
 * asks the heap, which knows nothing of places. While all of them are probed, an object in memory
 * that was handed out for the first time must be among the births on record; and an object that
 * lives where another has died since the last birth on record there, was born since. Where that is
 * so for too many of a type, this build makes it in places that are not known, and whatever shares
 * its size class may have been made there: no line is told of that class any more, unless many
 * looks in a row see all births later. A look at a few places proves nothing, for one that is left
 * out may have made what was missed: then the next is to be at all of them. */
#ifndef PYLEAK_INQUIRY_UNSEEN_H
#define PYLEAK_INQUIRY_UNSEEN_H

#include "base/map64.h"
#include "heap/carved.h"
#include "pyleak/abi.h"
#include "track/ladder.h"

/* Windows that are looked at whatever they cost: a build that hides births is known by them. */
#define UNSEEN_FIRST_LOOKS 16

/* The process and its record of births, all borrowed. */
struct unseen_view {
	const struct py_runtime *rt;
	struct heap *heap;
	const struct pl_birth *births;
	pl_birth_died *died;
	volatile struct pl_stats *stats;
	/* These size classes (bits) are no evidence, all others are; @why is for people. */
	void (*refuse)(void *ctx, uint64_t classes, const char *why);
	void *ctx;
};

struct unseen_count {
	uint32_t seen, missed, looks; /* objects; looks that missed one */
	uint32_t looked;	      /* the last of these */
};

/* Objects of one type, or those of one size class among them. */
struct unseen_type {
	struct unseen_count carved, reborn; /* in new memory, in that of another */
	bool is_told, is_told_by_reborn;
};

struct unseen {
	struct heap_carving at;
	bool is_open, is_carving;
	uint32_t looks;
	struct map64 place; /* type and class -> place + 1 */
	VEC(struct unseen_type) types;
	uint64_t missed;  /* objects of the types that are told of */
	uint64_t refused; /* size classes, bits */
	struct {
		uint32_t looks, looked; /* in a row that saw all of it; the last of these */
	} calm[HEAP_CLASSES + 1];
	bool was_lifted;
	struct ladder_aim aim;	 /* of this look; nothing: all places are probed */
	struct unseen_count few; /* with an aim: objects in new memory */
	bool is_suspect;	 /* it missed too many: the next look is to be at all places */
	uint64_t lost, from;	 /* births that were not recorded, and all, when it began */
	uint64_t due_ns[2];	 /* of the next look, at all places and at a few: none before */
	uint32_t all_looks, busy_looks; /* busy: at all places, and objects came */
	/* From the look that has ended: blocks that were carved, and births so far. */
	struct heap_carved v[HEAP_CARVED];
	size_t n;
	bool is_done;
	uint64_t to;
};

/* "The heap is not asked", whether all births are seen; NULL: it is. New memory is asked of
 * CPython's own pools, memory of dead objects where references are counted in one word. */
const char *unseen_not_asked(const struct py_runtime *rt);
/* For people: nothing but the code tells of its births, and no build like it was tested. Else NULL.
 */
const char *unseen_doubt(const struct py_runtime *rt);
/* Is the next window to be looked at? @aim as below. */
bool unseen_is_due(const struct unseen *u, const struct ladder_aim *aim);
/* All places are probed from before now on, or (@aim, else NULL) those of some sizes or types. */
void unseen_begin(struct unseen *u, const struct unseen_view *v, const struct ladder_aim *aim);
/* They still are. */
void unseen_end(struct unseen *u, const struct unseen_view *v);
/* Before the look at what lives: whose death is seen from then on may have lived at that look. */
void unseen_end_rechecks(const struct unseen_view *v);
/* Later, when nobody waits: record @from was made before unseen_begin(), and @look was taken of
 * what lived at the end and has not been born again until then. */
void unseen_settle(struct unseen *u, const struct unseen_view *v, uint64_t from,
		   const struct sample *look, size_t n);
/* They were not, or it is not known. */
void unseen_drop(struct unseen *u, const struct unseen_view *v);
void unseen_free(struct unseen *u);

#endif
