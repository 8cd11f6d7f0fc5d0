/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps censuses in a row: an entry for each type name, with its numbers in the censuses kept. */
#include "census/census_priv.h"

#include <math.h>
#include <stdio.h>

#include "base/lost.h"
#include "base/thresholds.h"
#include "base/trend.h"
#include "census/gc_lists.h"

#define MAX_NAMES 32768	     /* names that are kept; types beyond are counted as unnamed */
#define MAX_TEXT  (4u << 20) /* bytes of all names */
#define UNREAD	  50	     /* one in so many bytes of the arenas may be unreadable */
#define SOME_ROWS 64	     /* rows named before it is asked whether to go on */
#define UNNAMED	  "(type that could not be named)"

int census_new(const struct py_runtime *rt, struct census **out)
{
	struct census *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return fail(-ENOMEM, "out of memory");
	c->rt = rt;
	c->start_ns = clock_ns();
	err = heap_open(rt, &c->heap);
	if (err) {
		free(c);
		return err;
	}
	*out = c;
	return 0;
}

void census_free(struct census *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->entry.n; i++)
		free(c->entry.v[i].name);
	vec_free(&c->entry);
	map64_free(&c->by_name);
	map64_free(&c->fixed);
	heap_population_free(&c->now);
	heap_close(c->heap);
	free(c);
}

void census_watch_by(struct census *c, int (*watch)(const struct heap_progress *, void *),
		     void *ctx)
{
	heap_watch_by(c->heap, watch, ctx);
}

static uint64_t hash_name(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ull; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ull;
	return h ? h : 1;
}

static struct census_entry *entry_named(struct census *c, const char *name)
{
	uint64_t hash = hash_name(name), *at = map64_get(&c->by_name, hash);
	struct census_entry *e;

	if (at && *at)
		return &c->entry.v[*at - 1];
	at = map64_put(&c->by_name, hash);
	if (!at)
		return NULL;
	e = vec_push(&c->entry);
	if (!e)
		return NULL;
	e->name = strdup(name);
	if (!e->name) {
		c->entry.n--;
		return NULL;
	}
	c->text += strlen(name) + 1;
	*at = c->entry.n;
	return e;
}

static bool has_room(const struct census *c, const char *name)
{
	return (c->entry.n < MAX_NAMES && c->text < MAX_TEXT) ||
	       map64_get(&c->by_name, hash_name(name));
}

/* Gives the entry of a type. The name of a class is read in each census, as it may be freed and
 * another class get its address. */
static struct census_entry *entry_of(struct census *c, uint64_t type)
{
	bool fixed = heap_in_static(c->heap, type);
	uint64_t *at = fixed ? map64_get(&c->fixed, type) : NULL;
	char name[CENSUS_NAME_SIZE] = "";
	struct census_entry *e;
	int err;

	if (at)
		return &c->entry.v[*at - 1];
	err = py_type_name(c->rt, type, name, sizeof(name));
	if (err || !*name || !has_room(c, name)) {
		c->unnamed += !err || err == -EBUSY;
		return entry_named(c, UNNAMED);
	}
	e = entry_named(c, name);
	at = e && fixed ? map64_put(&c->fixed, type) : NULL;
	if (at)
		*at = (uint64_t)(e - c->entry.v) + 1;
	return e;
}

static int add_buffers(struct census *c)
{
	for (unsigned k = 0; k <= HEAP_CLASSES; k++) {
		struct heap_buffers b = heap_population_unowned(&c->now, k);
		struct census_entry *e;
		char name[32];

		if (!b.count && !b.bytes)
			continue;
		if (k < HEAP_CLASSES)
			snprintf(name, sizeof(name), "<buffer %u>", 16 * (k + 1));
		else
			snprintf(name, sizeof(name), "<buffer malloc>");
		e = entry_named(c, name);
		if (!e)
			return fail(-ENOMEM, "out of memory");
		e->count = b.count;
		e->bytes = b.bytes;
	}
	return 0;
}

/* Makes room when all places are full: drops every second census, so that those kept reach back as
 * far as before. */
