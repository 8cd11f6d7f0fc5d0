/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sites: the estimates of all stacks and the native blocks, joined by function, file and line. */
#include <math.h>
#include <stdio.h>

#include "base/map64.h"
#include "report/descriptors.h"
#include "report/verdict.h"
#include "session/fds.h"
#include "session/holders.h"
#include "session/session_priv.h"

#define FEWEST	  2   /* survivors of one stack that make a site: a single one may be anything */
#define MAX_SITES 200 /* in a report; the rest is too small to look at */

struct joined_type {
	const char *name;
	double count, bytes;
};

/* Stacks of one site: same functions, files and lines, other addresses. */
struct joined {
	struct report_site site;
	struct verdict_evidence evidence;
	VEC(struct joined_type) types;
	struct pl_native_pair via; /* the native caller, or the type of objects, that grows most */
	double via_bytes_per_s;
};

struct native_fit {
	struct trend_fit count, bytes;
	struct curve curve; /* of the bytes */
};

struct joiner {
	struct session *s;
	struct report *r;
	struct native_sites native;
	struct native_fit *fit; /* of each native site */
	VEC(struct joined) v;
	struct map64 index;	 /* id and kind -> place + 1 */
	struct map64 satellites; /* stack -> mB/s of malloc's memory that are in objects' sizes */
	const struct native_site *replacer[PL_UNKNOWN_BINS];
	double most[PL_UNKNOWN_BINS];	 /* blocks of the site that has most of this size */
	double balance[PL_UNKNOWN_BINS]; /* share of the known blocks' growth that is growth */
	const struct estimate *estimate;
	struct curve malloc; /* anonymous memory that is no pool */
};

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

static struct joined *join_frames(struct joiner *j, struct report_frame *frames, size_t n,
				  enum report_kind kind)
{
	uint64_t *place;
	struct joined *to;
	char id[17];

	if (!n)
		return NULL;
	report_site_id(frames, n, id);
	place = map64_put(&j->index, (strtoull(id, NULL, 16) ^ kind) | 8);
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

static struct joined *join_stack(struct joiner *j, const struct stack *st, enum report_kind kind)
{
	struct report_frame *frames;
	size_t n = session_name_frames(j->r, st, &frames);
	struct joined *to = join_frames(j, frames, n, kind);

	if (to)
		to->site.truncated = st->flags & PL_STACK_TRUNCATED;
	return to;
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
	return nat ? interleave(j->r, native_stacks_sym(all), nat, st, py, j->s->rt->name, out) : 0;
}

/* A thread without Python frames has a site by its native ones. */
static struct joined *join_bare(struct joiner *j, const struct pl_native_key *key,
				enum report_kind kind)
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
}

static void join_type(struct joined *to, const char *name, double count, double bytes)
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
static void take_curve(struct verdict_evidence *v, const struct curve *c, double bytes_per_s)
{
	if (v->curve.shape != CURVE_UNKNOWN && bytes_per_s <= v->curve_bytes_per_s)
		return;
	v->curve = *c;
	v->curve_bytes_per_s = bytes_per_s;
}

/* What it holds is its share of what its classes gained; where those are not known, what its rate
 * makes of the time. */
static void add_held(struct joined *to, const struct estimate_site *e, const struct curve *c,
		     double run_s)
{
	bool known = e->held_count > 0, grows = e->count_per_s > 0;

	to->site.outstanding_count += known ? e->held_count : e->count_per_s * run_s;
	to->site.outstanding_bytes += known ? e->held_bytes : e->bytes_per_s * run_s;
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

/* Is this growth in the size of objects of the same line? What they account for is used up. */
static bool is_satellite(struct joiner *j, uint64_t stack, double bytes_per_s)
{
	uint64_t *left = map64_get(&j->satellites, stack);
	uint64_t want = (uint64_t)(bytes_per_s * 1000);
	bool covered;

	if (!left)
		return false;
	covered = *left > want / 2;
	*left -= want < *left ? want : *left;
	return covered;
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
	curve = e->cls < HEAP_CLASSES ? &j->estimate->curve[e->cls] : &j->malloc;
	add_held(to, e, curve, run_s);
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
	take_curve(v, curve, e->stopped ? 0 : e->bytes_per_s);
	if (e->samples && e->mean_age_s > v->mean_age_s) {
		v->mean_age_s = e->mean_age_s;
		v->least_s = e->least_s;
	}
}

/* A native site's own series: blocks that stayed. */
static void fit_native(const struct native_site *n, struct native_fit *fit)
{
	double t[NATIVE_POINTS], c[NATIVE_POINTS], b[NATIVE_POINTS];
	size_t k = 0;

	for (; k < n->n_points && k < NATIVE_POINTS; k++) {
		t[k] = n->points[k].t_s;
		c[k] = n->points[k].count;
		b[k] = n->points[k].bytes;
	}
	trend_fit(t, c, k, &fit->count);
	trend_fit(t, b, k, &fit->bytes);
	curve_judge(&(struct curve_points){.t = t, .v = b, .n = k, .grain = 1}, &fit->curve);
	if (fit->curve.shape == CURVE_LEVELLED)
		fit->bytes.growing = false;
}

/* Blocks that came and stayed, and no more come. They may have taken the place of others, unless
 * memory grew by them. */
static bool has_levelled(const struct joiner *j, const struct native_site *n,
			 const struct native_fit *fit)
{
	return fit->curve.shape == CURVE_LEVELLED && j->malloc.gain > n->live_bytes / 2;
}

static int read_native(struct joiner *j)
{
	int err = j->s->native ? native_sites(j->s->native, &j->native) : 0;

	if (err)
		return err;
	j->fit = calloc(j->native.n + 1, sizeof(*j->fit));
	if (!j->fit)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < j->native.n; i++)
		fit_native(&j->native.v[i], &j->fit[i]);
	return 0;
}

