/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Groups paths that look alike: by the names at their beginning and the types behind. */
#ifndef PYLEAK_WHY_PATHS_H
#define PYLEAK_WHY_PATHS_H

#include "why/reach.h"
#include "why/why.h"

#ifndef PATHS_DEPTH
#define PATHS_DEPTH 20000 /* nodes of a path: a linked list may be long */
#endif

/* Many modules that each hold a few of the targets: for a while they hang from sys.modules. */
struct paths_crowd {
	struct map64 module;   /* address -> targets that it holds; 0 = it is not of the crowd */
	uint32_t modules, was; /* sys.modules, and its parent; NODE_NONE: there is no crowd */
};
void paths_gather(struct reach *r, const uint32_t *target, size_t n, struct paths_crowd *c);
void paths_scatter(struct reach *r, struct paths_crowd *c);
/* Makes the paths with steps and shares; texts come last (paths_text), when lengths of containers
 * are known. */
int paths_group(struct reach *r, const uint32_t *target, size_t n, unsigned max,
		struct why_answer *out);
/* The root of @node's path, as in g->parent; 0 = nothing holds it. @roots remembers the root of
 * some nodes on the way, for callers who ask about many nodes. */
uint32_t paths_root(const struct graph *g, uint32_t node, struct map64 *roots);
/* Sets each step's share of the targets, of which @alive are alive: targets of one path need not
 * all hang from the same objects. */
void paths_share(const struct graph *g, const uint32_t *target, size_t n, double alive,
		 struct why_answer *out);
/* Finds the last object that nearly all paths lead through. */
void paths_branch(struct reach *r, const uint32_t *target, size_t n, struct why_answer *out);
int paths_text(struct why_path *p);
void paths_free(struct why_path *p);

#endif