static void thin_out(struct census *c)
{
	for (size_t i = 0; i < CENSUS_POINTS / 2; i++) {
		c->t[i] = c->t[2 * i];
		for (size_t k = 0; k < c->entry.n; k++) {
			c->entry.v[k].counts[i] = c->entry.v[k].counts[2 * i];
			c->entry.v[k].sizes[i] = c->entry.v[k].sizes[2 * i];
		}
	}
	for (size_t k = 0; k < c->entry.n; k++)
		for (size_t i = CENSUS_POINTS / 2; i < CENSUS_POINTS; i++)
			c->entry.v[k].counts[i] = c->entry.v[k].sizes[i] = 0;
	c->n = CENSUS_POINTS / 2;
}

static int by_row_bytes(const void *a, const void *b)
{
	const struct heap_type_row *x = a, *y = b;
	uint64_t more = x->own_bytes + x->owned_bytes, less = y->own_bytes + y->owned_bytes;

	return more != less ? (more > less ? -1 : 1) : x->type < y->type ? -1 : x->type > y->type;
}

/* Sorts rows, largest first: if the room for names runs out, the largest have theirs. */
static void largest_first(struct heap_population *p)
{
	if (p->row.n)
		qsort(p->row.v, p->row.n, sizeof(*p->row.v), by_row_bytes);
}

static int name_rows(struct census *c, struct heap_population *p)
{
	largest_first(p);
	for (size_t i = 0; i < p->row.n; i++) {
		struct heap_type_row *r = &p->row.v[i];
		int err = i % SOME_ROWS ? 0 : heap_tell(c->heap, "naming types", p->walk.objects);
		struct census_entry *e;

		if (err)
			return err;
		e = r->count ? entry_of(c, r->type) : NULL;
		if (!e && r->count)
			return fail(-ENOMEM, "out of memory");
		r->entry = e ? (uint32_t)(e - c->entry.v) : 0;
	}
	return 0;
}

int census_take(struct census *c)
{
	struct heap_population next = {0};
	uint64_t unnamed = c->unnamed;
	int err = heap_population(c->heap, &next);

	c->unnamed = 0;
	err = err ? err : name_rows(c, &next);
	if (err) {
		c->unnamed = unnamed;
		heap_population_free(&next);
		return err;
	}
	heap_population_free(&c->now);
	c->now = next;
	for (size_t i = 0; i < c->entry.n; i++)
		c->entry.v[i].count = c->entry.v[i].tracked = c->entry.v[i].bytes = 0;
	for (size_t i = 0; i < c->now.row.n; i++) {
		const struct heap_type_row *r = &c->now.row.v[i];
		struct census_entry *e;

		if (!r->count)
			continue;
		e = &c->entry.v[r->entry];
		e->count += r->count;
		e->tracked += r->tracked;
		e->bytes += r->own_bytes + r->owned_bytes;
	}
	err = add_buffers(c);
	if (err)
		return err;
	if (c->n == CENSUS_POINTS)
		thin_out(c);
	c->t[c->n] = (double)(c->now.t_ns - c->start_ns) / 1e9;
	for (size_t i = 0; i < c->entry.n; i++) {
		c->entry.v[i].counts[c->n] = (double)c->entry.v[i].count;
		c->entry.v[i].sizes[c->n] = (double)c->entry.v[i].bytes;
	}
	c->n++;
	c->taken++;
	return 0;
}

static double slope(const struct census *c, const double *y)
{
	struct trend_fit fit;

	if (c->n < 2)
		return NAN;
	if (c->n == 2)
		return c->t[1] > c->t[0] ? (y[1] - y[0]) / (c->t[1] - c->t[0]) : NAN;
	trend_fit(c->t, y, c->n, &fit);
	return fit.slope;
}

/* The growth since there were fewest; NAN: there are too few censuses, or the number fell by more
 * than noise. */
static double gain(const struct census *c, const double *y)
{
	double least = y[0];

	for (size_t i = 1; i < c->n; i++) {
		if (y[i] < y[i - 1] - CENSUS_NOISE * y[i - 1] - CENSUS_FEW)
			return NAN;
		least = fmin(least, y[i]);
	}
	return c->n < CENSUS_ENOUGH ? NAN : y[c->n - 1] - least;
}

