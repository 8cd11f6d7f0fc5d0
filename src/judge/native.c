/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Adds native blocks to the sites: finds which of them are growth, and which belong to objects
 * whose births were seen. */
#include <math.h>

#include "base/thresholds.h"
#include "judge/sites_priv.h"

#define NO_WAY_SHARE 1e-6
#define CALLER_SHARE 0.1

/* Are more than half of these bytes already counted in the size of objects of the same stack? */
static bool is_satellite(const struct joiner *j, uint64_t stack, double bytes_per_s)
{
	const uint64_t *left = map64_get(&j->satellites, stack);

	return left && *left > join_milli(bytes_per_s) / 2;
}

/* The same, and uses up the bytes that those objects account for. */
static bool take_satellite(struct joiner *j, uint64_t stack, double bytes_per_s)
{
	bool covered = is_satellite(j, stack, bytes_per_s);
	uint64_t *left = map64_get(&j->satellites, stack), want = join_milli(bytes_per_s);

	if (left)
		*left -= want < *left ? want : *left;
	return covered;
}

/* Is a bend in a series of samples only chance? A sum of samples wanders: the first half must have
 * more than its share by three standard errors of a count to call it slowing. */
static bool bend_is_noise(const struct native_site *n)
{
	const struct native_point *p = n->points, *last = p + n->n_points - 1;
	const struct native_point *mid = p + n->n_points / 2;
	double gained = last->count - p->count, share, error;

	if (n->n_points < 5 || !(gained > 0) || !n->samples)
		return false;
	share = (mid->t_s - p->t_s) / (last->t_s - p->t_s);
	error = sqrt(share * (1 - share) / (double)n->samples);
	return (mid->count - p->count) / gained - share < 3 * error;
}

/* May the silence since the last window that met new blocks be chance? Not said of fewer than
 * @fewest windows. Old recordings have no @met: each step of the series counts as a window. */
static bool silence_is_chance(const struct native_site *n, size_t fewest)
{
	const struct native_point *p = n->points;
	double last_s = n->met_s;
	size_t met = n->met;

	for (size_t i = 0; i < n->n_points && !n->met; i++)
		if (p[i].count > (i ? p[i - 1].count * (1 + NATIVE_MET_PART) : 0)) {
			met++;
			last_s = p[i].t_s;
		}
	return met >= fewest && n->mortality <= SITE_MORTAL &&
	       pow(last_s / p[n->n_points - 1].t_s, (double)met) > NATIVE_SILENCE;
}

/* Fits a native site's series of blocks that stayed, from the time on when blocks can be as old as
 * is asked for. @rises: memory rises, and no other site explains it. */
static void fit_native(const struct joiner *j, const struct native_site *n, bool rises,
		       struct native_fit *fit)
{
	double t[NATIVE_POINTS], c[NATIVE_POINTS], b[NATIVE_POINTS];
	size_t k = 0;
	bool is_known;

	for (size_t i = 0; i < n->n_points && i < NATIVE_POINTS; i++) {
		if (n->points[i].t_s < j->e->older_s)
			continue;
		t[k] = n->points[i].t_s;
		c[k] = n->points[i].count;
		b[k++] = n->points[i].bytes;
	}
	trend_fit(t, c, k, &fit->count);
	trend_fit(t, b, k, &fit->bytes);
	curve_judge(&(struct curve_points){.t = t, .v = b, .n = k, .grain = 1}, &fit->curve);
	is_known = fit->curve.shape != CURVE_UNKNOWN || (rises && !fit->bytes.growing);
	if (n->estimated && !curve_grows(&fit->curve) && is_known && n->n_points &&
	    silence_is_chance(n, rises ? 1 : NATIVE_MET_FEWEST)) {
		const struct native_point *all = &n->points[n->n_points - 1];

		/* no points: the curve is not known */
		fit->curve = (struct curve){.shape = CURVE_SLOWING};
		fit->count.growing = fit->bytes.growing = true;
		fit->count.slope = all->count / all->t_s;
		fit->bytes.slope = all->bytes / all->t_s;
	}
	if (fit->curve.shape == CURVE_LEVELLED)
		fit->bytes.growing = false;
}

/* Did blocks come and stay, and no more come? Only said if memory has grown by half of them: else
 * they may have taken the place of others. */
