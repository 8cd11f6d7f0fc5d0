/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finishes the joined sites: their types, their verdict, and which of them are shown. */
#include <math.h>

#include "base/thresholds.h"
#include "base/work.h"
#include "judge/sites_priv.h"

/* Shows native frames among the Python ones. The Python frames identify the site; native ones say
 * how the memory was taken: always shown for blocks, for objects only where code other than the
 * interpreter's took part. */
static void show_native(struct joiner *j, struct joined *to)
{
	struct report_frame *frames;
	const struct evidence_stack *st = evidence_stack(j->e, to->via_stack);
	bool objects = to->site.kind == KIND_OBJECT;
	size_t n = 0;

	if (!(to->via_bytes_per_s > 0) || !j->e->native.has_ways)
		return;
	if (objects && to->via_stack == EVIDENCE_NO_FRAME)
		join_show_nowhere(j, to);
	if (!st)
		return;
	if (st->n == to->site.n_frames)
		n = join_native_frames(j, to->via_stack, to->via, st, to->site.stack, &frames);
	if (!n)
		j->no_way += !objects;
	if (!n || (objects && !foreign_frame(frames, n, false)))
		return;
	to->site.stack = frames;
	to->site.n_frames = n;
	if (!objects && to->native_bytes_per_s > 0)
		to->site.native_share = to->via_bytes_per_s / to->native_bytes_per_s;
}

static int by_count(const void *a, const void *b)
{
	const struct joined_type *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
	const struct joined_type *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Leaves out what stacks hold that grow no more, where others grow: a number and a rate have no
 * sum. */
static void keep_one_kind(struct joined *to)
{
	bool grows = false;
	size_t kept = 0;

	for (size_t i = 0; i < to->types.n; i++)
		grows |= !to->types.v[i].is_held && to->types.v[i].count > 0;
	for (size_t i = 0; i < to->types.n; i++)
		if (!grows || !to->types.v[i].is_held)
			to->types.v[kept++] = to->types.v[i];
	to->types.n = kept;
}

/* Joins types of one name, and sorts them by count. */
static void fold_types(struct joined *to)
{
	struct joined_type *v = to->types.v;
	size_t kept = 0;

	qsort(v, to->types.n, sizeof(*v), by_name);
	for (size_t i = 1; i < to->types.n; i++)
		if (!strcmp(v[i].name, v[kept].name)) {
			v[kept].count += v[i].count;
			v[kept].bytes += v[i].bytes;
		} else {
			v[++kept] = v[i];
		}
	to->types.n = kept + 1;
	qsort(v, to->types.n, sizeof(*v), by_count);
}

/* Shares are of the objects, so that growth_count_per_s x share is a type's own rate. */
static void finish_types(struct joiner *j, struct joined *to)
{
	double all = 0;

	if (!to->types.n)
		return;
	keep_one_kind(to);
	fold_types(to);
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

static double collected_s(const struct evidence *e)
{
	const struct evidence_objects *o = &e->objects;
	uint64_t before_ns = 0;

	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].collections < o->collections && o->v[i].born_ns > before_ns)
			before_ns = o->v[i].born_ns;
	return before_ns ? (double)(e->now_ns - before_ns) / 1e9 : 0;
}

/* Did all that its memory gained come after the last full collection? Then that collection says
 * nothing about it, not even through a survivor that seems older, since another object may lie in
 * its place. The next one may be hours away: this waits for a limited time. */
static bool is_uncollected(const struct joiner *j, const struct joined *t)
{
	const struct curve *c = &t->evidence.curve;

	return t->site.kind == KIND_OBJECT && c->since_s > 0 && c->since_s <= j->collected_s &&
	       c->since_s < BLOCK_WAITS_MOST_S &&
	       c->gain <= GOES_ON_APART * c->slope * c->since_s && !holders_spared(j->e, &t->site);
}

/* Are these blocks of C code, which windows met, most of what memory gains in a straight line, even
 * without Gehrels' factor, and does the container they hang from grow as long? Then the curve of
 * memory is theirs, however few windows met them. */
static bool is_what_grows(const struct joiner *j, const struct joined *t)
{
	return t->site.kind == KIND_HEAP && t->site.estimated && !j->e->memory.has_mimalloc &&
	       j->malloc.shape == CURVE_RISING &&
	       t->likely_bytes_per_s >= PROCESS_MOST * j->malloc.slope &&
	       holders_grow_on(j->e, &t->site);
}

static uint64_t container_of(const struct joiner *j, const struct joined *t)
{
	const struct holder_fact *f = holders_find(j->e, t->site.id, t->site.kind);

	return f && f->is_known && f->is_one ? f->fill.addr : 0;
}

/* Growth of this site and of all others in the same container. */
static double grows_together(const struct joiner *j, const struct joined *t)
{
	uint64_t in = container_of(j, t);
	double sum = in ? 0 : t->site.growth_bytes_per_s;

	for (size_t i = 0; in && i < j->v.n; i++)
		if (j->v.v[i].site.kind == KIND_OBJECT && container_of(j, &j->v.v[i]) == in)
			sum += j->v.v[i].site.growth_bytes_per_s;
	return sum;
}

