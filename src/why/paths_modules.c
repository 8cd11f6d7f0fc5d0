/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Modules that a program makes again and again: each holds a few of the objects, and sys.modules
 * keeps them all. */
#include "why/paths.h"

#define CROWD_FEWEST 5	  /* modules */
#define CROWD_EACH   0.25 /* share of the objects that each holds, at most: one window saw many */
#define CROWD_MOST   0.5  /* share of the objects that all hold, at least */

/* The module that the path of @node begins at; NULL = another root. */
static const struct reach_root *module_above(const struct reach *r, uint32_t node,
					     struct map64 *roots)
{
	uint32_t up = paths_root(r->g, node, roots);
	const struct reach_root *root = up ? &r->root.v[up & ~REACH_ROOT] : NULL;

	return root && root->kind == REACH_MODULE ? root : NULL;
}

/* Puts into @crowd the modules that hold few objects each. Returns the address of sys.modules; 0:
 * they are not many, or hold few of the objects in all. */
static uint64_t find_crowd(const struct reach *r, const uint32_t *target, size_t n,
			   struct map64 *crowd)
{
	struct map64 roots = {0};
	uint64_t modules = 0;
	size_t in = 0, few = 0;

	for (size_t i = 0; i < n; i++) {
		const struct reach_root *root = module_above(r, target[i], &roots);
		uint64_t *count = root ? map64_put(crowd, root->owner) : NULL;

		if (count)
			++*count;
		modules = root ? root->at : modules;
	}
	map64_free(&roots);
	for (size_t i = 0; i < crowd->cap; i++) {
		uint64_t *slot = &crowd->slot[2 * i];

		if (!slot[0])
			continue;
		if ((double)slot[1] > CROWD_EACH * (double)n) {
			slot[1] = 0;
			continue;
		}
		few++;
		in += slot[1];
	}
	return few >= CROWD_FEWEST && (double)in >= CROWD_MOST * (double)n ? modules : 0;
}

/* Hangs each module of the crowd, and its dict, from sys.modules, or @back where it was. */
static void hang(struct reach *r, const struct map64 *crowd, uint32_t modules, bool back)
{
	for (size_t i = 0; i < r->root.n; i++) {
		const struct reach_root *root = &r->root.v[i];
		const uint64_t *count = root->kind == REACH_MODULE && root->name
						? map64_get(crowd, root->owner)
						: NULL;
		uint32_t own = REACH_ROOT | (uint32_t)i, module, below;

		if (!count || !*count || root->node == NODE_NONE)
			continue;
		module = graph_find(r->g, root->owner);
		if (module == NODE_NONE)
			continue;
		below = (root->node == module ? modules : module) + 1;
		if (r->g->parent[root->node] == (back ? below : own))
			r->g->parent[root->node] = back ? own : below;
	}
}

void paths_gather(struct reach *r, const uint32_t *target, size_t n, struct paths_crowd *c)
{
	uint64_t addr = find_crowd(r, target, n, &c->module);
	struct reach_root *root;

	c->modules = addr ? graph_find(r->g, addr) : NODE_NONE;
	root = c->modules == NODE_NONE ? NULL : vec_push(&r->root);
	if (!root) {
		c->modules = NODE_NONE;
		return;
	}
	*root = (struct reach_root){.kind = REACH_MODULE, .node = c->modules, .owner = addr};
	c->was = r->g->parent[c->modules];
	hang(r, &c->module, c->modules, false);
	r->g->parent[c->modules] = REACH_ROOT | (uint32_t)(r->root.n - 1);
}

void paths_scatter(struct reach *r, struct paths_crowd *c)
{
	if (c->modules != NODE_NONE) {
		hang(r, &c->module, c->modules, true);
		r->g->parent[c->modules] = c->was;
	}
	map64_free(&c->module);
}
