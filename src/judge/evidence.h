/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All that was seen of one process until a moment, as plain data: what a judgement rests on, and
 * all that it rests on. The watcher fills it (session/source.h), or a test does.
 *
 * What is pointed to belongs to who filled it. Times in ns are of CLOCK_MONOTONIC, rates per
 * second, sizes in bytes; a number that is not known is NAN or REPORT_UNKNOWN.
 */
#ifndef PYLEAK_JUDGE_EVIDENCE_H
#define PYLEAK_JUDGE_EVIDENCE_H

#include "base/coverage.h"
#include "base/trend.h"
#include "base/work.h"
#include "judge/holder_fact.h"
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
/* Looks that it must have survived to count at all: three seconds. With many threads, what a
 * request holds lives as long as its thread waits for the GIL. */
#define SURVIVED_RUNGS 3

/* In place of a stack: objects that C code made while no Python frame ran; and those whose stack
 * could not be read. */
enum { EVIDENCE_NO_FRAME = 1, EVIDENCE_NO_STACK = 2 };

/* As the kernel half calls it, for which a stack without a frame is 0. */
static inline uint64_t evidence_kernel_stack(uint64_t stack)
{
	return stack == EVIDENCE_NO_FRAME ? 0 : stack;
}

struct survivor {
	uint64_t addr, type, stack; /* addr 0 = has died */
	uint64_t born_ns;
	uint64_t collections; /* full ones when it was born */
	uint64_t content;     /* equal for equal content; 0 = unique by nature */
	uint64_t bytes;
	float weight; /* survivors that this one stands for */
	/* So many times as many births of its type were looked at as of others; 0 = as many. */
	double often;
	/* So many of its type were born in windows up to the end of its own, those that see all
	 * births of it; 0 = its own is none of them. */
	uint64_t nth;
	uint32_t burst; /* number of the window that saw it */
	uint8_t rung;	/* looks survived */
	uint8_t parts;
	bool gc;
	bool ambiguous; /* its content was seen on others too: not identified beyond doubt */
	/* For who judges, in a copy of its own. Told: bytes less those of blocks that are
	 * another's. It stands for more survivors where less than usual was watched. */
	bool stopped, doubtful;
	uint64_t told;
	double stands_for;
	struct survivor_part {
		uint64_t addr;
		uint32_t bytes;
		int8_t cls; /* -1 = outside of the pools */
	} part[EVIDENCE_PARTS];
};

/* Index of a block's class; what is in none comes behind them. */
static inline unsigned survivor_class_index(int cls)
{
	return cls >= 0 && cls < EVIDENCE_CLASSES ? (unsigned)cls : EVIDENCE_MALLOC;
}

/* Objects of one stack and one content. */
static inline uint64_t evidence_likes(uint64_t stack, uint64_t content)
{
	return (stack ^ (content * 0x9e3779b97f4a7c15ull)) | 1;
}

struct evidence_count {
	/* A stack; or evidence_likes() of those in whose place a window saw one of like content
	 * born: another stack's, of one that was there before the window any stack's. */
	uint64_t of;
	uint64_t n;
};

struct evidence_objects {
	const struct survivor *v;
	size_t n;
	const struct evidence_count *deaths; /* of survivors, by weight */
	size_t n_deaths;
	const uint64_t *replaced; /* stacks whose objects only renew a store that is full */
	size_t n_replaced;
	uint64_t collections;		/* full ones so far */
	uint32_t bursts;		/* windows so far */
	const struct coverage *watched; /* when births of all types were, or of a size class ... */
	const struct coverage *aimed;	/* ... and when those of types that were seen more often */
	double coverage; /* share of the time that births of all types were watched */
	/* Live blocks of each class; NULL when the build's pools cannot be counted. */
	const struct trend_points *classes;
	double counted_s;   /* when they were counted last, on the series' time axis ... */
	double uncounted_s; /* ... and how long ago that is; 0 = not known, or it did not run */
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
	double t_s; /* since it was begun to look */
	double bytes, count;
};