static bool has_levelled(const struct joiner *j, const struct native_site *n,
			 const struct native_fit *fit)
{
	return fit->curve.shape == CURVE_LEVELLED && j->malloc.gain > n->live_bytes / 2;
}

int join_native_read(struct joiner *j)
{
	trend_memory_judge(&j->e->memory.malloced, &j->malloc);
	j->fit = calloc(j->e->native.n + 1, sizeof(*j->fit));
	if (!j->fit)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < j->e->native.n; i++)
		fit_native(j, &j->e->native.v[i], false, &j->fit[i]);
	/* A single burst of long ago looks like a leak that one window met: such a site is believed
	 * only where those that go on do not explain the growth of memory. */
	if (j->malloc.shape != CURVE_RISING || j->e->memory.has_mimalloc ||
	    !native_may_be_silent(j, PROCESS_MOST * j->malloc.slope))
		return 0;
	for (size_t i = 0; i < j->e->native.n; i++)
		if (!native_goes_on(&j->fit[i])) {
			fit_native(j, &j->e->native.v[i], true, &j->fit[i]);
			j->fit[i].is_silent = true;
		}
	return 0;
}

/* Do existing blocks get bigger while no more come, like buffers that are written to for ever? */
static bool grows_in_place(const struct native_site *n, const struct trend_fit *count)
{
	return !n->estimated && !count->growing && n->live_count >= NATIVE_FEW_BLOCKS;
}

/* Have its bytes not risen in the last quarter of the series? */
static bool rests(const struct native_site *n)
{
	return !n->n_points ||
	       !(n->points[n->n_points - 1].bytes > n->points[3 * (n->n_points - 1) / 4].bytes);
}

/* In how many quarters of its series did a native site gain blocks, or (@in_place) bytes? */
static unsigned quarters_of(const struct native_site *n, bool in_place)
{
	unsigned q = 0;

	for (size_t k = 0; k < 4 && n->n_points >= 5; k++) {
		size_t from = k * (n->n_points - 1) / 4, to = (k + 1) * (n->n_points - 1) / 4;

		q += in_place ? n->points[to].bytes > n->points[from].bytes
			      : n->points[to].count > n->points[from].count;
	}
	return n->met && q > n->met ? n->met : q; /* each window stands for one quarter at most */
}

/* In how many moments were its blocks met, as far as it matters? Those of one window came by one
 * chance, however many they are; where all are seen, and in older recordings, each counts. */
static unsigned moments_of(const struct native_site *n)
{
	uint64_t met = n->estimated && n->met ? n->met : n->samples;

	return met > LEAK_BURSTS ? LEAK_BURSTS : (unsigned)met;
}

/* A full cache takes a block for each one from before the watch that it frees: equal rates give
 * it away. */
static bool takes_their_place(double gained, double freed)
{
	return freed > 0 && gained > 0.85 * freed && gained < 1.15 * freed;
}

static unsigned bin_of(const struct native_site *n)
{
	return evidence_bin(n->live_bytes / n->live_count);
}

/* Does it gain heap blocks, some of which may have taken the place of others? */
static bool gains(const struct native_site *n, double slope)
{
	return n->key.kind == PL_KIND_HEAP && slope > 0 && n->live_count > 0;
}

/* Was its container seen to only replace what it holds? */
static bool is_replaced(const struct joiner *j, const struct native_site *n)
{
	return map64_get(&j->replaced, n->key.stack);
}

/* Finds which gains only replace blocks from before the watch, by bin of size: these are no growth.
 * The frees of such blocks are set against the gains of sites that are known to replace; else of
 * the one site that gains at just that rate; else of all sites alike. */
