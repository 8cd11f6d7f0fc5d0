/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the heap from outside: live blocks per size class from pool headers, and single objects:
 * their full size, the blocks they own, their fingerprint. The target runs meanwhile: what is read
 * may be torn, freed or reused. */
#ifndef PYLEAK_HEAP_H
#define PYLEAK_HEAP_H

#include "py/py.h"

#define HEAP_CLASSES 32 /* pymalloc size classes: class i holds blocks of 16 * (i + 1) bytes */

/* Index of a block's class; HEAP_MALLOC if it is not pymalloc's. */
#define HEAP_MALLOC HEAP_CLASSES
static inline unsigned heap_class_index(int cls)
{
	return cls >= 0 && cls < HEAP_CLASSES ? (unsigned)cls : HEAP_MALLOC;
}

struct heap_census {
	uint64_t t_ns;
	uint64_t live[HEAP_CLASSES]; /* allocated blocks, from ref.count of the pool headers */
	uint64_t big_bytes;	     /* mimalloc: live bytes in blocks larger than the classes */
	uint64_t pools, arenas;	     /* swapped out or not; mimalloc: pages in use, segments */
	uint64_t arena_bytes;	     /* bytes mapped for arenas */
	uint64_t torn;		     /* headers that made no sense (changed meanwhile), left out */
	uint64_t swapped;	     /* pools swapped out since before they were first counted */
	uint64_t cost_ns;	     /* our CPU time for this reading */
};

/* A process's heap, with its arenas: they tell pymalloc's memory from malloc's. */
struct heap;
int heap_open(const struct py_runtime *rt, struct heap **out);
void heap_close(struct heap *h);

/* How far a reading of the whole heap has come. */
struct heap_progress {
	const char *doing;	  /* "reading the heap" */
	uint64_t bytes, of_bytes; /* so far, of about so many; 0, 0: not counted in bytes */
	uint64_t objects;
};
/* Called about every millisecond of such a reading; what it returns, when not 0, ends the reading.
 */
typedef int (*heap_watch)(const struct heap_progress *at, void *ctx);
void heap_watch_by(struct heap *h, heap_watch watch, void *ctx);
/* Tells the watcher of work that belongs to a walk. Returns what it returns; 0 without one. */
int heap_tell(struct heap *h, const char *doing, uint64_t objects);
/* False when the build has no pymalloc state we can read: no census, only native blocks. */
bool heap_has_pools(const struct heap *h);
/* Can live blocks be counted: pymalloc's pools or mimalloc's pages? */
bool heap_can_count(const struct heap *h);
/* Is CPython's mimalloc in charge, and are its pages understood? */
bool heap_has_mimalloc(const struct heap *h);
/* Header-only census of all arenas of all interpreters. A pool that is swapped out counts as when
 * it was last read: nobody has touched it since. -ENODATA when blocks cannot be counted. */
int heap_census(struct heap *h, struct heap_census *out);
/* The same for callers who count a heap again and again: the longer an arena has not changed, the
 * fewer of its headers are read, down to one in HEAP_TURN, the others in the next censuses; after a
 * change all are. A header that is not read counts as when it last was, less than HEAP_TURN
 * censuses ago. */
#define HEAP_TURN 8
int heap_census_in_turn(struct heap *h, struct heap_census *out);
uint64_t heap_live_bytes(const struct heap_census *c);
/* Size class (0 .. 31) of the pool block that contains @addr, read live; -1 = not pymalloc's. */
int heap_class_of(struct heap *h, uint64_t addr);
/* Is @addr inside an arena as of the last census? */
bool heap_in_arena(const struct heap *h, uint64_t addr);
/* Is it in the data of CPython's own file, which is never allocated nor freed? */
bool heap_in_static(const struct heap *h, uint64_t addr);

/* One object as seen from outside. */
#define HEAP_FP_WORDS 8
struct heap_fingerprint {
	uint64_t word[HEAP_FP_WORDS];
	uint32_t n;	  /* words used; 0 = this type cannot be told apart by content */
	uint16_t grow;	  /* index of a word that may grow but not shrink, +1; 0 = none */
	uint8_t open;	  /* bit i: word i, when it was 0, may be filled in later */
	uint8_t certain;  /* so many first words settle it when equal: a dict's version tag */
	uint64_t content; /* hash over type and content, equal for equal constants, for containers
			   * of constants, and for empty ones; 0 = unique by nature */
	bool empty;	  /* an empty container, or one with nothing to recognise it by */
};

#define HEAP_MAX_PARTS 6
struct heap_object {
	uint64_t addr, type;
	uint64_t
		bytes; /* everything the object owns alone: pre-header, GC head, body, satellites */
	uint32_t parts; /* blocks it consists of; part[0] holds the object itself */
	struct {
		uint64_t addr;	/* block start (as far as known) */
		uint64_t bytes; /* size asked for, with the guards of the debug hooks; mimalloc:
				 * of the block */
		int cls;	/* pymalloc class, -1 = malloc */
	} part[HEAP_MAX_PARTS];
	uint64_t buffer; /* the part that is an object of its own: a bytearray's bytes (3.15) */
	bool gc;	 /* GC-tracked type */
	bool immortal;
	bool is_static;	   /* part of the interpreter: nobody made it */
	bool is_finalized; /* its __del__ has run, and may have kept it */
	bool swapped;	   /* out: a part of it is swapped out, nothing of it is known; addr is 0 */
	struct heap_fingerprint fp;
};

/* How much of an object is read. */
enum heap_depth {
	HEAP_IDENTITY, /* type, refcount, fingerprint */
	HEAP_FULL
}; /* and sizes with satellites */

/* Reads many objects at once. @addr and @type are given: the type word must still be @type and the
 * refcount plausible, else out[i].addr is set to 0. Returns the number of good ones. */
size_t heap_read_objects(struct heap *h, struct heap_object *v, size_t n, enum heap_depth depth);
/* Has all of the heap gone, by an exec or the end? Then what cannot be read was not freed. */
bool heap_is_gone(const struct heap *h);

/* Is @now the same object as @then, by the strict rules for its type? False for one that was empty
 * and now has content: it cannot be told from a new one. True for two empty ones; equal `content`
 * says that this is no proof. */
bool heap_same_object(const struct heap_fingerprint *then, const struct heap_fingerprint *now);

/* If a malloc block at @block holds an object (at +0, +16 or +32), its address and type. */
int heap_object_in_block(struct heap *h, uint64_t block, uint64_t size, uint64_t *obj,
			 uint64_t *type);

/* Is the glibc chunk at @ptr in use, with a size that fits @size? Judged from chunk headers. */
bool heap_chunk_in_use(struct heap *h, uint64_t ptr, uint64_t size);

#endif