/* Do nearly all of the site's bytes lie in pools? Only then the pools' curve tells of it. */
static bool is_in_pools(const struct joined *t)
{
	double in = 0, all = 0;

	for (size_t i = 0; i < t->types.n; i++) {
		all += t->types.v[i].bytes;
		in += t->types.v[i].cls < EVIDENCE_CLASSES ? t->types.v[i].bytes : 0;
	}
	return all > 0 && in >= SLOWS_PART * all;
}

/* Calls a site slowing when the pools as a whole slow down and it takes most of what they gained:
 * their sum has less noise than one size class, whose bend may not stand out yet. */
static void slow_with_pools(const struct joiner *j, const struct curve *pools, struct joined *to)
{
	struct curve *c = &to->evidence.curve;

	if (to->site.kind == KIND_OBJECT && c->shape == CURVE_RISING && c->late < SLOWS_LATE &&
	    !(c->fastest > 0) && is_in_pools(to) && !c->ebbs && !pools->ebbs &&
	    (pools->shape == CURVE_SLOWING || pools->shape == CURVE_LEVELLED) &&
	    grows_together(j, to) * pools->span_s >= SLOWS_PART * pools->gain) {
		c->shape = CURVE_SLOWING;
		c->fills = pools->fills;
	}
}

static void finish_site(struct joiner *j, const struct curve *pools, struct joined *to)
{
	struct report_site *site = &to->site;

	show_native(j, to);
	finish_types(j, to);
	/* native blocks of the site were not born in known moments: then not known */
	site->independent = to->variance > 0 && (double)site->samples <= to->births
				    ? to->births * to->births / to->variance
				    : NAN;
	site->oldest_s = to->evidence.oldest_s;
	to->evidence.run_s = j->run_s;
	to->evidence.stopped_s = site->kind == KIND_OBJECT ? j->e->objects.stopped_s : 0;
	to->evidence.process_bytes =
		j->e->seen.rss_bytes == REPORT_UNKNOWN ? 0 : (double)j->e->seen.rss_bytes;
	to->evidence.samples = site->samples;
	to->evidence.growth_bytes_per_s = site->growth_bytes_per_s;
	to->evidence.gained = site->growth_count_per_s * to->window_s;
	to->evidence.waits_for_gc |= is_uncollected(j, to);
	to->evidence.waits_for_gc &= !holders_rooted(j->e, site);
	to->evidence.goes_on |= holders_go_on(j->e, site, to->youngest_s);
	/* A silence that may be chance tells of no curve, however many quarters it comes after. */
	if ((to->evidence.quarters < LEAK_QUARTERS || to->evidence.bursts < LEAK_BURSTS ||
	     !to->evidence.curve.points) &&
	    is_what_grows(j, to)) {
		to->evidence.goes_on = to->evidence.is_kept = true;
		to->evidence.curve = j->malloc;
	}
	to->evidence.is_fed = holders_are_fed(j->e, site);
	to->evidence.paced_s = fmax(to->evidence.paced_s, holders_paced_s(j->e, site));
	to->evidence.counted_in = holders_paced(j->e, site, &to->evidence.counted_per_s);
	to->evidence.may_keep_pace = holders_may_keep_pace(j->e, site);
	slow_with_pools(j, pools, to);
	/* No cache keeps what nothing points to. */
	if (to->evidence.curve.fills && holders_spared(j->e, site)) {
		to->evidence.curve.fills = false;
		to->evidence.curve.shape = CURVE_RISING;
	}
	verdict_site(j->r, &to->evidence, site);
	if (site->kind == KIND_MMAP && site->verdict <= CLASS_GROWING)
		report_mapping_hint(site);
}

/* Are there enough samples to show the site? One block is one sample, however often it gets bigger:
 * it is shown if memory rises with it. */
static bool is_seen(const struct joiner *j, const struct joined *t)
{
	return t->site.samples >= SITE_FEWEST ||
	       (t->evidence.one_block && !t->evidence.rests && !t->site.estimated &&
		j->malloc.shape == CURVE_RISING && t->evidence.bigger >= SITE_BLOCK_QUARTERS);
}

/* Judges all sites and shows those that grow. A single block that gets bigger is mostly a
 * container's table, which grows by what is put into it: shown only if nothing else grows. */
void join_finish(struct joiner *j, struct report_process *p)
{
	struct curve pools = p->live_curve;
	bool others = false;

	work_judge(&j->e->memory.work, &j->e->memory.live, &pools);
	j->collected_s = collected_s(j->e);
	p->malloc_curve = j->malloc;
	for (size_t i = 0; i < j->v.n; i++) {
		finish_site(j, &pools, &j->v.v[i]);
		others |= j->v.v[i].site.verdict <= CLASS_GROWING &&
			  !j->v.v[i].evidence.one_block && is_seen(j, &j->v.v[i]);
	}
	for (size_t i = 0; i < j->v.n; i++) {
		const struct joined *t = &j->v.v[i];

		if (t->site.verdict != CLASS_STEADY && !(others && t->evidence.one_block) &&
		    is_seen(j, t))
			p->sites[p->n_sites++] = t->site;
	}
}
