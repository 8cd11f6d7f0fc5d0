/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The roots of a search, and its result: each node's neighbour on a shortest path from a root. */
#ifndef PYLEAK_WHY_REACH_H
#define PYLEAK_WHY_REACH_H

#include "why/graph.h"

/* Ordered by how much their name says; each kind is searched only for what earlier ones do not
 * reach. */
enum reach_kind {
	REACH_MODULE,  /* owner: module object, name: its name in sys.modules, which is at @at; or
			* (NULL) sys.modules itself: see paths_gather() */
	REACH_LOCAL,   /* owner: code object, at: index of the variable */
	REACH_ATEXIT,  /* a function to be called at exit */
	REACH_SIGNAL,  /* at: number of the signal */
	REACH_GARBAGE, /* gc.garbage itself, when module gc was never imported */
	REACH_THREAD,  /* owner: thread state, at: offset in it */
	REACH_LIBRARY, /* at: address in the data of an extension or a library */
	REACH_INTERP,  /* owner: interpreter state, at: offset in it; has free lists with leftovers
			*/
	REACH_STATIC,  /* at: address in CPython's own data */
	REACH_TEMPORARY, /* owner: code object; the value stack of a frame */
	REACH_STACK,	 /* owner: thread id, at: address */
	REACH_NOBODY,	 /* nothing points to it, and yet it lives */
	REACH_CYCLE,	 /* in a cycle, or held by one, that nothing else holds */
	REACH_INTERNED,	 /* the table of interned strings */
	REACH_UNKNOWN,	 /* memory without an owner points to it: who holds that is not known */
};

/* Nothing with a name holds it, and that is known. */
static inline bool reach_is_lost(enum reach_kind k)
{
	return k == REACH_NOBODY || k == REACH_CYCLE;
}

struct reach_root {
	enum reach_kind kind;
	uint32_t node;
	uint64_t owner, at, thread; /* thread: native id of the frame's thread, 0 = main or none */
	uint64_t interp;	    /* of a module: id of its interpreter, 0 = the main one */
	char *name;
};

struct reach {
	struct graph *g;
	VEC(struct reach_root) root;
	uint64_t unreadable, rejected;
	uint64_t unnamed;      /* of what is unreadable: where roots may be */
	uint64_t static_bytes; /* data of libraries looked at */
	uint64_t main;	       /* the main interpreter's state: in static data from 3.11 on */
	/* At a second look: what seemed to be held by nobody at the first, by its address, and what
	 * it is recognised by. */
	const struct map64 *lost;
};

#define REACH_FRAME_DICT UINT32_MAX /* `at` of a frame's dict of locals */

#define REACH_ROOT NODE_MAX /* a parent with this bit is the number of a root */

/* Collects the roots of all interpreters and threads. */
int reach_find_roots(struct reach *r);
/* Searches: fills g->parent (0 = not reached; node + 1; REACH_ROOT | root). */
int reach_search(struct reach *r);
/* Is the object of a node still there? In a process that goes on, one that nobody holds may have
 * died since it was met; one that @was_held may have, too, but not be another by now. */
bool reach_is_alive(const struct graph *g, uint32_t node, bool was_held);
/* Hash of what the object of a node is recognised by when another may lie in its place. */
uint64_t reach_marks(const struct graph *g, uint32_t node);
/* References to the object of a node; UINT64_MAX: a buffer, an immortal one, or unreadable. */
uint64_t reach_refcount(const struct graph *g, uint32_t node);
void reach_free(struct reach *r);

/* The edges of a node, one after the other: e = first; e; e = next. */
static inline const uint32_t *reach_edges(const struct graph *g, uint32_t node)
{
	return g->start[node] ? g->edge.v + g->start[node] : NULL;
}
#define REACH_EACH(g, node, e, to)                                                      \
	for (const uint32_t *e = reach_edges(g, node); e && ((to = *e & ~NODE_MAX), 1); \
	     e = *e & NODE_MAX ? NULL : e + 1)

#endif
