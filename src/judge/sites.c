/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes the sites: joins the estimates of all stacks, and the native blocks, by function, file and
 * place. */
#include <math.h>
#include <stdio.h>

#include "base/thresholds.h"
#include "judge/sites_priv.h"

size_t join_borrow_frames(const struct evidence_stack *st, struct report_frame *out, size_t max)
{
	size_t n = st->n < max ? st->n : max;

	for (size_t i = 0; i < n; i++) {
		const struct evidence_frame *from = &st->frame[i];

		out[i] = (struct report_frame){
			.function = from->function ? from->function : "?",
			.file = from->file ? from->file : "?",
			.line = from->line,
			.place = from->place,
		};
	}
	return n;
}

size_t join_frames_of(struct report *r, const struct evidence_stack *st, struct report_frame **out)
{
	struct report_frame *f = report_alloc(r, st->n * sizeof(*f));
	size_t n = f ? join_borrow_frames(st, f, st->n) : 0;

	for (size_t i = 0; i < n; i++) {
		f[i].function = report_strdup(r, f[i].function);
		f[i].file = report_strdup(r, f[i].file);
	}
	*out = f;
	return n;
}

static uint64_t index_key(const struct report_frame *frames, size_t n, enum report_kind kind,
			  char id[17])
{
	report_site_id(frames, n, kind, id);
	return (strtoull(id, NULL, 16) ^ kind) | 8;
}

/* Blanks what differs between the stacks of one site: callers that live for one call. */
static void keep_common(struct report_site *to, const struct report_frame *f, size_t n)
{
	for (size_t i = 0; i < n && n == to->n_frames; i++) {
		struct report_frame *t = &to->stack[i];

		if (!report_frame_is_passing(t) || !report_frame_is_passing(&f[i]))
			continue;
		if (t->line && f[i].line && t->line != f[i].line)
			t->line = 0;
		if (strcmp(t->function, f[i].function) != 0 || strcmp(t->file, f[i].file) != 0)
			*t = (struct report_frame){.function = "?", .file = "?"};
	}
}

/* Finds or adds the site of @frames. @st: the stack they are borrowed from, copied for a new site;
 * NULL: they are the report's. */
static struct joined *join_frames(struct joiner *j, struct report_frame *frames, size_t n,
				  enum report_kind kind, const struct evidence_stack *st)
{
	uint64_t *place;
	struct joined *to;
	char id[17];

	if (!n)
		return NULL;
	place = map64_put(&j->index, index_key(frames, n, kind, id));
	if (!place)
		return NULL;
	if (*place) {
		keep_common(&j->v.v[*place - 1].site, frames, n);
		return &j->v.v[*place - 1];
	}
	if (st)
		n = join_frames_of(j->r, st, &frames);
	to = n ? vec_push(&j->v) : NULL;
	if (!to)
		return NULL;
	*place = j->v.n;
	memcpy(to->site.id, id, sizeof(id));
	to->site.id_by = report_id_by(frames, n);
	to->site.stack = frames;
	to->site.n_frames = n;
	to->site.kind = kind;
	to->site.waste_bytes = kind == KIND_HEAP ? 0 : NAN;
	to->site.estimated = true;
	to->youngest_s = INFINITY;
	to->evidence.weak = true;
	to->evidence.waits_for_gc = true;
	return to;
}

struct joined *join_stack(struct joiner *j, const struct evidence_stack *st, enum report_kind kind)
{
	struct report_frame frames[PL_MAX_FRAMES];
	size_t n = join_borrow_frames(st, frames, ARRAY_SIZE(frames));
	struct joined *to = join_frames(j, frames, n, kind, st);

	if (to)
		to->site.truncated = st->truncated;
	return to;
}

struct joined *join_find(struct joiner *j, const struct evidence_stack *st, enum report_kind kind)
{
	struct report_frame frames[PL_MAX_FRAMES];
	size_t n = join_borrow_frames(st, frames, ARRAY_SIZE(frames));
	char id[17];
	const uint64_t *place = n ? map64_get(&j->index, index_key(frames, n, kind, id)) : NULL;

