/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Evidence: survivors, series, stacks and names, as they are known now. */
#include "session/observe.h"

#include "base/series.h"
#include "session/fds.h"
#include "session/holders.h"
#include "session/session_priv.h"

_Static_assert(EVIDENCE_CLASSES == HEAP_CLASSES && EVIDENCE_PARTS == HEAP_MAX_PARTS,
	       "evidence has room for what the heap has");

/* ---- Survivors. ---- */

static void copy_survivor(const struct sample *from, struct survivor *to)
{
	*to = (struct survivor){
		.addr = from->addr,
		.type = from->type,
		.stack = from->stack,
		.born_ns = from->born_ns,
		.collections = from->collections,
		.content = from->fp.content,
		.bytes = from->bytes,
		.weight = from->weight,
		.burst = from->burst,
		.rung = from->rung,
		.parts = from->parts,
		.gc = from->gc,
		.ambiguous = from->ambiguous,
	};
	for (unsigned i = 0; i < from->parts; i++)
		to->part[i] = (struct survivor_part){from->part[i].addr, from->part[i].bytes,
						     from->part[i].cls};
}

static int observe_survivors(struct session *s, struct report *scratch, struct evidence_objects *o)
{
	const struct map64 *deaths = ladder_deaths(s->ladder);
	size_t n;
	const struct sample *from = ladder_samples(s->ladder, &n);
	struct survivor *v = report_alloc(scratch, (n + 1) * sizeof(*v));
	struct evidence_count *d = report_alloc(scratch, (deaths->n + 1) * sizeof(*d));

	if (!v || !d)
		return fail(-ENOMEM, "out of memory");
	/* One that has survived no look yet says nothing. */
	for (size_t i = 0; i < n; i++)
		if (from[i].rung)
			copy_survivor(&from[i], &v[o->n++]);
	for (size_t i = 0; i < deaths->cap; i++)
		if (deaths->slot[2 * i])
			d[o->n_deaths++] = (struct evidence_count){deaths->slot[2 * i],
								   deaths->slot[2 * i + 1]};
	o->v = v;
	o->deaths = d;
	return 0;
}

/* Seconds since the pools were last counted: not little of the life of a worker that ends young. */
static double uncounted_s(const struct session *s)
{
	return s->readings.census_ns && s->now_ns > s->readings.census_ns &&
			       !s->readings.mem.stopped
		       ? (double)(s->now_ns - s->readings.census_ns) / 1e9
		       : 0;
}

static int observe_classes(struct session *s, struct report *scratch, struct evidence_objects *o)
{
	struct trend_points *v;

	if (!heap_can_count(s->heap))
		return 0;
	v = report_alloc(scratch, HEAP_CLASSES * sizeof(*v));
	if (!v)
		return fail(-ENOMEM, "out of memory");
	for (size_t k = 0; k < HEAP_CLASSES; k++)
		evidence_series(scratch, s->readings.classes, k, &v[k]);
	o->classes = v;
	return 0;
}

static int observe_objects(struct session *s, struct report *scratch, struct evidence *e)
{
	struct evidence_objects *o = &e->objects;
	int err = observe_survivors(s, scratch, o);

	if (!err)
		err = observe_classes(s, scratch, o);
	o->collections = session_collections(s);
	o->bursts = s->windows.bursts;
	o->watched = &s->windows.watched;
	o->coverage = e->seen.coverage;
	o->counted_s = session_trend_s(s);
	o->uncounted_s = uncounted_s(s);
	return err;
}

static void observe_memory(struct session *s, struct report *scratch, struct memory_fact *f)
{
	evidence_series(scratch, s->readings.memory, TREND_RSS, &f->rss);
	evidence_series(scratch, s->readings.memory, TREND_LIVE, &f->live);
	evidence_series(scratch, s->readings.memory, TREND_MALLOC, &f->malloced);
	f->has_mimalloc = heap_has_mimalloc(s->heap);
	memwatch_observe(s->memwatch, s->proc, scratch, f);
}

