/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Searches breadth first: from modules and frames together, then from each kind of root with less
 * of a name; at last what nobody holds, cycles, and interned strings. */
#include "why/reach.h"
#include "py/objects.h"
#include "py/versions.h"

/* A module's value is three edges away (dict, keys, value): frames' variables join there. */
#define LOCAL_LEVEL 2

struct search {
	struct reach *r;
	struct graph *g;
	uint32_t *queue;
	uint32_t head, tail;
	uint32_t cycle, start; /* while cycles are searched: their root, and where this one began */
	int err;	       /* ends the search */
};

#define TELL_NODES (1u << 16)

static void reach_node(struct search *s, uint32_t node, uint32_t parent)
{
	if (s->g->parent[node]) {
		/* it was taken for a cycle's beginning by its number, and hangs from a later one */
		if (s->cycle && s->g->parent[node] == s->cycle && node != s->start)
			s->g->parent[node] = parent;
		return;
	}
	s->g->parent[node] = parent;
	s->queue[s->tail++] = node;
}

static void seed(struct search *s, enum reach_kind from, enum reach_kind to)
{
	for (size_t i = 0; i < s->r->root.n; i++) {
		const struct reach_root *root = &s->r->root.v[i];

		if (root->kind >= from && root->kind <= to && root->node != NODE_NONE)
			reach_node(s, root->node, REACH_ROOT | (uint32_t)i);
	}
}

static void one_level(struct search *s)
{
	uint32_t end = s->tail, to;

	while (s->head < end && !s->err) {
		uint32_t node = s->queue[s->head++];

		if (!(s->head % TELL_NODES))
			s->err = heap_tell(s->g->h, "searching paths", s->head);

		REACH_EACH(s->g, node, e, to)
		reach_node(s, to, node + 1);
	}
}

static void spread(struct search *s)
{
	while (s->head < s->tail && !s->err)
		one_level(s);
}

/* Adds one root for all nodes of a kind: a path begins at each node that has it as its parent. */
static int add_root(struct search *s, enum reach_kind kind, uint32_t *parent)
{
	struct reach_root *root = vec_push(&s->r->root);

	if (!root)
		return -ENOMEM;
	root->kind = kind;
	root->node = NODE_NONE;
	*parent = REACH_ROOT | (uint32_t)(s->r->root.n - 1);
	return 0;
}

/* Is the node an object, and not an idle leaf? */
static bool is_object(const struct graph *g, uint32_t node)
{
	return graph_type(g, node)->addr && !graph_is_idle(g, node);
}

/* Marks the objects that are not reached yet, and all that they lead to. */
static void below_objects(struct search *s, uint8_t *below)
{
	struct graph *g = s->g;
	uint32_t *queue = s->queue + s->tail; /* has room for all nodes that are not reached */
	uint32_t head = 0, tail = 0, to;

	for (uint32_t n = 0; n < g->n; n++) {
		if (g->parent[n] || !is_object(g, n))
			continue;
		node_add(below, n);
		queue[tail++] = n;
	}
	while (head < tail && !s->err) {
		if (!((head + 1) % TELL_NODES))
			s->err = heap_tell(g->h, "searching paths", s->head + head);
		REACH_EACH(g, queue[head], e, to)
		{
			if (g->parent[to] || node_in(below, to))
				continue;
			node_add(below, to);
			queue[tail++] = to;
		}
		head++;
	}
}

/* Marks the nodes that a node points to. */
static void put_held(const struct graph *g, uint8_t *bits, uint32_t node)
{
	uint32_t to;

	REACH_EACH(g, node, e, to)
	node_add(bits, to);
}

/* Gives lost memory of C code that was asked for to @nobody: first what nothing points to, then
 * what only other lost memory points to. What an object points to is left: the object holds it, and
 * cycles are searched later. */
static void reach_lost(struct search *s, const uint8_t *held, const uint8_t *below, uint32_t nobody)
{
	const struct graph *g = s->g;

	for (int with_held = 0; with_held < 2; with_held++) {
		for (size_t i = 0; i < g->n_extra; i++) {
			uint32_t n = graph_find_block(g, g->extra[i], NULL);

			if (n != NODE_NONE && !graph_type(g, n)->addr && !node_in(below, n) &&
			    (with_held || !node_in(held, n)))
				reach_node(s, n, nobody);
		}
		spread(s);
	}
}

/* Gives objects to @unknown that only memory without an owner points to: they are in no cycle. That
 * memory may be the items of a list that has moved meanwhile, or an array of C code. */