void join_native_balance(struct joiner *j)
{
	double gained[PL_UNKNOWN_BINS] = {0}, freed[PL_UNKNOWN_BINS];
	double took[PL_UNKNOWN_BINS] = {0}; /* gain of sites that are known to replace */
	unsigned alike[PL_UNKNOWN_BINS] = {0};

	memcpy(freed, j->e->native.unknown_per_s, sizeof(freed));
	for (size_t i = 0; i < j->e->native.n; i++) {
		const struct native_site *n = &j->e->native.v[i];
		double slope = j->fit[i].count.slope;

		if (gains(n, slope) && is_replaced(j, n))
			took[bin_of(n)] += slope;
	}
	for (unsigned b = 0; b < PL_UNKNOWN_BINS; b++) {
		j->kept[b] = took[b] > freed[b] ? 1 - freed[b] / took[b] : 0;
		freed[b] = fmax(0, freed[b] - took[b]);
	}
	for (size_t i = 0; i < j->e->native.n; i++) {
		const struct native_site *n = &j->e->native.v[i];
		double slope = j->fit[i].count.slope;
		unsigned bin;

		if (!gains(n, slope) || is_replaced(j, n))
			continue;
		bin = bin_of(n);
		gained[bin] += slope;
		j->most[bin] = fmax(j->most[bin], n->live_count);
		if (!takes_their_place(slope, freed[bin]))
			continue;
		j->replacer[bin] = n;
		alike[bin]++;
	}
	for (unsigned b = 0; b < PL_UNKNOWN_BINS; b++) {
		if (alike[b] > 1)
			j->replacer[b] = NULL;
		j->balance[b] = freed[b] < gained[b] ? 1 - freed[b] / gained[b]
				: freed[b] > 0	     ? 0
						     : 1;
	}
}

/* The share of a site's gain that is growth, and no replacement. */
static double real_share(const struct joiner *j, const struct native_site *n)
{
	unsigned bin;

	if (n->key.kind != PL_KIND_HEAP || !(n->live_count > 0))
		return 1;
	bin = bin_of(n);
	/* windows do not see every free of a block from before us */
	if (is_replaced(j, n))
		return n->estimated ? 0 : j->kept[bin];
	if (j->replacer[bin])
		return n != j->replacer[bin];
	return j->balance[bin];
}

/* May this site's blocks be a leak's? In windows, a leak takes over addresses that others of the
 * same size have just freed: those seem to keep a few blocks. */
static bool is_impostor(const struct joiner *j, const struct native_site *n)
{
	return n->estimated && n->live_count > 0 && n->live_count < 0.15 * j->most[bin_of(n)];
}

/* In windows a block whose place was taken by another of its size seems to live on: a site is
 * believed only if memory outside of the pools grows. */
static bool shows_in_memory(const struct joiner *j, const struct native_site *n)
{
	/* beside mimalloc, what libc has is no part of that curve */
	return !n->estimated || j->e->memory.has_mimalloc || j->malloc.shape == CURVE_UNKNOWN ||
	       curve_grows(&j->malloc);
}

static enum report_kind kind_of(const struct native_site *n)
{
	if (n->checked && 2 * n->objects > n->checked)
		return KIND_OBJECT;
	return n->key.kind == PL_KIND_MMAP ? KIND_MMAP : KIND_HEAP;
}

/* Adds live blocks to a site; each stands for @times as many. */
static void add_live(struct joined *to, const struct native_site *n, double times)
{
	to->site.outstanding_count += n->live_count * times;
	to->site.outstanding_bytes += n->live_bytes * times;
	to->site.waste_bytes += n->waste_bytes * times;
	to->evidence.oldest_s = fmax(to->evidence.oldest_s, (double)n->oldest_ns / 1e9);
}

/* The share of the site that came by the way through C code that would be shown. */
static double way_share(const struct evidence_way *way)
{
	return way && way->frame ? way->share : NO_WAY_SHARE;
}

/* Weight of a way when two callers of one line compete to be shown: a whole way says more than a
 * caller alone, and that more than nothing. The one of which more is known wins, unless the other
 * takes ten times as much. */
static double way_words(const struct evidence_way *way)
{
	return way && way->frame && way->n < 2 ? CALLER_SHARE : 1;
}

/* Does measured memory outside of the pools slow down, and is nearly all of it this site's @per_s?
 * Then it is right, and not a few samples. */
static bool memory_slows(const struct joiner *j, double per_s)
{
	return !j->e->memory.has_mimalloc && j->malloc.shape == CURVE_SLOWING &&
	       per_s > NATIVE_MOST * j->malloc.slope;
}

/* The curve of one site: slowing where memory slows and this site is nearly all of it; rising where
 * its bend is noise, and rising all along where samples make its end steep. Its rate is not cut by
 * fit->room here: where memory slows, there is room only for what comes of late. */
