/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All that was seen of one process until a moment, as plain data: a judgement rests on this alone.
 * The watcher fills it (session/source.h), or a test does, and owns what it points to. Times in ns
 * are of CLOCK_MONOTONIC, rates per second, sizes in bytes; a number that is not known is NAN or
 * REPORT_UNKNOWN. */
#ifndef PYLEAK_EVIDENCE_H
#define PYLEAK_EVIDENCE_H

#include "base/coverage.h"
#include "base/traffic.h"
#include "base/trend.h"
#include "base/work.h"
#include "evidence/holder_fact.h"
#include "verdict/retention.h"
#include "verdict/verdict.h"
#include "pyleak/abi.h"
#include "pyleak/native.h"

/* ---- Objects whose births were seen and that were still there later. ---- */

#define EVIDENCE_CLASSES 32		  /* size classes of pymalloc: multiples of 16 bytes */
#define EVIDENCE_MALLOC	 EVIDENCE_CLASSES /* "class" of what lies outside of the pools */
#define EVIDENCE_PARTS	 6

/* A survivor is looked at again when it is 0.2, 1, 3, 10, 30, 60 seconds old. */
#define SURVIVOR_RUNGS 6
extern const double survivor_age_s[SURVIVOR_RUNGS];
/* Rungs that an object must have survived to count at all: three seconds. With many threads, what a
 * request holds lives as long as its thread waits for the GIL. */
#define SURVIVED_RUNGS 3

/* In place of a stack: objects that C code made while no Python frame ran; and those whose stack
 * could not be read. */
enum { EVIDENCE_NO_FRAME = 1, EVIDENCE_NO_STACK = 2 };

/* The kernel half's number of a stack: there, one without a frame is 0. */
static inline uint64_t evidence_kernel_stack(uint64_t stack)
{
	return stack == EVIDENCE_NO_FRAME ? 0 : stack;
}

struct survivor {
	uint64_t addr, type, stack; /* addr 0 = has died */
	uint64_t born_ns;
	uint64_t collections; /* full collections when it was born */
	uint64_t content;     /* equal for equal content; 0 = unique by nature */
	uint64_t bytes;
	float weight; /* survivors that this one stands for */
	/* how many times as often its type was watched as others; 0 = as often */
	double often;
	/* Births of its type up to the end of its window, in windows that see all births of that
	 * type; 0 = its window is none of them. */
	uint64_t nth;
	uint32_t burst; /* number of the window that saw it */
	uint8_t rung;	/* rungs that it has survived */
	uint8_t parts;
	bool gc;
	bool ambiguous;	    /* its content was seen on others too: not identified beyond doubt */
	bool is_beside_all; /* its window is in evidence_objects.traffic */
	/* Set by the judge, in its own copy. told: bytes without blocks that count as another
	 * survivor's. stands_for: more than weight where less than usual was watched. */
	bool stopped, doubtful;
	uint64_t told;
	double stands_for;
	struct survivor_part {
		uint64_t addr;
		uint32_t bytes;
		int8_t cls; /* -1 = outside of the pools */
	} part[EVIDENCE_PARTS];
};

/* Index of a block's class; EVIDENCE_MALLOC for a block outside of the pools. */
static inline unsigned survivor_class_index(int cls)
{
	return cls >= 0 && cls < EVIDENCE_CLASSES ? (unsigned)cls : EVIDENCE_MALLOC;
}

/* Key for objects of one stack and one content. */
static inline uint64_t evidence_likes(uint64_t stack, uint64_t content)
{
	return (stack ^ (content * 0x9e3779b97f4a7c15ull)) | 1;
}

struct evidence_count {
	/* A stack. Or evidence_likes(stack, content) of survivors in whose place a window saw an
	 * object of like content born: by another stack, or, where the survivor was there before
	 * the window, by any. */
	uint64_t of;
	uint64_t n;
};

struct evidence_objects {
	const struct survivor *v;
	size_t n;
	const struct evidence_count *deaths; /* survivors that died, by weight */
	size_t n_deaths;
	const uint64_t *replaced; /* stacks whose objects only renew a store that is full */
	size_t n_replaced;
	uint64_t collections;		/* full collections so far */
	uint32_t bursts;		/* windows so far */
	const struct coverage *watched; /* when all types, or those of a size class, were watched */
	const struct coverage *aimed;	/* when types that are watched more often were watched */
	const struct traffic *traffic;	/* births in windows that saw all; NULL = not known */
	double coverage; /* share of the time that births of all types were watched */
	/* Live blocks of each class; NULL when the build's pools cannot be counted. */
	const struct trend_points *classes;
	double counted_s;   /* time of their last count, on the series' axis */
	double uncounted_s; /* seconds of running since then; 0 = not known, or none */
	double stopped_s;   /* seconds for which it was stopped, which the series leave out */
};

/* ---- Stacks and names. ---- */

struct evidence_frame {
	const char *function, *file; /* NULL = could not be read in time */
	int line;
	bool entry;	/* C code called the interpreter here */
	uint32_t place; /* report/place.h; 0 = a recording of before there were places */
};

struct evidence_stack {
	uint64_t id;
	bool truncated;
	size_t n;
	const struct evidence_frame *frame; /* innermost first */
};

struct evidence_type {
	uint64_t type;
	const char *name;
};

/* ---- Blocks of malloc and mappings that were made and not given back. ---- */

#define NATIVE_POINTS 64

struct native_point {
	double t_s; /* since the watch of blocks began */
	double bytes, count;
};