struct native_site {
	struct pl_native_key key;
	double live_bytes, live_count; /* of blocks at least older_s old; scaled up in windows */
	double young_bytes;	       /* of the others */
	double waste_bytes;	       /* handed out beyond what was asked for; NAN = unknown */
	uint64_t samples;	       /* blocks behind the numbers */
	uint64_t oldest_ns;	       /* age */
	uint64_t min_size, max_size;   /* of those behind the numbers */
	uint32_t depth; /* of the stack where most of them were made, see struct pl_native_key */
	double depth_share; /* so much of the bytes */
	double mortality;   /* of what had survived, the share that is known to have died later; 0
			     * when all blocks are seen */
	bool estimated;	    /* told of by windows, which see the malloc family alone */
	uint32_t checked, objects; /* blocks looked into, and how many of them hold a Python object:
				    * those are counted by their births too */
	uint64_t type;		   /* of the last such object */
	const struct native_point *points;
	size_t n_points;
	uint32_t met; /* windows that met more of it; 0 = not known */
	double met_s; /* when the last such one was told of */
	/* It may grow by so much: windows slow the target down, and see less of what it does. 0 =
	 * not known. */
	double most_bytes_per_s;
	uint64_t named; /* the stack that names it, where key.stack has several meanings; or 0 */
};

static inline uint64_t native_named(const struct native_site *n)
{
	return n->named ? n->named : n->key.stack;
}

/* One frame of C code, with those that the compiler inlined into it. */
struct evidence_native_frame {
	bool is_eval; /* code of the evaluator: stands for Python frames */
	const struct report_frame *frame;
	size_t n;
	const char *build_id; /* of their file; NULL = not known */
};

/* The way through C code by which most of what lives on was made. */
struct evidence_way {
	uint64_t stack, of; /* of: the caller of malloc, or the type of objects */
	double share;	    /* of it that came by this way */
	bool is_cut;	    /* it ends in code that is in no file any more */
	const struct evidence_native_frame *frame; /* innermost first; NULL = not known */
	size_t n;
};

struct evidence_native {
	bool is_watched, is_exact; /* exact: every block is seen, not those of windows alone */
	const struct native_site *v;
	size_t n;
	const struct evidence_way *way;
	size_t n_ways;
	bool has_ways; /* it was asked for them */
	/* Blocks from before us that are freed each second, by size. */
	double unknown_per_s[PL_UNKNOWN_BINS];
	bool has_tracemalloc; /* it is on, and takes some for each block that the program takes */
};

/* A block of a size takes so much of glibc's malloc. */
uint64_t evidence_chunk(double bytes);
/* The bin of a size: sizes of one bin balance each other. 0 .. PL_UNKNOWN_BINS - 1 */
unsigned evidence_bin(double bytes);

/* ---- Descriptors, threads and children that one line has open. ---- */

struct fd_fact {
	uint64_t stack;
	enum report_kind kind;
	uint64_t n;
	double rate;  /* 0 = it does not grow */
	double scale; /* as many were opened for each one whose line is known */
	double oldest_s;
	unsigned moments, quarters; /* distinct seconds, quarters of the run, that opened some */
	struct curve curve;	    /* of the stack with most of the growth ... */
	double curve_rate;	    /* ... which is this */
	const struct report_type *types;
	size_t n_types;
	struct report_fd_facts facts;
};

/* ---- Memory. ---- */

enum { MEMORY_ANON, MEMORY_USED, MEMORY_SLOPES }; /* used: without what pools hold free */

struct memory_fact {
	struct trend_points rss;
	struct trend_points live;     /* bytes of live blocks of the pools */
	struct trend_points malloced; /* what lies outside of the pools */
	bool has_mimalloc;	      /* that is what mimalloc says then; libc's is no part of it */
	struct trend_points slope[MEMORY_SLOPES]; /* what counts against a limit */
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
	const char *interpreter; /* file, whose frames say little */
	/* The report as it was seen: identity, memory, parts, cost, census, losses, notes; the
	 * curve of RSS, but for recordings. Its sites, verdict and predictions are not filled. */
	struct report_process seen;
	struct memory_fact memory;
	struct evidence_objects objects;
	struct evidence_native native;
	const struct holder_fact *holder;
	size_t n_holders;
	bool asks; /* what holds the survivors is being found out right now */
	const struct fd_fact *fd;
	size_t n_fds;
	const struct evidence_stack *stack; /* these two, and native.way, after evidence_sort() */
	size_t n_stacks;
	const struct evidence_type *type;
	size_t n_types;
};

/* Puts what is looked up in order: by who fills it, before it is judged. */
void evidence_sort(struct evidence *e);

/* NULL = not known. */
const struct evidence_stack *evidence_stack(const struct evidence *e, uint64_t id);
const struct evidence_way *evidence_way(const struct evidence *e, uint64_t stack, uint64_t of);
/* The frame that stands for what has no stack, EVIDENCE_NO_FRAME or _NO_STACK; false: @stack is
 * one. */
bool evidence_nowhere(uint64_t stack, struct report_frame *out);
/* "?" = not known. */
const char *evidence_type(const struct evidence *e, uint64_t type);

#endif