static int reach_unknown(struct search *s, const uint8_t *below, const uint8_t *interned,
			 uint32_t unknown)
{
	const struct graph *g = s->g;
	auto_free uint8_t *owned = calloc((size_t)g->n / 8 + 1, 1);

	if (!owned)
		return -ENOMEM;
	for (uint32_t n = 0; n < g->n; n++)
		if (!g->parent[n] && node_in(below, n))
			put_held(g, owned, n);
	for (uint32_t n = 0; n < g->n; n++)
		if (!g->parent[n] && !node_in(owned, n) && is_object(g, n) && !node_in(interned, n))
			reach_node(s, n, unknown);
	spread(s);
	return 0;
}

/* Searches nodes that no root reaches. Those that nothing points to come first: what they hold is
 * held by them, not by a cycle. */
static int search_unreached(struct search *s)
{
	struct graph *g = s->g;
	auto_free uint8_t *held = calloc((size_t)g->n / 8 + 1, 1);
	auto_free uint8_t *interned = calloc((size_t)g->n / 8 + 1, 1);
	auto_free uint8_t *below = calloc((size_t)g->n / 8 + 1, 1);
	uint32_t nobody, cycle, unknown;

	if (!held || !interned || !below || add_root(s, REACH_NOBODY, &nobody) ||
	    add_root(s, REACH_CYCLE, &cycle) || add_root(s, REACH_UNKNOWN, &unknown))
		return -ENOMEM;
	/* tables of interned strings come last: each string has another holder */
	for (size_t i = 0; i < s->r->root.n; i++)
		if (s->r->root.v[i].kind == REACH_INTERNED && s->r->root.v[i].node != NODE_NONE)
			node_add(interned, s->r->root.v[i].node);
	/* Objects that only a new object points to: their holder is not known, as the program may
	 * have put all that was in a list into another one. */
	for (uint32_t n = 0; n < g->n; n++)
		if (!g->parent[n] && node_in(g->of_new, n))
			reach_node(s, n, unknown);
	spread(s);
	for (uint32_t n = 0; n < g->n; n++)
		if (!g->parent[n])
			put_held(g, held, n);
	/* a buffer without an owner is left out unless asked for: it is not known whose it was */
	for (uint32_t n = 0; n < g->n; n++)
		if (!g->parent[n] && !node_in(held, n) && is_object(g, n) && !node_in(interned, n))
			reach_node(s, n, nobody);
	spread(s);
	below_objects(s, below);
	reach_lost(s, held, below, nobody);
	if (reach_unknown(s, below, interned, unknown))
		return -ENOMEM;
	/* A search from a node in a cycle finds all that the cycle holds; one from a node that is
	 * only held finds less, and meets that node again later. Leaves are in no cycle. Dicts come
	 * last, since an instance says more. */
	for (int dicts = 0; dicts < 2; dicts++) {
		for (uint32_t n = 0; n < g->n && !s->err; n++) {
			const struct graph_type *t = graph_type(g, n);

			if (g->parent[n] || !t->addr || graph_is_leaf(g, n) ||
			    node_in(interned, n) || (t->kind == GRAPH_DICT && !dicts))
				continue;
			reach_node(s, n, cycle);
			s->cycle = cycle;
			s->start = n;
			spread(s);
		}
	}
	s->cycle = 0;
	seed(s, REACH_INTERNED, REACH_INTERNED);
	spread(s);
	/* what is left are leaves that memory without an owner holds */
	for (uint32_t n = 0; n < g->n; n++)
		if (!g->parent[n] && is_object(g, n))
			reach_node(s, n, unknown);
	return 0;
}

/* References in builds without a GIL: the owning thread's and all others' are counted apart;
 * objects with deferred counts are not counted. */
static uint64_t split_refcount(const struct graph *g, uint64_t addr)
{
	uint8_t raw[PY_FT_HEAD];
	uint32_t local;
	int64_t sum;

	if (proc_read(g->h->rt->proc, addr, raw, sizeof(raw)))
		return UINT64_MAX;
	memcpy(&local, raw + PY_FT_REF_LOCAL, sizeof(local));
	if (local == UINT32_MAX || raw[PY_FT_GC_BITS] & PY_FT_GC_DEFERRED)
		return UINT64_MAX;
	sum = local + ((int64_t)heap_u64(raw + PY_FT_REF_SHARED) >> 2); /* may be negative */
	return sum < 0 ? UINT64_MAX : (uint64_t)sum;
}

bool reach_is_alive(const struct graph *g, uint32_t node, bool was_held)
{
	const struct py_runtime *rt = g->h->rt;
	uint64_t addr = graph_addr(g, node, NULL);
	uint8_t head[64];
	bool immortal;
	int err;

	if (!proc_is_live(rt->proc) || !graph_type(g, node)->addr)
		return true;
	err = proc_read(rt->proc, addr, head, (size_t)rt->layout.ob_type + 8);
	if (err == -ENODATA) /* swapped out meanwhile: it may be alive */
		return node_in(g->seen, node);
	/* freed memory keeps the type, but its count is 0, or points to what was freed next */
	return node_in(g->seen, node) && !err &&
	       heap_u64(head + rt->layout.ob_type) == graph_type(g, node)->addr &&
	       (was_held || (heap_ref_plausible(rt, head, &immortal) &&
			     (rt->free_threaded || (uint32_t)heap_u64(head))));
}

