/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sites: the estimates of all stacks and the native blocks, joined by function, file and line. */
#include <math.h>
#include <stdio.h>

#include "report/descriptors.h"
#include "session/fds.h"
#include "session/holders.h"
#include "session/join_priv.h"

#define FEWEST	  2   /* survivors of one stack that make a site: a single one may be anything */
#define MAX_SITES 200 /* in a report; the rest is too small to look at */

size_t session_name_frames(struct report *r, const struct stack *st, struct report_frame **out)
{
	struct report_frame *f = report_alloc(r, st->n * sizeof(*f));
	size_t n = f ? st->n : 0;

	for (size_t i = 0; i < n; i++) {
		const struct py_code *c = st->frame[i].code;

		f[i] = (struct report_frame){
			.function = c ? report_strdup(r, py_code_function(c)) : "?",
			.file = c ? report_strdup(r, py_code_file(c)) : "?",
			.line = st->frame[i].line,
		};
	}
	*out = f;
	return n;
}

static uint64_t index_key(const struct report_frame *frames, size_t n, enum report_kind kind,
			  char id[17])
{
	report_site_id(frames, n, id);
	return (strtoull(id, NULL, 16) ^ kind) | 8;
}

static struct joined *join_frames(struct joiner *j, struct report_frame *frames, size_t n,
				  enum report_kind kind)
{
	uint64_t *place;
	struct joined *to;
	char id[17];

	if (!n)
		return NULL;
	place = map64_put(&j->index, index_key(frames, n, kind, id));
	if (!place)
		return NULL;
	if (*place)
		return &j->v.v[*place - 1];
	to = vec_push(&j->v);
	if (!to)
		return NULL;
	*place = j->v.n;
	memcpy(to->site.id, id, sizeof(id));
	to->site.stack = frames;
	to->site.n_frames = n;
	to->site.kind = kind;
	to->site.estimated = true;
	to->evidence.weak = true;
	to->evidence.waits_for_gc = true;
	return to;
}

struct joined *join_stack(struct joiner *j, const struct stack *st, enum report_kind kind)
{
	struct report_frame *frames;
	size_t n = session_name_frames(j->r, st, &frames);
	struct joined *to = join_frames(j, frames, n, kind);

	if (to)
		to->site.truncated = st->flags & PL_STACK_TRUNCATED;
	return to;
}

struct joined *join_find(struct joiner *j, const struct stack *st, enum report_kind kind)
{
	struct report_frame *frames;
	size_t n = session_name_frames(j->r, st, &frames);
	char id[17];
	const uint64_t *place = n ? map64_get(&j->index, index_key(frames, n, kind, id)) : NULL;

	return place && *place ? &j->v.v[*place - 1] : NULL;
}

/* Python frames @py of @st (both may be missing) with the native ones of this caller. */
static size_t native_frames(struct joiner *j, const struct pl_native_pair *key,
			    const struct stack *st, const struct report_frame *py,
			    struct report_frame **out)
{
	struct native_stacks *all = j->s->native_stacks;
	const struct native_stack *nat =
		all ? native_stacks_find(all, key->stack, key->caller) : NULL;

	*out = NULL;
	j->s->cut_native_stacks += nat && nat->is_cut;
	return nat ? interleave(j->r, native_stacks_sym(all), nat, st, py, j->s->rt->name, out) : 0;
}

/* A thread without Python frames has a site by its native ones. */
struct joined *join_bare(struct joiner *j, const struct pl_native_key *key, enum report_kind kind)
{
	const struct pl_native_pair pair = {key->stack, key->caller};
	struct report_frame *frames;
	size_t n = native_frames(j, &pair, NULL, NULL, &frames);

	return join_frames(j, frames, n, kind);
}

/* Did code of others take part in it? The interpreter's own says nothing about an object. */
static bool is_foreign(const struct report_frame *f, size_t n)
{
	for (size_t i = 0; i < n && f[i].native; i++)
		if (!f[i].minor)
			return true;
	return false;
}

/* The Python frames say which site it is; the native ones how it came about. */
static void show_native(struct joiner *j, struct joined *to)
{
	struct report_frame *frames;
	const struct stack *st = stacks_find(j->s->stacks, to->via.stack);
	bool objects = to->site.kind == KIND_OBJECT;
	size_t n = 0;

	if (!(to->via_bytes_per_s > 0) || !st || !j->s->native_stacks)
		return;
	if (st->n == to->site.n_frames)
		n = native_frames(j, &to->via, st, to->site.stack, &frames);
	if (!n)
		j->s->no_native_stack += !objects;
	if (!n || (objects && !is_foreign(frames, n)))
		return;
	to->site.stack = frames;
	to->site.n_frames = n;
	if (!objects && to->native_bytes_per_s > 0)
		to->site.native_share = to->via_bytes_per_s / to->native_bytes_per_s;
}