/* The number at a time between two censuses, supposing that it rose evenly between them. */
static double count_at(const struct census *c, const double *y, double t)
{
	size_t i = 1;

	while (c->t[i] < t)
		i++;
	return y[i] - (y[i] - y[i - 1]) * (c->t[i] - t) / (c->t[i] - c->t[i - 1]);
}

/* The part of the gain that came in the second half of the time. A burst between the two censuses
 * in the middle would count for half: so where hardly any came in the last quarter, twice that is
 * taken instead. */
static double late(const struct census *c, const double *y, double whole)
{
	double begin, end, half, last;

	if (!(whole > 0) || c->n < 2)
		return NAN;
	begin = c->t[0];
	end = c->t[c->n - 1];
	half = (y[c->n - 1] - count_at(c, y, (begin + end) / 2)) / whole;
	last = (y[c->n - 1] - count_at(c, y, (begin + 3 * end) / 4)) / whole;
	return 2 * last < TYPE_LATE ? 2 * last : half;
}

static int by_bytes(const void *a, const void *b)
{
	const struct report_class_row *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int by_growth_first(const void *a, const void *b)
{
	const struct report_class_row *x = a, *y = b;

	if (x->growth_bytes_per_s > y->growth_bytes_per_s)
		return -1;
	if (x->growth_bytes_per_s < y->growth_bytes_per_s)
		return 1;
	return by_bytes(a, b);
}

static int fill_rows(struct census *c, struct report *r, struct report_process *p, bool by_growth)
{
	p->classes = report_alloc(r, (c->entry.n + 1) * sizeof(*p->classes));
	if (!p->classes)
		return fail(-ENOMEM, "no memory for a report");
	for (size_t i = 0; i < c->entry.n; i++) {
		const struct census_entry *e = &c->entry.v[i];
		double gained;

		if (!e->count && !e->bytes)
			continue;
		gained = gain(c, e->counts);
		p->classes[p->n_classes++] = (struct report_class_row){
			.name = report_strdup(r, e->name),
			.count = e->count,
			.tracked = e->tracked,
			.bytes = e->bytes,
			.gain = gained,
			.late = late(c, e->counts, gained),
			.growth_count_per_s = slope(c, e->counts),
			.growth_bytes_per_s = slope(c, e->sizes),
		};
	}
	if (p->n_classes)
		qsort(p->classes, p->n_classes, sizeof(*p->classes),
		      by_growth && c->n > 1 ? by_growth_first : by_bytes);
	return 0;
}

static void fill_garbage(struct census *c, struct report *r, const struct heap_gc_lists *lists,
			 struct report_gc *g)
{
	struct report_class_row unnamed = {.name = UNNAMED, .count = lists->others};

	g->garbage_types = report_alloc(r, (lists->n_types + 1) * sizeof(*g->garbage_types));
	for (size_t i = 0; g->garbage_types && i < lists->n_types; i++) {
		char name[CENSUS_NAME_SIZE] = "";

		if (py_type_name(c->rt, lists->type[i].type, name, sizeof(name)))
			unnamed.count += lists->type[i].count;
		else
			g->garbage_types[g->n_garbage_types++] = (struct report_class_row){
				.name = report_strdup(r, name),
				.count = lists->type[i].count,
			};
	}
	if (g->garbage_types && unnamed.count)
		g->garbage_types[g->n_garbage_types++] = unnamed;
}

/* Sets the length of the one list that was too long to be counted, the oldest as a rule: it is that
 * of all tracked objects less the others. */
static void fill_longest(struct report_gc *g)
{
	uint64_t *unknown = NULL, rest = g->tracked;

	for (unsigned i = 0; i <= REPORT_GENERATIONS; i++) {
		uint64_t *n = i < REPORT_GENERATIONS ? &g->generation[i] : &g->frozen;

		if (*n != REPORT_UNKNOWN)
			rest -= *n < rest ? *n : rest;
		else if (unknown)
			return;
		else
			unknown = n;
	}
	if (unknown)
		*unknown = rest;
}

static int fill_gc(struct census *c, struct report *r, struct report_process *p)
{
	struct heap_gc_lists lists;
	struct py_gc_state state;
	struct report_gc *g;
	int err;

	if (py_gc_state(c->rt, &state))
		return 0; /* not known: null */
	err = heap_gc_lists(c->heap, &state, &lists);
	g = err ? NULL : report_alloc(r, sizeof(*g));
	if (g) {
		memset(g, 0, sizeof(*g));
		g->enabled = state.is_enabled;
		g->uncollectable = state.uncollectable;
		g->garbage = lists.garbage;
		g->tracked = c->now.walk.tracked;
		g->frozen = lists.frozen;
		for (unsigned i = 0; i < REPORT_GENERATIONS; i++) {
			g->threshold[i] = state.threshold[i];
			g->collections[i] = state.collections[i];
			g->generation[i] = lists.generation[i];
		}
		fill_longest(g);
		fill_garbage(c, r, &lists, g);
		p->gc = g;
	}
	heap_gc_lists_free(&lists);
	return err;
}

static void fill_pools(struct census *c, struct report *r, struct report_process *p)
{
	const struct heap_walk_stats *w = &c->now.walk;
	uint64_t arena = c->rt->layout.arena_size, used;
	struct report_pools *v;

	/* pools that could not be read, as when swapped out, may be full or empty */
	if (!w->arenas || w->unreadable * c->rt->layout.pool_size > w->arena_bytes / UNREAD)
		return;
	v = report_alloc(r, sizeof(*v));
	if (!v)
		return;
	used = w->pool_bytes + w->pool_free_bytes;
	*v = (struct report_pools){
		.arenas = w->arenas,
		.arena_bytes = w->arena_bytes,
		.live_bytes = w->pool_bytes,
		.free_bytes = w->pool_free_bytes,
		.empty_bytes = w->arena_bytes > used ? w->arena_bytes - used : 0,
		.releasable_bytes = w->empty_arenas * arena,
	};
	p->pools = v;
}

#define X(id, key, text) CENSUS_##id,
enum census_loss { CENSUS_LOST(X) };
#undef X

/* Adds the losses of the last reading of the heap. */
static void fill_lost(struct census *c, struct report *r, struct report_process *p)
{
	enum py_allocator a = c->rt->allocator;
	bool no_pools =
		!heap_can_count(c->heap) && (a == PY_ALLOC_PYMALLOC || a == PY_ALLOC_OTHER ||
					     (a == PY_ALLOC_DEBUG && !c->rt->pymalloc_idle));
#define X(id, key, text) {key, text, 0},
	struct report_lost mine[] = {CENSUS_LOST(X)};
#undef X
	struct report_lost *v = report_alloc(r, (p->n_lost + ARRAY_SIZE(mine)) * sizeof(*v));

	if (!v)
		return;
	mine[CENSUS_TORN].n = c->now.walk.torn;
	mine[CENSUS_UNREADABLE].n = c->now.walk.unreadable;
	mine[CENSUS_CUT].n = c->now.walk.cut;
	mine[CENSUS_TYPES].n = c->now.walk.types_left_out;
	mine[CENSUS_UNNAMED].n = c->unnamed;
	mine[CENSUS_NAMES].n = c->unread_names;
	mine[CENSUS_UNSEARCHED].n = c->now.walk.unsearched;
	/* Blocks of other mallocs than glibc's are not known. */
	mine[CENSUS_MALLOC].n = c->now.walk.objects && c->now.walk.chunks < HEAP_LEAST_CHUNKS;
	mine[CENSUS_POOLS].n = no_pools;
	if (p->n_lost)
		memcpy(v, p->lost, p->n_lost * sizeof(*v));
	memcpy(v + p->n_lost, mine, sizeof(mine));
	p->lost = v;
	p->n_lost += ARRAY_SIZE(mine);
}

int census_fill(struct census *c, struct report *r, struct report_process *p, bool by_growth)
{
	int err;

	if (!c->taken)
		return 0;
	p->counted_from_s = (double)c->start_ns / 1e9 + c->t[0];
	p->counted_to_s = (double)c->start_ns / 1e9 + c->t[c->n - 1];
	err = fill_rows(c, r, p, by_growth);
	if (!err)
		err = fill_gc(c, r, p);
	if (err)
		return err;
	fill_pools(c, r, p);
	fill_lost(c, r, p);
	return 0;
}
