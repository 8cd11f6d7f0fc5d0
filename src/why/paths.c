/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Groups the paths of many objects. */
#include "why/paths.h"

#include <stdio.h>

#include "py/objects.h"
#include "why/label.h"

#define MAX_SHOWN  48	  /* nodes that are named; of longer paths the middle is left out */
#define MAX_NAMED  12	  /* nodes at the beginning whose identity tells groups apart */
#define MAX_PERIOD 4	  /* node -> dict -> node -> dict: a linked list of period 2 */
#define MAX_LIST   200000 /* steps along a collector's list to its head */
#define MAX_CYCLE  4096	  /* nodes visited to find the way round a cycle */

struct group {
	uint64_t key, count;
	uint32_t target;
};

struct chain {
	uint32_t *node; /* target first */
	size_t n;
	uint32_t root;
	bool cut;
};

static bool climb(const struct graph *g, uint32_t node, struct map64 *roots, struct chain *c)
{
	uint32_t up = node + 1;

	c->n = 0;
	while (up && !(up & REACH_ROOT) && c->n < PATHS_DEPTH) {
		c->node[c->n++] = up - 1;
		up = g->parent[up - 1];
	}
	/* too long to keep its beginning: only its root is found */
	c->cut = up && !(up & REACH_ROOT);
	if (c->cut)
		up = paths_root(g, up - 1, roots);
	c->root = up & ~REACH_ROOT;
	return up;
}

/* Does @parent hold its child by an index or a key, beside others that are alike? */
static bool is_collection(struct reach *r, uint32_t grand, uint32_t parent, bool from_module)
{
	struct graph *g = r->g;

	switch (graph_type(g, parent)->kind) {
	case GRAPH_LIST:
	case GRAPH_TUPLE:
	case GRAPH_SET:
	case GRAPH_DEQUE:
	case GRAPH_LRU:
		return true;
	case GRAPH_DICT:
		if (from_module)
			return false;
		return grand == NODE_NONE ||
		       !label_is_attributes(g, grand, graph_addr(g, grand, NULL),
					    graph_addr(g, parent, NULL));
	default:
		return false;
	}
}

/* The types of the objects on a path, from the root on. What repeats is kept twice, to tell a list
 * of lists from a list. */
static size_t shape(const struct graph *g, const struct chain *c, uint16_t *out)
{
	size_t n = 0;

	for (size_t i = c->n; i-- > 0;) {
		if (!graph_type(g, c->node[i])->addr && i)
			continue;
		out[n++] = g->type.v[c->node[i]];
		for (size_t p = 1; p <= MAX_PERIOD && 3 * p <= n; p++)
			if (!memcmp(out + n - p, out + n - 2 * p, p * sizeof(*out)) &&
			    !memcmp(out + n - p, out + n - 3 * p, p * sizeof(*out))) {
				n -= p;
				break;
			}
	}
	return n;
}

static uint64_t group_key(struct reach *r, const struct chain *c, uint16_t *types)
{
	struct graph *g = r->g;
	const struct reach_root *root = &r->root.v[c->root];
	uint64_t key = heap_mix(root->kind, root->owner);
	uint32_t up = NODE_NONE, grand = NODE_NONE;
	size_t at = c->n, n = shape(g, c, types), named = 0;

	for (size_t i = 0; i < n; i++)
		key = heap_mix(key, types[i]);
	if (root->kind == REACH_LOCAL || root->kind == REACH_SIGNAL)
		key = heap_mix(key, root->at);
	if (root->kind == REACH_NOBODY || root->kind == REACH_CYCLE || root->kind == REACH_ATEXIT)
		return key;
	for (size_t i = c->n; i-- > 1 && named < MAX_NAMED && !c->cut;) {
		uint32_t node = c->node[i];

		if (!graph_type(g, node)->addr)
			continue;
		if (up != NODE_NONE &&
		    is_collection(r, grand, up,
				  root->kind == REACH_MODULE && root->name && grand == NODE_NONE))
			break;
		/* Memory of C code between a module and an object is a collection, too. */
		if (up != NODE_NONE && at - i > 1 && graph_type(g, up)->kind == GRAPH_MODULE)
			break;
		key = heap_mix(key, node);
		at = i;
		grand = up;
		up = node;
		named++;
	}
	return key;
}