void join_type(struct joined *to, const char *name, double count, double bytes)
{
	struct joined_type *t;

	for (size_t i = 0; i < to->types.n; i++)
		if (!strcmp(to->types.v[i].name, name)) {
			to->types.v[i].count += count;
			to->types.v[i].bytes += bytes;
			return;
		}
	t = vec_push(&to->types);
	if (t)
		*t = (struct joined_type){name, count, bytes};
}

/* The curve of a site is that of the stack with most of its growth. */
void join_curve(struct verdict_evidence *v, const struct curve *c, double bytes_per_s)
{
	if (v->curve.shape != CURVE_UNKNOWN && bytes_per_s <= v->curve_bytes_per_s)
		return;
	v->curve = *c;
	v->curve_bytes_per_s = bytes_per_s;
}

/* Seconds since the pools were last counted: not little of the life of a worker that ends young. */
static double uncounted_s(const struct session *s)
{
	return s->census_ns && s->now_ns > s->census_ns && !s->mem.stopped
		       ? (double)(s->now_ns - s->census_ns) / 1e9
		       : 0;
}

/* What it holds is its share of what its classes gained, and what its rate makes of the time since;
 * where those are not known, of all the time. */
static void add_held(const struct session *s, struct joined *to, const struct estimate_site *e,
		     const struct curve *c, double run_s)
{
	bool known = e->held_count > 0, grows = e->count_per_s > 0;
	double tail_s = grows && !e->stopped ? uncounted_s(s) : 0;

	to->site.outstanding_count +=
		known ? e->held_count + e->count_per_s * tail_s : e->count_per_s * run_s;
	to->site.outstanding_bytes +=
		known ? e->held_bytes + e->bytes_per_s * tail_s : e->bytes_per_s * run_s;
	if (known && (e->stopped || (!grows && c->shape == CURVE_LEVELLED)))
		to->evidence.levelled_bytes += e->held_bytes;
}

static uint64_t main_type(const struct estimate_site *e)
{
	const struct estimate_type *most = e->types;

	for (size_t i = 1; i < e->n_types; i++)
		if (e->types[i].bytes_per_s > most->bytes_per_s)
			most = &e->types[i];
	return most->type;
}

static void note_satellites(struct joiner *j, const struct estimate_site *e)
{
	uint64_t *at = map64_put(&j->satellites, e->stack);

	if (at)
		*at += (uint64_t)(e->count_per_s * e->malloc_bytes * 1000);
}

static void join_estimate(struct joiner *j, const struct estimate_site *e, double run_s)
{
	struct stack *st = stacks_find(j->s->stacks, e->stack);
	struct joined *to = st ? join_stack(j, st, KIND_OBJECT) : NULL;
	const struct curve *curve;
	struct verdict_evidence *v;

	if (!to)
		return;
	if (e->count_per_s > 0 && e->malloc_bytes > 0)
		note_satellites(j, e);
	for (size_t i = 0; i < e->n_types; i++)
		join_type(to, names_type(j->s->names, e->types[i].type),
			  e->count_per_s > 0 ? e->types[i].count_per_s : e->types[i].held_count,
			  e->types[i].bytes_per_s);
	if (e->n_types && e->bytes_per_s > to->via_bytes_per_s) {
		to->via = (struct pl_native_pair){e->stack, main_type(e)};
		to->via_bytes_per_s = e->bytes_per_s;
	}
	to->site.samples += e->count_per_s > 0 ? e->samples : e->seen;
	to->site.growth_count_per_s += e->count_per_s;
	to->site.growth_bytes_per_s += e->bytes_per_s;
	curve = e->cls < HEAP_CLASSES ? &j->estimate.curve[e->cls] : &j->malloc;
	add_held(j->s, to, e, curve, run_s);
	v = &to->evidence;
	if (e->oldest_s > v->oldest_s)
		v->oldest_s = e->oldest_s;
	if (e->quarters > v->quarters)
		v->quarters = e->quarters;
	if (e->collections > v->collections)
		v->collections = e->collections;
	v->bursts += e->bursts;
	v->weak &= e->weak;
	v->waits_for_gc &= e->waits_for_gc;
	join_curve(v, curve, e->stopped ? 0 : e->bytes_per_s);
	if (e->samples && e->mean_age_s > v->mean_age_s) {
		v->mean_age_s = e->mean_age_s;
		v->least_s = e->least_s;
		v->watched_age_s = e->watched_age_s;
		v->undying = e->mortality < JOIN_MORTAL;
	}
}