	return place && *place ? &j->v.v[*place - 1] : NULL;
}

size_t join_native_frames(struct joiner *j, uint64_t stack, uint64_t of,
			  const struct evidence_stack *st, const struct report_frame *py,
			  struct report_frame **out)
{
	const struct evidence_way *way = evidence_way(j->e, stack, of);

	*out = NULL;
	if (!way || !way->frame)
		return 0;
	j->cut_ways += way->is_cut;
	return interleave(j->r, way, st, py, j->e->interpreter, out);
}

/* The row of objects without a Python frame, or with an unknown stack: one row each, so that their
 * growth is not given to other sites. */
static struct joined *join_nowhere(struct joiner *j, uint64_t stack)
{
	struct report_frame *f = report_alloc(j->r, sizeof(*f));

	return f && evidence_nowhere(stack, f) ? join_frames(j, f, 1, KIND_OBJECT, NULL) : NULL;
}

/* The site of a thread without Python frames: by its native ones. */
struct joined *join_bare(struct joiner *j, const struct pl_native_key *key, enum report_kind kind)
{
	struct report_frame *frames;
	size_t n = join_native_frames(j, key->stack, key->caller, NULL, NULL, &frames);

	return join_frames(j, frames, n, kind, NULL);
}

void join_type(struct joined *to, const struct joined_type *t)
{
	struct joined_type *v = vec_push(&to->types);

	if (v)
		*v = *t;
}

/* Gives a site the curve of the stack with most of its growth. */
void join_curve(struct verdict_evidence *v, const struct curve *c, double bytes_per_s)
{
	if (v->curve.shape != CURVE_UNKNOWN && bytes_per_s <= v->curve_bytes_per_s)
		return;
	v->curve = *c;
	v->curve_bytes_per_s = bytes_per_s;
}

/* Sums up, of a stack, the rates of objects that are in no pool. */
static void rates_of_malloc(const struct estimate_site *e, double *count_per_s, double *bytes_per_s)
{
	*count_per_s = *bytes_per_s = 0;
	for (size_t i = 0; i < e->n_types; i++)
		if (e->types[i].cls == EVIDENCE_MALLOC) {
			*count_per_s += e->types[i].count_per_s;
			*bytes_per_s += e->types[i].bytes_per_s;
		}
}

/* Adds what a stack holds: its share of what its classes gained, and its rate times the seconds
 * since they were counted; without a share, and of objects in no pool, which are not counted, its
 * rate times the whole run. */
static void add_held(const struct joiner *j, struct joined *to, const struct estimate_site *e,
		     const struct curve *c)
{
	bool known = e->held_count > 0, grows = e->count_per_s > 0;
	double tail_s = grows && !e->stopped ? j->e->objects.uncounted_s : 0;
	double count_per_s = e->count_per_s, bytes_per_s = e->bytes_per_s; /* of uncounted ones */

	if (known)
		rates_of_malloc(e, &count_per_s, &bytes_per_s);
	to->site.outstanding_count +=
		e->held_count + (e->count_per_s - count_per_s) * tail_s + count_per_s * j->run_s;
	to->site.outstanding_bytes +=
		e->held_bytes + (e->bytes_per_s - bytes_per_s) * tail_s + bytes_per_s * j->run_s;
	if (known && (e->stopped || (!grows && c->shape == CURVE_LEVELLED)))
		to->evidence.levelled_bytes += e->held_bytes;
}

static void note_satellites(struct joiner *j, const struct estimate_site *e)
{
	uint64_t *at = map64_put(&j->satellites, e->stack);

	if (at)
		*at += join_milli(e->count_per_s * e->malloc_bytes);
}