static int by_count(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

static enum why_root root_of(enum reach_kind k)
{
	static const enum why_root to[] = {
		[REACH_MODULE] = WHY_MODULE,   [REACH_LOCAL] = WHY_FRAME,
		[REACH_ATEXIT] = WHY_ATEXIT,   [REACH_SIGNAL] = WHY_SIGNAL,
		[REACH_THREAD] = WHY_THREAD,   [REACH_INTERP] = WHY_INTERPRETER,
		[REACH_GARBAGE] = WHY_GARBAGE, [REACH_STATIC] = WHY_STATIC,
		[REACH_TEMPORARY] = WHY_FRAME, [REACH_STACK] = WHY_STACK,
		[REACH_LIBRARY] = WHY_STATIC,  [REACH_INTERNED] = WHY_INTERNED,
		[REACH_NOBODY] = WHY_NOBODY,   [REACH_CYCLE] = WHY_CYCLE,
		[REACH_UNKNOWN] = WHY_NOBODY, /* never told */
	};

	return to[k];
}

/* Finds the way from an object back to itself, through objects that no root reaches. @out gets the
 * nodes behind the first; 0 = the object hangs from a cycle, and is in none. */
static size_t round_trip(const struct graph *g, uint32_t from, uint32_t *out, size_t max)
{
	auto_free uint32_t *queue = malloc(MAX_CYCLE * sizeof(*queue));
	struct map64 came = {0};
	size_t head = 0, tail = 0, n = 0;
	uint32_t to;
	bool found = false;

	if (!queue)
		return 0;
	queue[tail++] = from;
	while (head < tail && !found) {
		uint32_t node = queue[head++];

		REACH_EACH(g, node, e, to)
		{
			uint64_t *at;

			if (to == from) {
				uint64_t *up = map64_put(&came, (uint64_t)from + 1);

				if (up)
					*up = (uint64_t)node + 1;
				found = true;
				break;
			}
			at = map64_put(&came, (uint64_t)to + 1);
			if (!at || *at || tail == MAX_CYCLE)
				continue;
			*at = (uint64_t)node + 1;
			queue[tail++] = to;
		}
	}
	/* Backwards from the object, then turned round. */
	for (uint32_t node = from; found && n < max;) {
		uint64_t *up = map64_get(&came, (uint64_t)node + 1);

		if (!up)
			break;
		out[n++] = node;
		node = (uint32_t)*up - 1;
		if (node == from)
			break;
	}
	map64_free(&came);
	for (size_t i = 0; i < n / 2; i++) {
		uint32_t t = out[i];

		out[i] = out[n - 1 - i];
		out[n - 1 - i] = t;
	}
	return n;
}

/* Will the collector never free this cycle? One of its objects is of a type that it does not know,
 * or has more references than all objects hold to it. */
static bool is_uncollectable(const struct graph *g, const uint32_t *node, size_t n)
{
	uint64_t held[2 * MAX_SHOWN] = {0};
	/* filter by low bits of the number, as most edges lead elsewhere */
	uint8_t maybe[8192] = {0};
	struct map64 at = {0};
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		const struct graph_type *t = graph_type(g, node[i]);
		uint64_t *to = map64_put(&at, (uint64_t)node[i] + 1);

		found |= t->addr && !(t->t.flags & TPF_HAVE_GC);
		if (to)
			*to = i;
		maybe[node[i] / 8 % sizeof(maybe)] |= (uint8_t)(1u << (node[i] & 7));
	}
	for (size_t i = 1; !found && i < g->edge.n; i++) {
		uint32_t e = g->edge.v[i] & ~NODE_MAX;
		const uint64_t *to = maybe[e / 8 % sizeof(maybe)] >> (e & 7) & 1
					     ? map64_get(&at, (uint64_t)e + 1)
					     : NULL;

		if (to)
			held[*to]++;
	}
	for (size_t i = 0; !found && i < n; i++) {
		uint64_t count = reach_refcount(g, node[i]);
		const uint64_t *first = map64_get(&at, (uint64_t)node[i] + 1);

		found = count != UINT64_MAX && first && count > held[*first];
	}
	map64_free(&at);
	return found;
}

/* Is the object on the list that gc.freeze() fills? The list it is on is followed to its head. */
static bool is_frozen(const struct graph *g, uint32_t node)
{
	const struct py_runtime *rt = g->h->rt;
	uint64_t interps[16], at = graph_addr(g, node, NULL) - 16;
	int n = py_interpreters(rt, interps, ARRAY_SIZE(interps));
	uint8_t bits;

	/* without a GIL there are no lists, but a bit */
	if (rt->free_threaded)
		return !proc_read(rt->proc, graph_addr(g, node, NULL) + PY_FT_GC_BITS, &bits, 1) &&
		       bits & PY_FT_GC_FROZEN;
	if (!(graph_type(g, node)->t.flags & TPF_HAVE_GC))
		return false;
	for (int steps = 0; steps < MAX_LIST; steps++) {
		uint64_t next;

		if (proc_read_u64(rt->proc, at, &next) || !next)
			return false;
		at = next & ~3ull;
		for (int i = 0; i < n; i++) {
			uint64_t gc = py_gc_of(rt, interps[i]);

			if (at == gc + rt->layout.gc_permanent)
				return true;
			if (at >= gc && at - gc < 512)
				return false;
		}
	}
	return false;
}

