/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The holders of objects: the shortest paths to them from something with a name, read from
 * outside while the target runs. */
#ifndef PYLEAK_WHY_WHY_H
#define PYLEAK_WHY_WHY_H

#include "heap/heap.h"

#define WHY_UNKNOWN UINT64_MAX

/* Kinds of roots, whose names stay: "module", "frame", ... */
enum why_root {
	WHY_MODULE,
	WHY_FRAME,
	WHY_ATEXIT,
	WHY_SIGNAL,
	WHY_THREAD,
	WHY_INTERPRETER,
	WHY_GARBAGE,
	WHY_STATIC,
	WHY_STACK,
	WHY_INTERNED,
	WHY_NOBODY,
	WHY_CYCLE,
	WHY_ROOTS
};
const char *why_root_name(enum why_root r);

/* How a step leads to the object it names. */
enum why_edge {
	WHY_ROOT,
	WHY_ATTRIBUTE, /* label: its name */
	WHY_KEY,       /* the value of some key */
	WHY_AS_KEY,    /* it is a key itself */
	WHY_ITEM,      /* of a list, tuple, set, deque */
	WHY_VARIABLE,  /* of a frame or generator; label: its name */
	WHY_CELL,      /* variable of a closure; label: its name */
	WHY_DEFAULT,   /* of an argument */
	WHY_FIELD,     /* of an object of C code; label: what is known of it */
};

struct why_step {
	enum why_edge edge;
	char *label;	     /* NULL = none */
	char *type;	     /* "dict", "app.Session", "function app.f" */
	uint64_t entries;    /* of a container, now; WHY_UNKNOWN: none */
	double growth;	     /* entries per second, seen between two looks; 0 = none */
	bool has_grown;	     /* it was seen to grow once */
	uint64_t bound;	     /* entries it may have; WHY_UNKNOWN: no bound seen */
	char *bound_name;    /* "maxlen" */
	bool bound_enforced; /* by CPython, not by the program */
	uint64_t addr;
	double share; /* share of the targets whose paths have this very object */
	bool repeats; /* this step and those before repeat: a linked list */
};

struct why_path {
	enum why_root root;
	char *text;   /* the whole path in one line */
	double share; /* share of the targets */
	uint64_t count;
	struct why_step *step; /* from the root to the object */
	size_t n;
	/* WHY_CYCLE */
	bool uncollectable; /* more references than the cycle accounts for, or types without GC */
	bool frozen;	    /* gc.freeze() took it out of sight of the collector */
	bool through_c;	    /* memory of C code is in it: the collector may not look into that */
};

#define WHY_BEHIND 64

struct why_answer {
	uint64_t targets, sampled, gone;
	/* The last object that nearly all paths lead through, and the objects that follow it on
	 * them: a container and its entries. 0 = none. */
	uint64_t branch, behind[WHY_BEHIND];
	size_t n_behind;
	bool branch_in_c;      /* memory of C code, with no known length, is between the two */
	struct why_path *path; /* the greatest share first */
	size_t n;
	double other_share;   /* paths that are not listed */
	double unknown_share; /* whatever holds these */
	char *nearest;	      /* nothing has the type: the one that may have been meant; NULL */
};

struct why_query {
	const char *type;     /* by name, qualified or not, in one of them; NULL = by address */
	const uint64_t *addr; /* objects, or addresses inside them */
	size_t n_addr;
};

struct why_opts {
	unsigned max_paths; /* per query; 0 = 5 */
	double watch_s;	    /* time between the two looks at containers' lengths; 0 = one look */
	/* Waits between the looks; false: nobody wants the answer any more. NULL: sleep. */
	bool (*rest)(void *ctx, uint64_t ns);
	void *rest_ctx;
	/* gives up when the heap has more blocks, or more than 4 references for each; 0 = never */
	uint64_t max_blocks;
};

struct why_stats {
	uint64_t blocks, objects, references, roots, unreadable, torn;
	uint64_t ns, memory_bytes;
	bool gc_known, gc_enabled;
	uint64_t pages_swapped; /* not read: the holder of an object may be there */
	bool unsearched;	/* nor all memory of C code */
};

/* Gives one answer per query, from one reading of the heap (two passes), or two where something
 * seems lost; whoever watches the heap is told of progress. */
int heap_why(struct heap *h, const struct why_query *q, size_t n, const struct why_opts *o,
	     struct why_answer **out, struct why_stats *stats);
void why_free(struct why_answer *v, size_t n);

#endif