static int observe_native(struct session *s, struct report *scratch, struct evidence_native *n)
{
	struct native_sites sites;
	struct native_site *v;
	int err;

	n->is_watched = s->native != NULL;
	n->has_ways = s->native_stacks != NULL;
	if (!s->native)
		return 0;
	n->is_exact = native_state(s->native) == NATIVE_EXACT;
	for (unsigned b = 0; b < PL_UNKNOWN_BINS; b++)
		n->unknown_per_s[b] = native_unknown_per_s(s->native, (double)(1ull << b));
	err = native_sites(s->native, &sites);
	if (err)
		return err;
	v = report_alloc(scratch, (sites.n + 1) * sizeof(*v));
	if (v && sites.n)
		memcpy(v, sites.v, sites.n * sizeof(*v));
	n->v = v;
	n->n = v ? sites.n : 0;
	native_sites_free(&sites);
	return v ? 0 : fail(-ENOMEM, "out of memory");
}

/* ---- Stacks and names of all of that. ---- */

/* Takes @of. */
static uint64_t *keys(struct map64 *of, struct report *scratch, size_t *n)
{
	uint64_t *v = report_alloc(scratch, (of->n + 1) * sizeof(*v));

	*n = 0;
	for (size_t i = 0; v && i < of->cap; i++)
		if (of->slot[2 * i])
			v[(*n)++] = of->slot[2 * i];
	map64_free(of);
	return v;
}

static void copy_stack(const struct stack *st, struct report *scratch, struct evidence_stack *to)
{
	struct evidence_frame *f = report_alloc(scratch, (st->n + 1) * sizeof(*f));

	*to = (struct evidence_stack){st->id, st->flags & PL_STACK_TRUNCATED, f ? st->n : 0, f};
	for (size_t i = 0; i < to->n; i++) {
		const struct py_code *c = st->frame[i].code;

		f[i] = (struct evidence_frame){
			.function = c ? py_code_function(c) : NULL,
			.file = c ? py_code_file(c) : NULL,
			.line = st->frame[i].line,
			.entry = st->frame[i].entry,
		};
	}
}

static int observe_stacks(struct session *s, struct report *scratch, struct evidence *e)
{
	struct map64 ids = {0};
	struct evidence_stack *v;
	uint64_t *id;
	size_t n;

	for (size_t i = 0; i < e->objects.n; i++)
		map64_put(&ids, e->objects.v[i].stack);
	for (size_t i = 0; i < e->native.n; i++)
		if (e->native.v[i].key.stack)
			map64_put(&ids, e->native.v[i].key.stack);
	for (size_t i = 0; i < e->n_fds; i++)
		map64_put(&ids, e->fd[i].stack);
	id = keys(&ids, scratch, &n);
	v = id ? report_alloc(scratch, (n + 1) * sizeof(*v)) : NULL;
	if (!v)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		const struct stack *st = stacks_find(s->stacks, id[i]);

		if (st)
			copy_stack(st, scratch, &v[e->n_stacks++]);
	}
	e->stack = v;
	return 0;
}

static int observe_types(struct session *s, struct report *scratch, struct evidence *e)
{
	struct map64 types = {0};
	struct evidence_type *v;
	uint64_t *type;
	size_t n;

	for (size_t i = 0; i < e->objects.n; i++)
		map64_put(&types, e->objects.v[i].type);
	for (size_t i = 0; i < e->native.n; i++)
		if (e->native.v[i].objects)
			map64_put(&types, e->native.v[i].type);
	type = keys(&types, scratch, &n);
	v = type ? report_alloc(scratch, (n + 1) * sizeof(*v)) : NULL;
	if (!v)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		v[i] = (struct evidence_type){type[i], names_type(s->names, type[i])};
	e->type = v;
	e->n_types = n;
	return 0;
}

int session_observe(struct session *s, struct report *r, struct report *scratch, struct evidence *e)
{
	int err;

	*e = (struct evidence){
		.start_ns = s->start_ns,
		.now_ns = s->now_ns,
		.older_s = s->o.older_s,
		.min_size = s->o.min_size,
		.max_size = s->o.max_size,
		.interpreter = s->rt->name,
	};
	err = session_see(s, (double)(s->now_ns - s->start_ns) / 1e9, r, &e->seen);
	if (err)
		return err;
	observe_memory(s, scratch, &e->memory);
	err = observe_objects(s, scratch, e);
	if (!err)
		err = observe_native(s, scratch, &e->native);
	if (!err)
		err = session_fds_observe(s, r, e);
	if (!err)
		err = holders_observe(s, scratch, e);
	if (!err)
		err = observe_stacks(s, scratch, e);
	if (!err)
		err = observe_types(s, scratch, e);
	if (!err)
		err = observe_ways(s, scratch, e);
	evidence_sort(e);
	return err;
}
