/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Paths that look alike are one: grouped by the names at their beginning and the types behind. */
#ifndef PYLEAK_WHY_PATHS_H
#define PYLEAK_WHY_PATHS_H

#include "why/reach.h"
#include "why/why.h"

#ifndef PATHS_DEPTH
#define PATHS_DEPTH 20000 /* of a path: a linked list may be long */
#endif

/* Many modules that hold a few of the targets each: they hang below sys.modules in between. */
struct paths_crowd {
	struct map64 module;   /* by address: how many of the targets; 0 = it is not of them */
	uint32_t modules, was; /* sys.modules, and its parent; NODE_NONE: there is no crowd */
};
void paths_gather(struct reach *r, const uint32_t *target, size_t n, struct paths_crowd *c);
void paths_scatter(struct reach *r, struct paths_crowd *c);
/* Fills paths, their steps and shares; the texts come last (paths_text), when the lengths of the
 * containers are known. */
int paths_group(struct reach *r, const uint32_t *target, size_t n, unsigned max,
		struct why_answer *out);
/* The root of the way up from @node, as parents name it; 0 = nothing holds it. For those who ask of
 * many, of a long list as well: @roots remembers some on the way. */
uint32_t paths_root(const struct graph *g, uint32_t node, struct map64 *roots);
/* Each step's share of the targets, of which so many are alive: those of one path need not all lead
 * through the same objects. */
void paths_share(const struct graph *g, const uint32_t *target, size_t n, double alive,
		 struct why_answer *out);
/* Finds where the paths part. */
void paths_branch(struct reach *r, const uint32_t *target, size_t n, struct why_answer *out);
int paths_text(struct why_path *p);
void paths_free(struct why_path *p);

#endif