static int describe(struct reach *r, const struct chain *c, struct why_path *out)
{
	struct graph *g = r->g;
	uint32_t node[MAX_SHOWN + MAX_SHOWN] = {0};
	size_t n = 0;

	out->root = root_of(r->root.v[c->root].kind);
	if (out->root == WHY_CYCLE) {
		node[n++] = c->node[0];
		n += round_trip(g, c->node[0], node + 1, MAX_SHOWN);
		if (n > 1) {
			out->uncollectable = is_uncollectable(g, node, n);
			out->frozen = is_frozen(g, node[0]);
			for (size_t i = 1; i < n; i++)
				out->through_c |= label_is_c_memory(g, node[i - 1], node[i]);
			return label_path(r, &r->root.v[c->root], node, n, out);
		}
		n = 0;
		/* it hangs from a cycle, and stays as long as that does */
		out->frozen = !c->cut && is_frozen(g, c->node[c->n - 1]);
	}
	/* of a long path, the beginning and the end */
	for (size_t i = c->n; i-- > 0;)
		if (c->n <= MAX_SHOWN || i >= c->n - MAX_SHOWN / 2 || i < MAX_SHOWN / 2)
			node[n++] = c->node[i];
	return label_path(r, &r->root.v[c->root], node, n, out);
}

/* By something with a name. A word of a state, of static data or of a stack may be a leftover, of
 * what has died by now. */
static bool is_held(enum reach_kind k)
{
	return k < REACH_THREAD;
}

/* Held by something that has died since, or held at the first look: the program has put it
 * elsewhere. Or another lies in its place by now: nobody changes what nobody holds. */
static bool is_unknown(const struct reach *r, const struct chain *c, uint32_t target)
{
	enum reach_kind k = r->root.v[c->root].kind;
	const uint64_t *was = r->lost ? map64_get(r->lost, graph_addr(r->g, target, NULL)) : NULL;

	if (k == REACH_UNKNOWN || is_held(k))
		return k == REACH_UNKNOWN;
	return (reach_is_lost(k) && r->lost && !(was && *was == reach_marks(r->g, target))) ||
	       (!c->cut && c->n > 1 && !reach_is_alive(r->g, c->node[c->n - 1], false));
}

int paths_group(struct reach *r, const uint32_t *target, size_t n, unsigned max,
		struct why_answer *out)
{
	struct chain c = {.node = malloc(PATHS_DEPTH * sizeof(uint32_t))};
	auto_free uint16_t *types = malloc(PATHS_DEPTH * sizeof(uint16_t));
	VEC(struct group) v = {0};
	struct map64 at = {0}, roots = {0};
	size_t shown, unknown = 0, died = 0;
	int err = c.node && types ? 0 : -ENOMEM;
	double alive;

	for (size_t i = 0; !err && i < n; i++) {
		uint64_t key, *slot;

		if (!climb(r->g, target[i], &roots, &c) ||
		    !reach_is_alive(r->g, target[i], is_held(r->root.v[c.root].kind))) {
			died++;
			continue;
		}
		if (is_unknown(r, &c, target[i])) {
			unknown++;
			continue;
		}
		key = group_key(r, &c, types) | 1;
		slot = map64_put(&at, key);
		if (slot && !*slot) {
			struct group *new = vec_push(&v);

			if (new) {
				*new = (struct group){.key = key, .target = target[i]};
				*slot = v.n;
			}
		}
		if (!slot || !*slot || !v.v)
			err = -ENOMEM;
		else
			v.v[*slot - 1].count++;
	}
	if (v.n)
		qsort(v.v, v.n, sizeof(*v.v), by_count);
	shown = v.n < max ? v.n : max;
	out->path = calloc(shown + 1, sizeof(*out->path));
	if (!out->path)
		err = -ENOMEM;
	alive = (double)(n - died);
	out->gone += died;
	out->unknown_share = alive > 0 ? (double)unknown / alive : 0;
	for (size_t i = 0; !err && i < v.n; i++) {
		double share = (double)v.v[i].count / alive;

		if (i >= shown) {
			out->other_share += share;
			continue;
		}
		climb(r->g, v.v[i].target, &roots, &c);
		out->n = i + 1;
		out->path[i].share = share;
		out->path[i].count =
			(uint64_t)(share * (double)out->targets * alive / (double)n + 0.5);
		err = describe(r, &c, &out->path[i]);
	}
	if (!err)
		paths_share(r->g, target, n, alive, out);
	map64_free(&at);
	map64_free(&roots);
	vec_free(&v);
	free(c.node);
	return err == -ENOMEM ? fail(err, "out of memory for paths") : err;
}

void paths_free(struct why_path *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->step[i].label);
		free(p->step[i].type);
		free(p->step[i].bound_name);
	}
	free(p->step);
	free(p->text);
	memset(p, 0, sizeof(*p));
}