/* In how many quarters of its series did a native site gain blocks? */
static unsigned quarters_of(const struct native_site *n)
{
	unsigned q = 0;

	for (size_t k = 0; k < 4 && n->n_points >= 5; k++) {
		size_t from = k * (n->n_points - 1) / 4, to = (k + 1) * (n->n_points - 1) / 4;

		q += n->points[to].count > n->points[from].count;
	}
	return q;
}

/* A full cache takes a block for each one from before us that it frees: equal rates give it away.
 */
static bool takes_their_place(double gained, double freed)
{
	return freed > 0 && gained > 0.85 * freed && gained < 1.15 * freed;
}

/* Known blocks that take the place of ones from before us are no growth: what all sites of a size
 * gain is set against the frees of unknown blocks of that size. One site of just that rate is taken
 * to be the one; else all of them share it. */
static void balance_blocks(struct joiner *j)
{
	double gained[PL_UNKNOWN_BINS] = {0}, freed[PL_UNKNOWN_BINS];

	/* one fit per size, not one per site: there may be thousands of sites */
	for (unsigned b = 0; b < PL_UNKNOWN_BINS; b++)
		freed[b] = native_unknown_per_s(j->s->native, (double)(1ull << b));
	for (size_t i = 0; i < j->native.n; i++) {
		const struct native_site *n = &j->native.v[i];
		double slope = j->fit[i].count.slope;
		unsigned bin;

		if (n->key.kind != PL_KIND_HEAP || !(slope > 0) || !(n->live_count > 0))
			continue;
		bin = native_bin(n->live_bytes / n->live_count);
		gained[bin] += slope;
		j->most[bin] = fmax(j->most[bin], n->live_count);
		if (takes_their_place(slope, freed[bin]))
			j->replacer[bin] = n;
	}
	for (unsigned b = 0; b < PL_UNKNOWN_BINS; b++)
		j->balance[b] = freed[b] < gained[b] ? 1 - freed[b] / gained[b]
				: freed[b] > 0	     ? 0
						     : 1;
}

/* The share of a site's gain that is growth. */
static double real_share(const struct joiner *j, const struct native_site *n)
{
	unsigned bin;

	if (n->key.kind != PL_KIND_HEAP || !(n->live_count > 0))
		return 1;
	bin = native_bin(n->live_bytes / n->live_count);
	if (j->replacer[bin])
		return n != j->replacer[bin];
	return j->balance[bin];
}

/* In windows, a leak takes over addresses at which blocks of that size have just been freed: their
 * takers seem to keep a few too. */
static bool is_impostor(const struct joiner *j, const struct native_site *n)
{
	return n->estimated && n->live_count > 0 &&
	       n->live_count < 0.15 * j->most[native_bin(n->live_bytes / n->live_count)];
}

/* In windows a block whose place was taken by another of its size seems to live on: what does not
 * show in the memory outside of the pools has not grown. */
static bool shows_in_memory(const struct joiner *j, const struct native_site *n)
{
	enum curve_shape s = j->malloc.shape;

	return !n->estimated || n->key.kind != PL_KIND_HEAP || s == CURVE_UNKNOWN ||
	       s == CURVE_RISING || s == CURVE_SLOWING;
}

/* Blocks that are bodies of objects belong to the object site of that line; what is a satellite of
 * objects whose births were seen is in their size already. The rest is a site of its own. */