static struct curve curve_of(const struct joiner *j, const struct native_site *n,
			     const struct native_fit *fit)
{
	double per_s = fit->bytes.slope * real_share(j, n);
	struct curve c = fit->curve;

	if (n->estimated && curve_grows(&c) && memory_slows(j, per_s)) {
		c.shape = CURVE_SLOWING;
	} else if (c.shape == CURVE_SLOWING && n->estimated && bend_is_noise(n)) {
		c.shape = CURVE_RISING;
		c.confidence = NATIVE_NOISY_SURE;
	} else if (c.shape == CURVE_RISING && n->estimated && c.since_s < LEAK_RISE_S &&
		   c.late > 1 && c.late < NATIVE_EVEN) {
		c.since_s = c.span_s;
	}
	return c;
}

/* Is it worth a site? @bytes: its growth, of which the share @real is no exchange of blocks. */
static bool is_growth(const struct joiner *j, const struct native_site *n,
		      const struct trend_fit *bytes, double real)
{
	return bytes->growing && bytes->slope > 0 && real >= 0.1 && shows_in_memory(j, n);
}

/* Growth outside of the pools, without that of sites whose growth is known better. */
static double unowned_growth(const struct joiner *j)
{
	struct trend_fit fit;

	trend_judged_fit(&j->e->memory.malloced, &j->malloc, &fit);
	for (size_t i = 0; i < j->satellites.cap; i++)
		if (j->satellites.slot[2 * i])
			fit.slope -= (double)j->satellites.slot[2 * i + 1] / 1000;
	for (size_t i = 0; i < j->e->native.n; i++)
		if (!j->e->native.v[i].estimated && kind_of(&j->e->native.v[i]) != KIND_OBJECT &&
		    j->fit[i].bytes.growing)
			fit.slope -= j->fit[i].bytes.slope * real_share(j, &j->e->native.v[i]);
	return fit.slope > 0 ? fit.slope : 0;
}

/* Growth per second of a site that windows told of; 0: it is none, or is counted elsewhere. */
static double told_by_windows(const struct joiner *j, size_t i)
{
	const struct native_site *n = &j->e->native.v[i];
	const struct trend_fit *bytes = &j->fit[i].bytes;
	double real = real_share(j, n);

	return n->estimated && kind_of(n) != KIND_OBJECT && is_growth(j, n, bytes, real) &&
			       !is_satellite(j, n->key.stack, bytes->slope * real)
		       ? bytes->slope * real
		       : 0;
}

void join_native_told(struct joiner *j)
{
	for (size_t i = 0; i < j->e->native.n; i++) {
		const struct native_site *n = &j->e->native.v[i];

		j->fit[i].told = told_by_windows(j, i);
		j->fit[i].may = is_impostor(j, n) ? 0 : real_share(j, n);
		j->fit[i].room = j->fit[i].times = 1;
	}
	if (!j->e->memory.has_mimalloc)
		join_native_share(j, unowned_growth(j));
}

/* Adds a native site. Blocks that are bodies of objects go to the object site of that line;
 * satellites of objects whose births were seen are in the size of those already. The rest gets a
 * site of its own. */