static int by_count(const void *a, const void *b)
{
	const struct joined_type *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* Shares are of the objects, so that growth_count_per_s x share is a type's own rate. */
static void finish_types(struct joiner *j, struct joined *to)
{
	double all = 0;

	if (!to->types.n)
		return;
	qsort(to->types.v, to->types.n, sizeof(*to->types.v), by_count);
	for (size_t i = 0; i < to->types.n; i++)
		all += to->types.v[i].count;
	to->site.types = report_alloc(j->r, to->types.n * sizeof(*to->site.types));
	if (!to->site.types || all <= 0)
		return;
	to->site.n_types = to->types.n;
	for (size_t i = 0; i < to->types.n; i++)
		to->site.types[i] = (struct report_type){report_strdup(j->r, to->types.v[i].name),
							 to->types.v[i].count / all};
}

static void finish_site(struct joiner *j, struct joined *to, double run_s)
{
	struct report_site *site = &to->site;

	show_native(j, to);
	finish_types(j, to);
	site->oldest_s = to->evidence.oldest_s;
	to->evidence.run_s = run_s;
	to->evidence.samples = site->samples;
	to->evidence.growth_bytes_per_s = site->growth_bytes_per_s;
	to->evidence.waits_for_gc &= !holders_rooted(j->s, site->id);
	verdict_site(j->r, &to->evidence, site);
	if (site->kind == KIND_MMAP && site->verdict <= CLASS_GROWING)
		report_mapping_hint(site);
}

static void add_sources(struct session *s, struct report *r, struct report_site *site)
{
	unsigned n = 0;

	for (size_t i = 0; i < site->n_frames && n < 3; i++) {
		site->stack[i].source =
			session_source(s, r, site->stack[i].file, site->stack[i].line);
		n += !site->stack[i].native;
	}
}

/* A container that got bigger follows from what was put into it: said only when there is nothing
 * else. */
static void keep_sites(struct joiner *j, struct report_process *p, double run_s)
{
	bool others = false;

	for (size_t i = 0; i < j->v.n; i++) {
		finish_site(j, &j->v.v[i], run_s);
		others |= j->v.v[i].site.verdict <= CLASS_GROWING && !j->v.v[i].evidence.one_block;
	}
	for (size_t i = 0; i < j->v.n; i++) {
		const struct joined *t = &j->v.v[i];

		if (t->site.verdict != CLASS_STEADY && !(others && t->evidence.one_block) &&
		    t->site.samples >= FEWEST)
			p->sites[p->n_sites++] = t->site;
	}
}

static int join_all(struct joiner *j, double coverage, double run_s)
{
	struct session *s = j->s;
	struct estimate_opts o = {
		.start_ns = s->start_ns,
		.now_ns = s->now_ns,
		.older_s = s->o.older_s,
		.min_size = s->o.min_size,
		.max_size = s->o.max_size,
		.burst = s->bursts,
		.coverage = coverage,
		.watched = &s->watched,
		.trend_s = session_trend_s(s),
	};
	size_t n;
	const struct sample *v = ladder_samples(s->ladder, &n);
	int err;

	o.collections = session_collections(s);
	o.deaths = ladder_deaths(s->ladder);
	o.replaced = j->replaced = holders_replaced(s);
	err = join_native_read(j);
	if (err)
		return err;
	if (s->native)
		join_native_balance(j);
	o.malloc_bytes_per_s = join_native_rest(j);
	trend_set_judge(s->memory, TREND_MALLOC, &j->malloc);
	err = estimate_sites(v, n, heap_can_count(s->heap) ? s->classes : NULL, &o, &j->estimate);
	for (size_t i = 0; i < j->estimate.n; i++)
		join_estimate(j, &j->estimate.sites[i], run_s);
	if (s->native)
		join_native_bound(j);
	for (size_t i = 0; i < j->native.n && !err; i++)
		join_native(j, &j->native.v[i], &j->fit[i]);
	join_native_stopped(j);
	estimate_free(&j->estimate);
	return err;
}

int session_fill_sites(struct session *s, struct report *r, struct report_process *p, double run_s)
{
	struct joiner j = {.s = s, .r = r};
	int err;

	s->no_native_stack = s->cut_native_stacks = 0;
	p->n_sites = 0;
	err = join_all(&j, p->coverage, run_s);

	p->sites = report_alloc(r, (j.v.n ? j.v.n : 1) * sizeof(*p->sites));
	if (!p->sites)
		err = fail(-ENOMEM, "out of memory");
	else
		keep_sites(&j, p, run_s);
	if (!err)
		err = session_fds_fill(s, r, p, run_s);
	for (size_t i = 0; i < j.v.n; i++)
		vec_free(&j.v.v[i].types);
	vec_free(&j.v);
	map64_free(&j.index);
	map64_free(&j.satellites);
	native_sites_free(&j.native);
	free(j.fit);
	report_sort(p);
	if (p->n_sites > MAX_SITES)
		p->n_sites = MAX_SITES;
	if (!err)
		holders_fill(s, r, p, r->final);
	/* Who holds the memory says more than who took it. */
	for (size_t i = 0; i < p->n_sites; i++)
		if (p->sites[i].verdict <= CLASS_GROWING)
			report_native_hint(r, &p->sites[i]);
	for (size_t i = 0; i < p->n_sites && i < s->o.top; i++)
		add_sources(s, r, &p->sites[i]);
	return err;
}