struct native_site {
	struct pl_native_key key;
	double live_bytes, live_count; /* blocks at least older_s old; in windows: scaled up */
	double young_bytes;	       /* younger blocks */
	double waste_bytes;	       /* handed out beyond what was asked for; NAN = unknown */
	uint64_t samples;	       /* blocks behind the numbers */
	uint64_t oldest_ns;	       /* age */
	uint64_t min_size, max_size;   /* of those blocks */
	uint32_t depth; /* where the stack ended that made most of them, see struct pl_native_key */
	double depth_share; /* share of the bytes that such stacks made */
	/* share of the survivors that is known to have died later; 0 when all blocks are seen */
	double mortality;
	bool estimated; /* its numbers come from windows, which see the malloc family only */
	/* blocks that were read, and how many of them hold a Python object: the births of those
	 * objects count them, too */
	uint32_t checked, objects;
	uint64_t type; /* of the last such object */
	const struct native_point *points;
	size_t n_points;
	uint32_t met; /* windows that met new blocks of it; 0 = not known */
	double met_s; /* when the last of them was added to the series */
	/* Upper limit of its growth, as windows slow the target down and see less of what it does.
	 * 0 = not known. */
	double most_bytes_per_s;
	uint64_t named; /* the stack to show, where key.stack has several meanings; or 0 */
};

static inline uint64_t native_named(const struct native_site *n)
{
	return n->named ? n->named : n->key.stack;
}

/* One frame of C code, with those that the compiler inlined into it. */
struct evidence_native_frame {
	bool is_eval; /* code of the evaluator: one such frame runs Python frames */
	const struct report_frame *frame;
	size_t n;
	const char *build_id; /* of their file; NULL = not known */
};

/* The way through C code by which most of what lives on was made, for one stack and one caller of
 * malloc or type. */
struct evidence_way {
	uint64_t stack, of;			   /* of: caller of malloc, or type */
	double share;				   /* share of what lives on that came this way */
	bool is_cut;				   /* it ends in code that is in no file any more */
	const struct evidence_native_frame *frame; /* innermost first; NULL = not known */
	size_t n;
};

struct evidence_native {
	bool is_watched, is_exact; /* exact: every block is seen, not only those of windows */
	const struct native_site *v;
	size_t n;
	const struct evidence_way *way;
	size_t n_ways;
	bool has_ways; /* ways were asked for */
	/* Frees per second of blocks from before the watch, by bin of size. */
	double unknown_per_s[PL_UNKNOWN_BINS];
	/* tracemalloc is on: it takes memory for each block that the program takes */
	bool has_tracemalloc;
};

/* Bytes that a block of @bytes takes of glibc's malloc. */
uint64_t evidence_chunk(double bytes);
/* The bin of a size, 0 to PL_UNKNOWN_BINS - 1: frees and gains of one bin balance each other. */
unsigned evidence_bin(double bytes);

/* ---- Descriptors, threads and children that one line has open. ---- */

struct fd_fact {
	uint64_t stack;
	enum report_kind kind;
	uint64_t n;
	double rate;  /* 0 = it does not grow */
	double scale; /* opened descriptors for each one whose line is known */
	double oldest_s;
	/* distinct seconds, quarters of the run, in which some were opened */
	unsigned moments, quarters;
	struct curve curve; /* of the stack with most of the growth */
	double curve_rate;  /* growth of that stack */
	const struct report_type *types;
	size_t n_types;
	struct report_fd_facts facts;
};

/* ---- Memory. ---- */

enum { MEMORY_ANON, MEMORY_USED, MEMORY_SLOPES }; /* used: without free memory of the pools */

struct memory_fact {
	struct trend_points rss;
	struct trend_points live;     /* bytes of live blocks of the pools */
	struct trend_points malloced; /* bytes in use outside of the pools */
	/* then malloced is what mimalloc says, without libc's malloc */
	bool has_mimalloc;
	struct trend_points slope[MEMORY_SLOPES]; /* memory that counts against a limit */
	struct trend_points room;		  /* use of the nearest limit; n 0 = not known */
	struct work work;
	uint64_t pools_bytes, live_bytes;
	struct retention_evidence kept;
};

/* ---- All of it. ---- */

struct evidence {
	uint64_t start_ns, now_ns;
	double older_s;
	uint64_t min_size, max_size;
	const char *interpreter; /* path; frames of this file say little */
	/* A report of what was seen: identity, memory, parts, cost, census, losses, notes; the
	 * curve of RSS, except in recordings. Its sites, verdict and predictions are empty. */
	struct report_process seen;
	struct memory_fact memory;
	struct evidence_objects objects;
	struct evidence_native native;
	const struct holder_fact *holder;
	size_t n_holders;
	bool asks; /* a search for what holds the survivors is running */
	const struct fd_fact *fd;
	size_t n_fds;
	/* stack, type and native.way are sorted by evidence_sort() */
	const struct evidence_stack *stack;
	size_t n_stacks;
	const struct evidence_type *type;
	size_t n_types;
};

/* Sorts what is looked up by key: called by whoever fills the evidence, before judge(). */
void evidence_sort(struct evidence *e);

/* NULL = not known. */
const struct evidence_stack *evidence_stack(const struct evidence *e, uint64_t id);
const struct evidence_way *evidence_way(const struct evidence *e, uint64_t stack, uint64_t of);
/* The frame that is shown in place of a stack, for EVIDENCE_NO_FRAME and _NO_STACK; false: @stack
 * is a stack. */
bool evidence_nowhere(uint64_t stack, struct report_frame *out);
/* "?" = not known. */
const char *evidence_type(const struct evidence *e, uint64_t type);

#endif
