/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Answers questions about the graph: which paths lead to these objects, and how many share each. */
#include "why/why.h"

#include <stdio.h>
#include <time.h>

#include "py/objects.h"
#include "why/label.h"
#include "why/paths.h"

#define MAX_SAMPLES   4096 /* targets that are sampled: shares are exact to a percent or two */
#define DEFAULT_PATHS 5

struct targets {
	VEC(uint32_t) node;
	uint64_t n; /* number of all targets */
	uint64_t gone;
};

static int add_target(struct targets *t, uint32_t node)
{
	uint32_t *to = vec_push(&t->node);

	if (!to)
		return fail(-ENOMEM, "out of memory for targets");
	*to = node;
	return 0;
}

/* Evenly over the whole heap: the first thousand may all be of one kind. At a second look those of
 * the first. */
static int by_type(const struct reach *r, struct targets *t)
{
	const struct graph *g = r->g;
	uint64_t seen = 0, step;
	int err = 0;

	for (size_t i = 0; i < g->types.n; i++)
		t->n += g->types.v[i].wanted ? g->types.v[i].count : 0;
	step = t->n / MAX_SAMPLES + 1;
	for (uint32_t n = 0; !err && n < g->n; n++)
		if (graph_type(g, n)->wanted &&
		    (r->lost ? !!map64_get(r->lost, graph_addr(g, n, NULL)) : seen++ % step == 0))
			err = add_target(t, n);
	t->gone = r->lost ? r->lost->n - t->node.n : 0;
	return err;
}

static int by_address(struct graph *g, const struct why_query *q, struct targets *t)
{
	uint64_t step = q->n_addr / MAX_SAMPLES + 1;

	t->n = q->n_addr;
	for (size_t i = 0; i < q->n_addr; i += step) {
		uint32_t node = graph_find(g, q->addr[i]);

		if (node == NODE_NONE)
			node = graph_find_block(g, q->addr[i], NULL);
		if (node == NODE_NONE)
			t->gone++;
		else if (add_target(t, node))
			return -ENOMEM;
	}
	return 0;
}

static int targets(const struct reach *r, const struct why_query *q, struct targets *t)
{
	return q->type ? by_type(r, t) : by_address(r->g, q, t);
}

static bool rest(const struct why_opts *o)
{
	const struct timespec wait = timespec_of_ns((uint64_t)(o->watch_s * 1e9));

	if (o->rest)
		return o->rest(o->rest_ctx, (uint64_t)(o->watch_s * 1e9));
	nanosleep(&wait, NULL);
	return true;
}

/* Looks at containers a second time, to see which have more entries than before. */
static void look_again(struct graph *g, struct why_answer *v, size_t n, const struct why_opts *o)
{
	uint64_t begin = clock_ns();
	double took;

	if (o->watch_s <= 0 || !proc_is_live(g->h->rt->proc) || !rest(o))
		return;
	took = (double)(clock_ns() - begin) / 1e9;
	for (size_t i = 0; i < n; i++)
		for (size_t p = 0; p < v[i].n; p++)
			for (size_t s = 0; s < v[i].path[p].n; s++) {
				struct why_step *step = &v[i].path[p].step[s];
				uint32_t node = step->addr ? graph_find(g, step->addr) : NODE_NONE;
				uint64_t now;

				if (step->entries == WHY_UNKNOWN || node == NODE_NONE)
					continue;
				now = label_entries(g, node, step->addr);
				if (now == WHY_UNKNOWN)
					continue;
				if (now > step->entries)
					step->growth = (double)(now - step->entries) / took;
				step->entries = now;
			}
}

static int answer(struct reach *r, const struct why_query *q, const struct why_opts *o,
		  struct why_answer *out)
{
	struct paths_crowd crowd = {.modules = NODE_NONE};
	struct targets t = {0};
	int err = targets(r, q, &t);