static void join_native(struct joiner *j, const struct native_site *n, const struct native_fit *fit)
{
	bool objects = n->checked && 2 * n->objects > n->checked;
	struct stack *st = stacks_find(j->s->stacks, n->key.stack);
	struct trend_fit count = fit->count, bytes = fit->bytes;
	struct verdict_evidence *v;
	struct joined *to;
	double real = real_share(j, n);
	bool one_block = !count.growing && n->live_count < 4, is_first, levelled;
	enum report_kind kind;

	count.slope *= real;
	bytes.slope *= real;
	log_debug("native site %llx+%llx: %.0f live, %.0f bytes (%.0f/s), %u of %u objects, %zu "
		  "points",
		  (unsigned long long)n->key.stack, (unsigned long long)n->key.caller,
		  n->live_count, n->live_bytes, bytes.slope, n->objects, n->checked, n->n_points);
	levelled = has_levelled(j, n, fit);
	if (levelled)
		bytes.slope = count.slope = 0;
	if ((!st && n->key.stack) || (!objects && is_satellite(j, n->key.stack, bytes.slope)) ||
	    (!levelled &&
	     (!bytes.growing || !shows_in_memory(j, n) || real < 0.1 || !(bytes.slope > 0))))
		return;
	kind = objects ? KIND_OBJECT : n->key.kind == PL_KIND_MMAP ? KIND_MMAP : KIND_HEAP;
	to = st ? join_stack(j, st, kind) : join_bare(j, &n->key, kind);
	if (!to)
		return;
	if (bytes.slope > to->via_bytes_per_s) {
		to->via = (struct pl_native_pair){n->key.stack, n->key.caller};
		to->via_bytes_per_s = bytes.slope;
	}
	is_first = !(to->site.growth_bytes_per_s > 0);
	if (!(count.slope > 0))
		count.slope = 0;
	if (objects)
		join_type(to, names_type(j->s->names, n->type),
			  levelled ? n->live_count : count.slope, bytes.slope);
	to->site.samples += n->samples;
	to->site.estimated = n->estimated || (!is_first && to->site.estimated);
	to->site.growth_count_per_s += count.slope;
	to->site.growth_bytes_per_s += bytes.slope;
	to->site.outstanding_count += n->live_count;
	to->site.outstanding_bytes += n->live_bytes;
	v = &to->evidence;
	if ((double)n->oldest_ns / 1e9 > v->oldest_s)
		v->oldest_s = (double)n->oldest_ns / 1e9;
	if (quarters_of(n) > v->quarters)
		v->quarters = quarters_of(n);
	v->bursts += n->samples > 3 ? 3 : (unsigned)n->samples;
	v->one_block = one_block && (is_first || v->one_block);
	take_curve(v, &fit->curve, bytes.slope);
	if (levelled)
		v->levelled_bytes += n->live_bytes;
	v->weak &= is_impostor(j, n);
	v->waits_for_gc = false;
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
	if (site->verdict <= CLASS_GROWING)
		report_native_hint(j->r, site);
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

/* While blocks are exact, an object too big for a pool has its rate from its block. Else: what
 * grows outside of the pools, less what native sites account for. */
static double malloc_growth(const struct joiner *j)
{
	const struct session *s = j->s;
	struct trend_fit fit;

	/* mimalloc takes nothing from malloc, and counts its big blocks itself. */
	if (heap_has_mimalloc(s->heap)) {
		trend_set_fit(s->memory, TREND_MALLOC, &fit);
		return fit.growing && fit.slope > 0 ? fit.slope : 0;
	}
	if (s->native && native_state(s->native) == NATIVE_EXACT)
		return 0;
	trend_set_fit(s->memory, TREND_MALLOC, &fit);
	if (!fit.growing)
		return 0;
	for (size_t i = 0; i < j->native.n; i++)
		if (j->fit[i].bytes.growing && j->fit[i].bytes.slope > 0)
			fit.slope -= j->fit[i].bytes.slope;
	return fit.slope > 0 ? fit.slope : 0;
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
	};
	struct estimate e = {0};
	size_t n;
	const struct sample *v = ladder_samples(s->ladder, &n);
	int err;

	o.collections = session_collections(s);
	err = read_native(j);
	if (err)
		return err;
	if (s->native)
		balance_blocks(j);
	o.malloc_bytes_per_s = malloc_growth(j);
	trend_set_judge(s->memory, TREND_MALLOC, &j->malloc);
	err = estimate_sites(v, n, heap_can_count(s->heap) ? s->classes : NULL, &o, &e);
	j->estimate = &e;
	for (size_t i = 0; i < e.n; i++)
		join_estimate(j, &e.sites[i], run_s);
	for (size_t i = 0; i < j->native.n && !err; i++)
		join_native(j, &j->native.v[i], &j->fit[i]);
	estimate_free(&e);
	return err;
}

int session_fill_sites(struct session *s, struct report *r, struct report_process *p, double run_s)
{
	struct joiner j = {.s = s, .r = r};
	int err;

	s->no_native_stack = 0;
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
	for (size_t i = 0; i < p->n_sites && i < s->o.top; i++)
		add_sources(s, r, &p->sites[i]);
	return err;
}