uint64_t reach_marks(const struct graph *g, uint32_t node)
{
	struct heap_object o = {.addr = graph_addr(g, node, NULL),
				.type = graph_type(g, node)->addr};
	uint64_t marks = 1;

	if (o.type && heap_read_objects(g->h, &o, 1, HEAP_IDENTITY))
		for (uint32_t i = 0; i < o.fp.n && i < HEAP_FP_WORDS; i++)
			marks = heap_mix(marks, o.fp.word[i]);
	return marks;
}

uint64_t reach_refcount(const struct graph *g, uint32_t node)
{
	uint64_t word = 0;
	bool immortal;

	if (!graph_type(g, node)->addr)
		return UINT64_MAX;
	if (g->h->rt->free_threaded)
		return split_refcount(g, graph_addr(g, node, NULL));
	if (proc_read_u64(g->h->rt->proc, graph_addr(g, node, NULL), &word) ||
	    !heap_ref_plausible(g->h->rt, (const uint8_t *)&word, &immortal) || immortal)
		return UINT64_MAX;
	return py_has_immortals(g->h->rt) ? (uint32_t)word : word;
}

/* Do objects hold all @held references to this root's node, so that the root is borrowed?
 * References to buffers are not counted, but an object's buffer is its own: a word of a stack that
 * names it is a leftover, or in an arena that the kernel mapped behind the stack. */
static bool is_borrowed(const struct graph *g, const struct reach_root *root, uint64_t held)
{
	if (root->kind == REACH_STACK && !graph_type(g, root->node)->addr)
		return held > 0;
	return reach_refcount(g, root->node) <= held;
}

/* Rejects roots that may be leftovers or borrowed (words in static data, thread states, stacks):
 * their object must have more references than other objects hold to it. */
static int reject_borrowed(struct search *s, enum reach_kind from)
{
	struct graph *g = s->g;
	auto_free uint8_t *asked = calloc((size_t)g->n / 8 + 1, 1);
	struct map64 held = {0};
	uint32_t to;

	if (g->h->rt->free_threaded)
		return 0;
	if (!asked)
		return -ENOMEM;
	for (size_t i = 0; i < s->r->root.n; i++) {
		const struct reach_root *root = &s->r->root.v[i];

		if (root->kind >= from && root->node != NODE_NONE && !g->parent[root->node]) {
			node_add(asked, root->node);
			if (!map64_put(&held, (uint64_t)root->node + 1)) {
				map64_free(&held);
				return -ENOMEM;
			}
		}
	}
	for (uint32_t n = 0; held.n && n < g->n; n++) {
		REACH_EACH(g, n, e, to)
		if (node_in(asked, to) && (graph_type(g, n)->addr || graph_type(g, to)->addr))
			++*map64_get(&held, (uint64_t)to + 1);
	}
	for (size_t i = 0; i < s->r->root.n; i++) {
		struct reach_root *root = &s->r->root.v[i];
		const uint64_t *n = root->kind < from || root->node == NODE_NONE
					    ? NULL
					    : map64_get(&held, (uint64_t)root->node + 1);

		if (n && is_borrowed(g, root, *n)) {
			root->node = NODE_NONE;
			s->r->rejected++;
		}
	}
	map64_free(&held);
	return 0;
}

int reach_search(struct reach *r)
{
	struct graph *g = r->g;
	struct search s = {.r = r, .g = g};
	int err = 0;

	g->parent = calloc((size_t)g->n + 1, sizeof(*g->parent));
	s.queue = malloc(((size_t)g->n + 1) * sizeof(*s.queue));
	if (!g->parent || !s.queue) {
		free(s.queue);
		return fail(-ENOMEM, "out of memory for paths");
	}
	seed(&s, REACH_MODULE, REACH_MODULE);
	for (int level = 0; level < LOCAL_LEVEL; level++)
		one_level(&s);
	seed(&s, REACH_LOCAL, REACH_LOCAL);
	spread(&s);
	for (enum reach_kind k = REACH_ATEXIT; !err && !s.err && k <= REACH_STACK; k++) {
		if (k == REACH_THREAD)
			err = reject_borrowed(&s, k);
		seed(&s, k, k);
		spread(&s);
	}
	if (!err && !s.err)
		err = search_unreached(&s);
	free(s.queue);
	return err ? fail(err, "out of memory for paths") : s.err;
}

void reach_free(struct reach *r)
{
	for (size_t i = 0; i < r->root.n; i++)
		free(r->root.v[i].name);
	vec_free(&r->root);
}