	out->targets = t.n;
	out->gone = t.gone;
	out->sampled = t.node.n;
	if (!err && q->type && !t.n) {
		const char *nearest = graph_nearest_type(r->g, q->type);

		out->nearest = nearest ? strdup(nearest) : NULL;
	}
	/* objects that are only of one type share no modules */
	if (!err && !q->type)
		paths_gather(r, t.node.v, t.node.n, &crowd);
	if (!err && t.node.n)
		err = paths_group(r, t.node.v, t.node.n,
				  4 * (o->max_paths ? o->max_paths : DEFAULT_PATHS), out);
	if (!err && t.node.n)
		paths_branch(r, t.node.v, t.node.n, out);
	paths_scatter(r, &crowd);
	out->sampled -= out->gone - t.gone; /* they do not count as samples */
	vec_free(&t.node);
	return err;
}

static int by_share(const void *a, const void *b)
{
	const struct why_path *x = a, *y = b;

	return x->share > y->share ? -1 : x->share < y->share;
}

/* Joins groups whose paths read the same. */
static int merge(struct why_answer *a, unsigned max)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++) {
		int err = paths_text(&a->path[i]);
		size_t k = 0;

		if (err)
			return err;
		while (k < n && strcmp(a->path[k].text, a->path[i].text) != 0)
			k++;
		if (k < n) {
			a->path[k].share += a->path[i].share;
			a->path[k].count += a->path[i].count;
			paths_free(&a->path[i]);
		} else {
			if (n != i) {
				a->path[n] = a->path[i];
				memset(&a->path[i], 0, sizeof(a->path[i]));
			}
			n++;
		}
	}
	a->n = n;
	if (n)
		qsort(a->path, n, sizeof(*a->path), by_share);
	while (a->n > max) {
		a->other_share += a->path[--a->n].share;
		paths_free(&a->path[a->n]);
	}
	return 0;
}

static void fill_stats(const struct reach *r, struct why_stats *s)
{
	const struct graph *g = r->g;

	s->blocks = g->n;
	s->objects = g->stats.objects;
	s->references = g->edge.n;
	s->roots = r->root.n;
	s->unreadable = g->unreadable + r->unreadable + g->stats.unreadable;
	s->torn = g->stats.torn;
	s->memory_bytes = g->edge.cap * 4 + g->type.cap * 2 + g->block.cap * sizeof(*g->block.v) +
			  g->pool.cap * sizeof(*g->pool.v) + g->bits.cap * 8 + (uint64_t)g->n * 12;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int collect(struct graph *g, const struct why_query *q, size_t n, uint64_t **extra)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += q[i].type ? 0 : q[i].n_addr;
	*extra = malloc((k + 1) * sizeof(**extra));
	if (!*extra)
		return fail(-ENOMEM, "out of memory for targets");
	for (size_t i = 0, at = 0; i < n; i++) {
		if (q[i].type) {
			g->want = q[i].type;
			continue;
		}
		if (q[i].n_addr)
			memcpy(*extra + at, q[i].addr, q[i].n_addr * sizeof(**extra));
		at += q[i].n_addr;
	}
	if (k)
		qsort(*extra, k, sizeof(**extra), by_value);
	g->extra = *extra;
	g->n_extra = k;
	return 0;
}

/* Drops paths that are doubtful because memory was not read: a pointer to the object may be there.
 * So "unreferenced" is not known, nor an uncollectable cycle; with swapped memory, no cycle. */
static void drop_doubtful(struct why_answer *a, bool is_swapped)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++) {
		struct why_path *p = &a->path[i];

		if (p->root == WHY_NOBODY ||
		    (p->root == WHY_CYCLE && (is_swapped || p->uncollectable))) {
			a->unknown_share += p->share;
			paths_free(p);
			continue;
		}
		if (n != i) {
			a->path[n] = *p;
			memset(p, 0, sizeof(*p));
		}
		n++;
	}
	a->n = n;
}

static uint64_t pages_swapped(const struct heap *h)
{
	struct proc_reads reads;

	proc_reads(h->rt->proc, &reads);
	return reads.swapped;
}

static int look(struct reach *r, const struct why_query *q, size_t n, const struct why_opts *o,
		struct why_answer *out)
{
	int err = graph_build(r->g);

	err = err ? err : reach_find_roots(r);
	r->unnamed = r->unreadable; /* names that cannot be read are none of the roots */
	err = err ? err : reach_search(r);
	for (size_t i = 0; !err && i < n; i++)
		err = answer(r, &q[i], o, &out[i]);
	return err;
}