static void join_estimate(struct joiner *j, const struct estimate_site *e)
{
	const struct evidence_stack *st = evidence_stack(j->e, e->stack);
	struct joined *to = st ? join_stack(j, st, KIND_OBJECT) : join_nowhere(j, e->stack);
	uint64_t *at = to && !e->stopped ? map64_put(&j->site_of, e->stack) : NULL;
	const struct trend_points *classes = j->e->objects.classes;
	const struct curve *curve;
	struct verdict_evidence *v;
	bool is_dated;

	if (!to)
		return;
	if (at)
		*at = (uint64_t)(to - j->v.v) + 1;
	if (e->count_per_s > 0 && e->malloc_bytes > 0)
		note_satellites(j, e);
	for (size_t i = 0; i < e->n_types; i++) {
		const struct estimate_type *t = &e->types[i];
		bool grows = e->count_per_s > 0;

		join_type(to, &(struct joined_type){.name = evidence_type(j->e, t->type),
						    .count = grows ? t->count_per_s : t->held_count,
						    .bytes = t->bytes_per_s,
						    .by_class = grows ? t->count_per_s : 0,
						    .cls = t->cls,
						    .is_held = !grows});
	}
	if (e->n_types && e->bytes_per_s > to->via_rank) {
		to->via_stack = e->stack;
		to->via = e->type;
		to->via_bytes_per_s = to->via_rank = e->bytes_per_s;
	}
	to->site.samples += e->count_per_s > 0 ? e->samples : e->seen;
	to->births += e->count_per_s > 0 ? (double)e->samples : (double)e->seen;
	to->variance += e->count_per_s > 0 ? e->variance : (double)e->seen;
	to->site.growth_count_per_s += e->count_per_s;
	to->site.growth_bytes_per_s += e->bytes_per_s;
	curve = e->cls < EVIDENCE_CLASSES ? &j->estimate.curve[e->cls] : &j->malloc;
	add_held(j, to, e, curve);
	v = &to->evidence;
	v->oldest_s = fmax(v->oldest_s, e->oldest_s);
	to->quarters |= e->quarters;
	if (e->samples)
		to->youngest_s = fmin(to->youngest_s, e->youngest_s);
	v->quarters = (unsigned)__builtin_popcount(to->quarters);
	if (e->collections > v->collections)
		v->collections = e->collections;
	v->bursts += e->bursts;
	if (e->count_per_s > 0 && j->e->objects.coverage > 0)
		v->born += e->weight / j->e->objects.coverage;
	to->window_s = fmax(to->window_s, e->window_s);
	v->weak &= e->weak;
	v->waits_for_gc &= e->waits_for_gc;
	join_curve(v, curve, e->stopped ? 0 : e->bytes_per_s);
	if (e->samples && e->mean_age_s > v->mean_age_s) {
		v->mean_age_s = e->mean_age_s;
		v->least_s = e->least_s;
		v->watched_age_s = e->watched_age_s;
		v->undying = e->mortality < SITE_MORTAL;
		v->before = e->mortality >= SITE_MORTAL && e->before_samples >= BEFORE_FEWEST
				    ? e->before / e->since
				    : 0;
		is_dated = v->before > 0 && classes && e->cls < EVIDENCE_CLASSES;
		v->rose = is_dated &&
			  estimate_rose(&classes[e->cls], &j->estimate, e, j->e->objects.coverage);
		v->beside = is_dated && estimate_is_beside(&classes[e->cls], &j->estimate, e);
	}
}

/* Adds what the other stacks of a site hold: code that is compiled anew each time has a stack each
 * time, with too few survivors, or too young ones, for a rate. */
static void join_held(struct joiner *j, const struct estimate_held *h)
{
	const struct evidence_stack *st = evidence_stack(j->e, h->stack);
	struct joined *to = st ? join_find(j, st, KIND_OBJECT) : NULL;

	if (!to)
		return;
	to->site.outstanding_count += h->count;
	to->site.outstanding_bytes += h->bytes;
}

