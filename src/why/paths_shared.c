/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compares the paths to many objects: which objects they share, and where they part. */
#include "why/paths.h"

#include <math.h>

#include "why/label.h"

#define MAX_NEAR   48	/* nodes of a path, from the target, that are compared */
#define NEARLY_ALL 0.95 /* share of the paths that lead through an object */
#define REMEMBERED 1024 /* one node in so many is remembered */

uint32_t paths_root(const struct graph *g, uint32_t node, struct map64 *roots)
{
	uint64_t *known = NULL;
	uint32_t at = node + 1, root;

	for (uint32_t steps = 0; at && !(at & REACH_ROOT) && steps < g->n; steps++) {
		known = at % REMEMBERED ? NULL : map64_get(roots, at);
		if (known)
			break;
		at = g->parent[at - 1];
	}
	root = known ? (uint32_t)*known : at & REACH_ROOT ? at : 0;
	for (uint32_t up = node + 1; up != at && root; up = g->parent[up - 1]) {
		known = up % REMEMBERED ? NULL : map64_put(roots, up);
		if (known)
			*known = root;
	}
	return root;
}

/* Key of a step's object in the map below; 0 = it is gone. */
static uint64_t key_of(const struct graph *g, const struct why_step *s)
{
	uint32_t node = s->addr ? graph_find(g, s->addr) : NODE_NONE;

	return node == NODE_NONE ? 0 : (uint64_t)node + 1;
}

void paths_share(const struct graph *g, const uint32_t *target, size_t n, double alive,
		 struct why_answer *out)
{
	struct map64 through = {0}; /* node's number + 1 -> paths through it */

	for (size_t p = 0; p < out->n; p++)
		for (size_t s = 0; s < out->path[p].n; s++)
			map64_put(&through, key_of(g, &out->path[p].step[s]));
	for (size_t i = 0; i < n; i++) {
		uint32_t at = target[i] + 1;

		for (size_t k = 0; k < PATHS_DEPTH && at && !(at & REACH_ROOT); k++) {
			uint64_t *count = map64_get(&through, at);

			if (count)
				++*count;
			at = g->parent[at - 1];
		}
	}
	for (size_t p = 0; p < out->n; p++)
		for (size_t s = 0; s < out->path[p].n; s++) {
			struct why_step *step = &out->path[p].step[s];
			const uint64_t *count = map64_get(&through, key_of(g, step));

			step->share = count ? fmin((double)*count / alive, 1) : 0;
		}
	map64_free(&through);
}

/* Puts the path up from @node into @out, target first, at most MAX_NEAR nodes. Returns its length:
 * more if it is longer, 0 if nothing holds it. */
static size_t climb_short(const struct graph *g, uint32_t node, uint32_t *out)
{
	for (size_t n = 0; n < MAX_NEAR;) {
		uint32_t up = g->parent[node];

		out[n++] = node;
		if (!up || up & REACH_ROOT)
			return up ? n : 0;
		node = up - 1;
	}
	return MAX_NEAR + 1;
}

/* The same, but 0 for a path that is longer, too. */
static size_t short_way(const struct graph *g, uint32_t node, uint32_t *out)
{
	size_t n = climb_short(g, node, out);

	return n <= MAX_NEAR ? n : 0;
}

/* The first object on the way up that at least @least paths lead through; NODE_NONE = none. */
static uint32_t first_common(const struct graph *g, const uint32_t *way, size_t n,
			     const struct map64 *through, double least)
{
	for (size_t k = 1; k < n; k++) {
		const uint64_t *count = map64_get(through, (uint64_t)way[k] + 1);

		if (count && (double)*count >= least && graph_type(g, way[k])->addr)
			return way[k];
	}
	return NODE_NONE;
}

static void add_behind(struct why_answer *out, uint64_t addr)
{
	for (size_t i = 0; i < out->n_behind; i++)
		if (out->behind[i] == addr)
			return;
	if (out->n_behind < WHY_BEHIND)
		out->behind[out->n_behind++] = addr;
}

/* Notes the object that follows @branch on this path, if the path has it. True: memory of C code is
 * between the two. */
static bool note_behind(const struct graph *g, const uint32_t *way, size_t n, uint32_t branch,
			struct why_answer *out)
{
	uint64_t last = 0;

	for (size_t k = 0; k < n; k++) {
		if (way[k] == branch && last)
			add_behind(out, last);
		if (way[k] == branch)
			return k && label_is_c_memory(g, branch, way[k - 1]);
		if (graph_type(g, way[k])->addr)
			last = graph_addr(g, way[k], NULL);
	}
	return false;
}

void paths_branch(struct reach *r, const uint32_t *target, size_t n, struct why_answer *out)
{
	const struct graph *g = r->g;
	uint32_t way[MAX_NEAR], branch = NODE_NONE;
	struct map64 through = {0}; /* keys are node numbers + 1 */
	size_t held = 0;	    /* targets that still have a path */
	size_t by_c = 0;

	for (size_t i = 0; i < n; i++) {
		size_t steps = climb_short(g, target[i], way);

		held += steps > 0;
		for (size_t k = 1; k < steps && steps <= MAX_NEAR; k++) {
			uint64_t *count = map64_put(&through, (uint64_t)way[k] + 1);

			if (count)
				++*count;
		}
	}
	/* on the way up, the first object that nearly all paths share is the last from the root */
	for (size_t i = 0; i < n && branch == NODE_NONE; i++)
		branch = first_common(g, way, short_way(g, target[i], way), &through,
				      NEARLY_ALL * (double)held);
	for (size_t i = 0; i < n && branch != NODE_NONE; i++)
		by_c += note_behind(g, way, short_way(g, target[i], way), branch, out);
	out->branch_in_c = by_c && (double)by_c >= NEARLY_ALL * (double)held;
	out->branch = branch == NODE_NONE ? 0 : graph_addr(g, branch, NULL);
	map64_free(&through);
}