/* Notes the samples, and by which marks those are known again that seem to be lost. */
static int find_lost(const struct reach *r, const struct why_query *q, size_t n, struct map64 *lost)
{
	const struct graph *g = r->g;
	struct map64 roots = {0};
	int err = 0;

	for (size_t k = 0; !err && k < n; k++) {
		struct targets t = {0};

		err = targets(r, &q[k], &t);
		for (size_t i = 0; !err && i < t.node.n; i++) {
			uint32_t root = paths_root(g, t.node.v[i], &roots);
			uint64_t *to = map64_put(lost, graph_addr(g, t.node.v[i], NULL));

			if (!to)
				err = fail(-ENOMEM, "out of memory for targets");
			else if (root && reach_is_lost(r->root.v[root & ~REACH_ROOT].kind))
				*to = reach_marks(g, t.node.v[i]);
		}
		vec_free(&t.node);
	}
	map64_free(&roots);
	return err;
}

static void clear(struct why_answer *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++) {
		for (size_t p = 0; p < v[i].n; p++)
			paths_free(&v[i].path[p]);
		free(v[i].path);
		free(v[i].nearest);
		v[i] = (struct why_answer){0};
	}
}

/* The heap changes while it is read: a pointer may have moved from what is read later to what has
 * been read. So what nothing seems to hold, or a cycle alone, is looked for once more, and has to
 * be missing twice. */
static int look_twice(struct reach *r, const struct why_query *q, size_t n,
		      const struct why_opts *o, struct why_answer *out, struct map64 *lost)
{
	struct graph *g = r->g;
	const struct graph blank = *g;
	int err = look(r, q, n, o, out);
	bool is_lost = false;

	for (size_t i = 0; i < n; i++)
		for (size_t p = 0; p < out[i].n; p++)
			is_lost |= out[i].path[p].root >= WHY_NOBODY;
	if (err || !is_lost || !proc_is_live(g->h->rt->proc))
		return err;
	err = find_lost(r, q, n, lost);
	clear(out, n);
	reach_free(r);
	graph_free(g);
	*g = blank;
	*r = (struct reach){.g = g, .lost = lost};
	return err ? err : look(r, q, n, o, out);
}

int heap_why(struct heap *h, const struct why_query *q, size_t n, const struct why_opts *o,
	     struct why_answer **out, struct why_stats *stats)
{
	struct graph g = {.h = h, .max_blocks = o->max_blocks};
	auto_free uint64_t *extra = NULL;
	struct reach r = {.g = &g};
	struct map64 lost = {0};
	uint64_t begin = clock_ns(), swapped = pages_swapped(h);
	int err;

	memset(stats, 0, sizeof(*stats));
	*out = calloc(n, sizeof(**out));
	if (!*out)
		return fail(-ENOMEM, "out of memory for answers");
	err = collect(&g, q, n, &extra);
	err = err ? err : look_twice(&r, q, n, o, *out, &lost);
	if (!err)
		look_again(&g, *out, n, o);
	for (size_t i = 0; i < n && !err; i++)
		err = merge(&(*out)[i], o->max_paths ? o->max_paths : DEFAULT_PATHS);
	fill_stats(&r, stats);
	stats->pages_swapped = pages_swapped(h) - swapped;
	/* Only glibc's malloc is known, and data of libraries may be too much. */
	stats->unsearched = g.stats.chunks < HEAP_LEAST_CHUNKS || g.stats.unsearched || r.unnamed;
	for (size_t i = 0; !err && (stats->pages_swapped || stats->unsearched) && i < n; i++)
		drop_doubtful(&(*out)[i], stats->pages_swapped);
	stats->gc_known = !py_gc_enabled(h->rt, &stats->gc_enabled);
	stats->ns = clock_ns() - begin;
	reach_free(&r);
	graph_free(&g);
	map64_free(&lost);
	if (err) {
		why_free(*out, n);
		*out = NULL;
	}
	return err;
}

void why_free(struct why_answer *v, size_t n)
{
	clear(v, n);
	free(v);
}

const char *why_root_name(enum why_root r)
{
	static const char *const name[WHY_ROOTS] = {
		"module",     "frame",	"atexit", "signal",   "thread",	      "interpreter",
		"gc.garbage", "static", "stack",  "interned", "unreferenced", "cycle",
	};

	return r < WHY_ROOTS ? name[r] : "?";
}