static void put_all(struct map64 *to, const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		map64_put(to, v[i]);
}

static void count_deaths(struct map64 *to, const struct evidence_objects *o)
{
	for (size_t i = 0; i < o->n_deaths; i++) {
		uint64_t *at = map64_put(to, o->deaths[i].of);

		if (at)
			*at = o->deaths[i].n;
	}
}

static bool is_in_chunks(const struct evidence *e)
{
	const struct memory_fact *f = &e->memory;
	const struct report_parts *p = e->seen.parts;

	return p && !f->pools_bytes && !f->has_mimalloc && f->malloced.n &&
	       2.0 * (double)p->bytes[PART_MALLOC_LIVE] > f->malloced.v[f->malloced.n - 1];
}

static int join_all(struct joiner *j)
{
	const struct evidence_objects *from = &j->e->objects;
	const struct evidence_native *native = &j->e->native;
	struct map64 deaths = {0};
	struct estimate_opts o = {
		.start_ns = j->e->start_ns,
		.now_ns = j->e->now_ns,
		.older_s = j->e->older_s,
		.min_size = j->e->min_size,
		.max_size = j->e->max_size,
		.burst = from->bursts,
		.coverage = from->coverage,
		.watched = from->watched,
		.aimed = from->aimed,
		.trend_s = from->counted_s,
		.in_chunks = j->in_chunks,
		.work = &j->e->memory.work,
		.collections = from->collections,
		.deaths = &deaths,
		.replaced = &j->replaced,
		.lines = &j->lines,
		.traced = &j->traced,
	};
	int err = join_native_read(j);

	if (err)
		return err;
	put_all(&j->replaced, from->replaced, from->n_replaced);
	count_deaths(&deaths, from);
	join_lines_read(j);
	if (native->is_watched)
		join_native_balance(j);
	o.malloc_bytes_per_s = join_native_rest(j);
	err = estimate_sites(from->v, from->n, from->classes, &o, &j->estimate);
	for (size_t i = 0; i < j->estimate.n; i++)
		join_estimate(j, &j->estimate.sites[i]);
	for (size_t i = 0; i < j->estimate.n_held; i++)
		join_held(j, &j->estimate.held[i]);
	join_windows(j);
	join_stays(j);
	if (native->is_watched)
		join_native_told(j);
	for (size_t i = 0; i < native->n && !err; i++)
		join_native(j, &native->v[i], &j->fit[i]);
	join_native_stopped(j);
	join_bound_by_census(j);
	join_bound_by_holder(j);
	join_traffic(j);
	join_lines_sum(j);
	estimate_free(&j->estimate);
	map64_free(&deaths);
	return err;
}

static void count_lost(struct report_process *p, const char *key, uint64_t n)
{
	for (size_t i = 0; i < p->n_lost; i++)
		if (!strcmp(p->lost[i].key, key))
			p->lost[i].n = n;
}

int sites_judge(const struct evidence *e, struct report *r, struct report_process *p, double run_s)
{
	struct joiner j = {.e = e, .r = r, .run_s = run_s, .in_chunks = is_in_chunks(e)};
	int err = join_all(&j);

	p->n_sites = 0;
	p->sites = report_alloc(r, (j.v.n ? j.v.n : 1) * sizeof(*p->sites));
	if (!p->sites)
		err = fail(-ENOMEM, "out of memory");
	else
		join_finish(&j, p);
	count_lost(p, "native_stack_missing", j.no_way);
	count_lost(p, "native_stack_cut", j.cut_ways);
	for (size_t i = 0; i < j.v.n; i++)
		vec_free(&j.v.v[i].types);
	vec_free(&j.v);
	map64_free(&j.index);
	map64_free(&j.site_of);
	map64_free(&j.lines);
	map64_free(&j.satellites);
	map64_free(&j.traced);
	map64_free(&j.replaced);
	free(j.fit);
	return err;
}