void join_native(struct joiner *j, const struct native_site *n, struct native_fit *fit)
{
	const struct evidence_stack *st = evidence_stack(j->e, native_named(n));
	struct trend_fit count = fit->count, bytes = fit->bytes;
	enum report_kind kind = kind_of(n);
	const struct evidence_way *way;
	struct verdict_evidence *v;
	struct joined *to;
	struct curve curve;
	double real = real_share(j, n) * fit->room, via, rank;
	bool one_block = !count.growing && n->live_count < NATIVE_FEW_BLOCKS, is_first, levelled;
	bool in_place = grows_in_place(n, &count);

	count.slope *= real * fit->times;
	bytes.slope *= real * fit->times;
	log_debug("native site %llx+%llx: %.0f live, %.0f bytes (%.0f/s), %u of %u objects, %zu "
		  "points, %.2f of them mortal",
		  (unsigned long long)n->key.stack, (unsigned long long)n->key.caller,
		  n->live_count, n->live_bytes, bytes.slope, n->objects, n->checked, n->n_points,
		  n->mortality);
	levelled = has_levelled(j, n, fit);
	if (levelled)
		bytes.slope = count.slope = 0;
	if ((!st && n->key.stack) || (!levelled && !is_growth(j, n, &bytes, real)) ||
	    (kind != KIND_OBJECT && take_satellite(j, n->key.stack, bytes.slope)))
		return;
	to = st ? join_stack(j, st, kind) : join_bare(j, &n->key, kind);
	if (!to)
		return;
	fit->is_joined = true;
	to->native_bytes_per_s += bytes.slope;
	to->likely_bytes_per_s += native_likely(n, fit, bytes.slope);
	way = evidence_way(j->e, n->key.stack, n->key.caller);
	via = bytes.slope * way_share(way);
	rank = via * way_words(way);
	if (rank > to->via_rank) {
		to->via_stack = n->key.stack;
		to->via = n->key.caller;
		to->via_rank = rank;
		to->via_bytes_per_s = via;
	}
	is_first = !(to->site.growth_bytes_per_s > 0);
	count.slope = fmax(count.slope, 0); /* 0 if not known, too */
	if (kind == KIND_OBJECT)
		join_type(to, &(struct joined_type){.name = evidence_type(j->e, n->type),
						    .count = levelled ? n->live_count : count.slope,
						    .bytes = bytes.slope,
						    .cls = EVIDENCE_MALLOC,
						    .is_held = levelled});
	to->site.samples += n->samples;
	to->site.estimated = n->estimated || (!is_first && to->site.estimated);
	to->site.growth_count_per_s += count.slope;
	to->site.growth_bytes_per_s += bytes.slope;
	add_live(to, n, fit->times);
	v = &to->evidence;
	if (quarters_of(n, in_place) > v->quarters)
		v->quarters = quarters_of(n, in_place);
	if (one_block)
		v->bigger = quarters_of(n, true);
	v->bursts += moments_of(n);
	v->one_block = one_block && (is_first || v->one_block);
	v->rests = one_block && rests(n);
	if (bytes.slope >= v->curve_bytes_per_s) {
		to->site.in_place = in_place;
		/* a block that moved to get bigger looked like a new one that replaced another */
		v->mean_age_s = in_place ? 0 : v->mean_age_s;
	}
	curve = curve_of(j, n, fit);
	join_curve(v, &curve, bytes.slope);
	if (levelled)
		v->levelled_bytes += n->live_bytes;
	v->weak &= is_impostor(j, n) || (n->mortality > SITE_MORTAL && fit->room < 1);
	v->waits_for_gc = false;
}

/* Adds live blocks of callers that have stopped to the site of a line that grows: before the
 * interpreter had specialized the line, its call came from elsewhere. */
void join_native_stopped(struct joiner *j)
{
	for (size_t i = 0; i < j->e->native.n; i++) {
		const struct native_site *n = &j->e->native.v[i];
		const struct evidence_stack *st = evidence_stack(j->e, native_named(n));
		struct joined *to;

		if (j->fit[i].is_joined || n->estimated || kind_of(n) == KIND_OBJECT || !st ||
		    map64_get(&j->satellites, n->key.stack))
			continue;
		to = join_find(j, st, kind_of(n));
		if (to)
			add_live(to, n, 1);
	}
}

/* Bytes of memory taken for each byte of the site's blocks. */
static double taken_per_byte(const struct joiner *j, const struct native_site *n)
{
	double bytes = n->live_count > 0 ? n->live_bytes / n->live_count : 0;

	return j->in_chunks && n->key.kind == PL_KIND_HEAP && bytes > 0
		       ? (double)evidence_chunk(bytes) / bytes
		       : 1;
}

/* Growth outside of the pools that is left for objects: what native sites account for is taken off.
 * While every block is seen it is 0: an object too big for a pool has its rate from its block. */
double join_native_rest(struct joiner *j)
{
	const struct evidence_native *native = &j->e->native;
	/* mimalloc takes nothing from malloc, and counts its big blocks itself. */
	bool is_apart = j->e->memory.has_mimalloc;
	struct trend_fit fit;

	if (native->is_watched && native->is_exact && !is_apart)
		return 0;
	trend_judged_fit(&j->e->memory.malloced, &j->malloc, &fit);
	if (!fit.growing)
		return 0;
	for (size_t i = 0; i < native->n && !is_apart; i++) {
		double real = real_share(j, &native->v[i]);

		if (!is_growth(j, &native->v[i], &j->fit[i].bytes, real))
			continue;
		fit.slope -= j->fit[i].bytes.slope * real * taken_per_byte(j, &native->v[i]);
		map64_put(&j->traced, native->v[i].key.stack);
	}
	return fit.slope > 0 ? fit.slope : 0;
}
