/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells each site who holds its objects: the path, a hint, and a verdict held back where the
 * container has a bound, or does not grow. */
#include "base/thresholds.h"
#include "judge/sites_priv.h"
#include "report/descriptors.h"

const struct holder_fact *holders_find(const struct evidence *e, const char *id,
				       enum report_kind kind)
{
	for (size_t i = 0; i < e->n_holders; i++)
		if (e->holder[i].kind == kind && !strcmp(e->holder[i].id, id))
			return &e->holder[i];
	return NULL;
}

bool holders_is_worth(const struct report_site *site)
{
	return (site->kind == KIND_OBJECT || site->kind == KIND_HEAP) &&
	       site->verdict <= CLASS_GROWING;
}

/* Did the container stand still within the search itself, though the site would have added entries,
 * or was it read while it filled, and stands now? */
static bool stood_still(const struct holder_fact *f, const struct report_site *site)
{
	size_t i = report_holder_container(&f->holder);
	double came = f->has_new_entries ? site->growth_count_per_s * HOLDER_WATCH_S : 0;

	return i < f->holder.n && !(f->holder.step[i].growth_per_s > 0) &&
	       (came >= REST_SURE_ADDS ||
		(f->is_one && site->verdict != CLASS_LEAK && fill_fades(&f->fill)));
}

/* Does what is said of a resting container go for the whole site? */
static bool speaks_for(const struct holder_fact *f, double came, const struct report_site *site)
{
	if (site->verdict == CLASS_LEAK)
		return (f->has_new_entries || (f->is_one && holders_come_as_entries(f))) &&
		       came >= REST_SURE_ADDS;
	return f->is_one || f->has_new_entries;
}

static bool is_root(const struct report_holder *h, const char *name)
{
	return h->root && !strcmp(h->root, name);
}

/* The container holds many of the objects, and has not grown as they did. Blocks that C code has
 * lost are left out: a lost chain as a whole gets no more, and the next one is another. */
static bool lags(const struct holder_fact *f, const struct report_site *site)
{
	return !f->holder.is_chain && !is_root(&f->holder, "unreferenced") &&
	       fill_lags(&f->fill, site->growth_count_per_s * f->holder.in_container);
}

/* Bound, in entries, of the container that a hint would name; 0 = none is known. */
static uint64_t bound_of(const struct report_holder *h)
{
	size_t i = report_holder_container(h);

	return i < h->n ? h->step[i].most : 0;
}

/* Does its line start threads that go on? Each has such a block, to which only its registers and
 * its stack, of which little is read, need to point. */
static bool is_of_threads(const struct report_process *p, const struct report_site *site)
{
	char id[17];

	report_site_id(site->stack, site->n_frames, KIND_THREAD, id);
	for (size_t i = 0; site->kind == KIND_HEAP && i < p->n_sites; i++)
		if (p->sites[i].kind == KIND_THREAD && p->sites[i].verdict <= CLASS_GROWING &&
		    !report_is_child(&p->sites[i]) && !strcmp(p->sites[i].id, id))
			return true;
	return false;
}

static void tell(struct report *r, const struct report_process *p, const struct holder_fact *f,
		 struct report_site *site)
{
	struct report_holder holder = f->holder;
	double rests_s = fill_rests_s(&f->fill, site->growth_count_per_s), since_s;
	uint64_t bound = bound_of(&f->holder);
	struct verdict_bound b;

	holder.rests = rests_s > 0 || stood_still(f, site) || (!f->is_one && lags(f, site));
	holder.entries_grow = rests_s > 0 && f->is_one && !f->has_new_entries &&
			      site->outstanding_count > REST_EACH * (double)f->fill.last;
	/* Full, emptied, or only some objects are in it: it is not what grows, or not alone. @fill
	 * may be of another container on the path, and says nothing of a bound but its own. */
	holder.bounded = (bound && bound != f->fill.most) ||
			 (f->is_one && fill_is_cut(&f->fill, site->oldest_s, &since_s)) ||
			 (f->fill.addr && f->fill.most &&
			  (!fill_is_filling(&f->fill, &b) || verdict_bounded(r, p, &b, site)));
	if (f->replaces)
		verdict_elsewhere(r, f->fill.what, f->fill.last, site);
	else if (rests_s > 0 && !holder.entries_grow &&
		 speaks_for(f, rests_s * site->growth_count_per_s, site))
		verdict_rests(r, f->fill.what, f->fill.last, rests_s, site);
	if (is_root(&holder, "unreferenced") && is_of_threads(p, site))
		site->hint = (struct report_hint){
			"thread-not-ended", "each thread that is started here has such memory, and "
					    "gives it back when it ends"};
	else
		report_hold(r, &holder, site);
}

/* May a full collection free them? Even if they seem to have outlived one: another object that
 * looks alike may lie in the same place. */
static bool may_be_garbage(const struct report_holder *h)
{
	bool is_off = h->gc_known && !h->gc_enabled;

	return is_root(h, "cycle") && !h->frozen && !h->uncollectable && !is_off;
}

/* Is the site BLOCK_WAITS_S old, and were there @collections full collections since the birth of an
 * object that is no older than the site? */
static bool outlives(const struct evidence *e, const struct report_site *site, uint64_t collections)
{
	for (size_t i = 0; site->oldest_s >= BLOCK_WAITS_S && i < e->objects.n; i++)
		if ((double)(e->now_ns - e->objects.v[i].born_ns) <= site->oldest_s * 1e9 &&
		    e->objects.v[i].collections + collections <= e->objects.collections)
			return true;
	return false;
}

/* May a full collection still free blocks that only a cycle owns? One in their time would have
 * freed them. Only births tell of collections: where none are watched, the wait ends after
 * BLOCK_WAITS_MOST_S. */
static bool may_free_blocks(const struct evidence *e, const struct report_site *site)
{
	if (outlives(e, site, 1))
		return false;
	for (size_t i = 0; i < e->objects.n; i++) {
		double age_s = (double)(e->now_ns - e->objects.v[i].born_ns) / 1e9;

		if (age_s >= BLOCK_WAITS_MOST_S && age_s <= site->oldest_s)
			return true;
	}
	return site->oldest_s < BLOCK_WAITS_MOST_S;
}

/* Is it a root from which objects of one cause have one path? From other roots the paths part for
 * each object: by thread, by frame, by the shape of a cycle. */
static bool lives_on(const struct report_holder *h)
{
	return is_root(h, "module") || is_root(h, "static") || is_root(h, "interpreter");
}

/* The container grows, and nothing is known to stop it. */
static bool is_filled(const struct holder_fact *f)
{
	size_t i = report_holder_container(&f->holder);

	return !bound_of(&f->holder) &&
	       ((f->fill.addr && f->fill.last > f->fill.first && !f->fill.most) ||
		(i < f->holder.n && f->holder.step[i].growth_per_s > 0));
}

/* Objects that one entry of collection @in may be made of. Containers further along the path that
 * have fewer entries than @in may have count as records: their entries are part of it. */
static double entry_objects(const struct report_holder *h, size_t in)
{
	double n = 1;

	for (size_t i = in + 1; i < h->n; i++)
		if (h->step[i].entries < h->step[in].most)
			n *= 1 + (double)h->step[i].entries;
	return fmax(n, REST_EACH);
}

/* Are the objects in ring buffers, one for each name of a dict that does not grow? Then they are no
 * more than all buffers have room for. The paths part at the names. */
static bool fills_many(const struct holder_fact *f, const struct report_site *site)
{
	const struct report_holder *h = &f->holder;
	const struct fill *names = &f->fill;
	size_t in = report_holder_innermost(h);
	bool grows = names->last > names->first;

	for (size_t i = 0; in < h->n && i < in; i++)
		grows |= h->step[i].growth_per_s > 0;
	return in < h->n && f->is_one && names->addr && !names->most && !grows &&
	       h->step[in].most &&
	       site->outstanding_count <=
		       entry_objects(h, in) * (double)names->last * (double)h->step[in].most;
}

/* Says why it is not known who holds them: a search is for a few sites, the first ones first. One
 * that was not over when the watch or the process ended is not gone on with. */
static const char *no_answer(const struct evidence *e, const struct report *r,
			     const struct holder_fact *f)
{
	if (e->asks && (r->final || e->seen.exited))
		return "what holds them was not found in this time";
	if (e->asks)
		return e->seen.is_told_later ? "what holds them was not known yet"
					     : "what holds them is being looked up";
	return f ? "what holds them was not found" : "what holds them was not looked up yet";
}

static const char no_part[] = "what holds many of them does not grow as they do";

/* Do blocks hang from entries of a container that does not grow, and from nothing else on the path
 * that may grow unseen: another container with entries, a table of C code? An empty container is
 * passed: it holds no more than what it takes itself. */
static bool hangs_from_calm(const struct holder_fact *f, const struct report_site *site)
{
	const struct report_holder *h = &f->holder;
	size_t filled = 0;

	for (size_t i = 0; i + 1 < h->n; i++) {
		const struct report_holder_step *s = &h->step[i];

		filled += s->entries && s->entries != REPORT_UNKNOWN;
		if (s->type && !strcmp(s->type, "memory of C code"))
			return false;
	}
	return filled == 1 && lags(f, site);
}

/* Says why the objects may be no leak, from who holds them; NULL: no reason found. */
static const char *excuse(const struct evidence *e, const struct report *r,
			  const struct holder_fact *f, const struct report_site *site)
{
	if (!f || !f->is_known)
		return no_answer(e, r, f);
	if (may_be_garbage(&f->holder) &&
	    !(f->holder.through_c && outlives(e, site, CYCLE_OUTLIVES)))
		return "only a cycle holds them, which the next full collection may free";
	if (fills_many(f, site))
		return "each of what holds them has a bound";
	if (f->is_one || is_filled(f) || !lives_on(&f->holder))
		return f->is_one || !lags(f, site) ? NULL : no_part;
	if (report_holder_is_full(&f->holder))
		return "what holds some of them is full, and what holds the others differs";
	if (bound_of(&f->holder))
		return "what holds some of them has a bound, and what holds the others differs";
	if (holders_come_as_outer_entries(f) && lags(f, site))
		return no_part;
	return f->holder.share >= HOLDER_MOST ? NULL
	       : f->holder.in_container >= HOLDER_MOST
		       ? "one container holds most of them, in different ways"
		       : "what holds them differs from one to the next";
}

/* The same for blocks of C code, which may belong to an object: a deque in a cycle. A few blocks
 * are no leak before it is known who holds them; many whose search found nothing may be one. */
static const char *excuse_block(const struct evidence *e, const struct report *r,
				const struct holder_fact *f, const struct report_site *site)
{
	if (f && f->is_known) {
		if (may_be_garbage(&f->holder) && may_free_blocks(e, site))
			return "only a cycle holds what they belong to, which the next full "
			       "collection may free";
		/* windows miss some frees, and nothing points to a freed block */
		if (site->estimated && is_root(&f->holder, "unreferenced") &&
		    f->holder.share < HOLDER_LOST)
			return "nothing holds some of them, which may be freed by now";
		return hangs_from_calm(f, site) ? no_part : NULL;
	}
	if (site->estimated ? site->samples >= HOLDER_BLOCKS && (f || site->oldest_s >= GC_WAIT_S)
			    : !e->asks || site->samples >= HOLDER_BLOCKS_SEEN)
		return NULL;
	return no_answer(e, r, f);
}

/* The excuse of a container that was emptied: what came since may go the same way. */
static const char *cut(struct report *r, const struct holder_fact *f,
		       const struct report_site *site)
{
	char was[32], now[32], ago[32];
	double since_s;
	bool is_old;

	if (!f || !f->is_known || !f->is_one || !fill_is_cut(&f->fill, site->oldest_s, &since_s))
		return NULL;
	/* no new entries since: another container may have taken its place */
	is_old = f->fill.last == f->fill.first;
	return report_printf(
		r, "the %s that holds them was emptied of %s entries %s ago, and %s %s %s",
		f->fill.what, fmt_integer(was, sizeof(was), f->fill.peak),
		fmt_duration(ago, sizeof(ago), since_s), is_old ? "had" : "has",
		fmt_integer(now, sizeof(now), f->fill.last), is_old ? "then" : "now");
}

static void tell_bounded(struct report *r, const char *why, struct report_site *site)
{
	verdict_excused(r, why, site);
	site->is_bounded = true;
}

/* Are these pages that SQLite caches? It keeps 2 MB for each connection unless told otherwise. */
static bool is_page_cache(const struct report_site *site)
{
	size_t i = 0;

	while (i < site->n_frames && site->stack[i].native && site->stack[i].minor)
		i++;
	return site->kind == KIND_HEAP && i < site->n_frames && site->stack[i].native &&
	       site->stack[i].module && strstr(site->stack[i].module, "/libsqlite3.so") &&
	       site->outstanding_bytes >= PAGE_BYTES * site->outstanding_count &&
	       site->outstanding_bytes < PAGE_CACHE_BYTES;
}

/* The census's row of connections to SQLite; NULL: it has none, or may have missed some. */
static const struct report_class_row *connections(const struct report_process *p)
{
	for (size_t i = 0; i < p->n_classes; i++)
		if (p->classes[i].name && !strcmp(p->classes[i].name, "sqlite3.Connection") &&
		    p->classes[i].tracked == p->classes[i].count)
			return &p->classes[i];
	return NULL;
}

/* Does a line make objects of a type that may stay? */
static bool has_line(const struct report_process *p, const char *type)
{
	for (size_t i = 0; i < p->n_sites; i++)
		for (size_t k = 0; k < p->sites[i].n_types; k++)
			if (p->sites[i].verdict <= CLASS_GROWING &&
			    !strcmp(p->sites[i].types[k].name, type))
				return true;
	return false;
}

/* Excuses pages of SQLite's cache, unless connections get more: each has a cache of its own. */
static void tell_pages(struct report *r, const struct report_process *p, struct report_site *site)
{
	const struct report_class_row *c = connections(p);
	const char *there = "how many there are", *why;
	char n[32];

	if (c && c->gain >= LEAK_SAMPLES && c->late >= TYPE_LATE)
		return;
	if (c && (c->count == 1 || c->gain <= 0) && !has_line(p, c->name)) {
		tell_bounded(r, "pages of SQLite's cache, which has a bound (cache_size)", site);
		return;
	}
	if (c && c->count > 1)
		there = report_printf(r, "there are %s, and whether they get more",
				      fmt_integer(n, sizeof(n), c->count));
	why = report_printf(r,
			    "pages of SQLite's cache, which has a bound for each connection "
			    "(cache_size); %s is not known",
			    there);
	verdict_excused(r, why, site);
}

/* Are these names in CPython's method cache? Its 4,096 entries are in no container of Python: a
 * name that is made anew at each call goes into one, and out when another comes. */
static bool is_method_cache(const struct report_holder *h, const struct report_site *site)
{
	return report_holder_is_own(h) && site->kind == KIND_OBJECT &&
	       site->outstanding_count <= METHOD_CACHE_ENTRIES && h->n == 1 && h->step[0].type &&
	       !strcmp(h->step[0].type, "str") && h->share >= METHOD_CACHE_SHARE;
}

void holders_tell(const struct evidence *e, struct report *r, struct report_process *p)
{
	for (size_t i = 0; i < p->n_sites; i++) {
		struct report_site *site = &p->sites[i];
		const struct holder_fact *f =
			holders_is_worth(site) ? holders_find(e, site->id, site->kind) : NULL;
		const char *why = site->verdict != CLASS_LEAK ? NULL
				  : site->kind == KIND_OBJECT ? excuse(e, r, f, site)
				  : site->kind == KIND_HEAP   ? excuse_block(e, r, f, site)
							      : NULL;

		const char *ends = cut(r, f, site);

		if (!ends)
			ends = holders_slow(e, r, p, f, site);
		site->ends |= ends != NULL;
		if (!why)
			why = ends;
		if (why)
			verdict_excused(r, why, site);
		if (is_page_cache(site) && site->verdict <= CLASS_GROWING)
			tell_pages(r, p, site);
		if (f && f->is_known && is_method_cache(&f->holder, site))
			tell_bounded(r,
				     "names in CPython's own cache of methods, which has a bound "
				     "(4,096 entries)",
				     site);
		if (f && f->is_known) {
			tell(r, p, f, site);
			holders_bound_count(e, f, site);
		}
	}
}

/* Does a root surely keep them alive? A word of a C stack may be a leftover, and what hangs from
 * nothing or from a cycle may be garbage. */
static bool keeps_alive(const struct report_holder *h)
{
	return h->share >= HOLDER_ROOTED &&
	       (lives_on(h) || is_root(h, "frame") || is_root(h, "atexit") ||
		is_root(h, "signal") || is_root(h, "thread"));
}

/* The container that most of a site's objects are in, if it has no bound and a root keeps it alive;
 * else NULL. */
static const struct holder_fact *endless(const struct evidence *e, const struct report_site *site)
{
	const struct holder_fact *f = holders_find(e, site->id, site->kind);

	return f && f->is_known && f->is_one && !f->fill.most && keeps_alive(&f->holder) ? f : NULL;
}

bool holders_go_on(const struct evidence *e, const struct report_site *site, double youngest_s)
{
	const struct holder_fact *f = endless(e, site);

	return f && youngest_s * 1e9 < (double)e->now_ns - (double)f->fill.first_ns &&
	       fill_goes_on(&f->fill, site->growth_count_per_s, GOES_ON_APART);
}

bool holders_grow_on(const struct evidence *e, const struct report_site *site)
{
	const struct holder_fact *f = endless(e, site);

	return f && fill_grows_on(&f->fill);
}

bool holders_are_fed(const struct evidence *e, const struct report_site *site)
{
	const struct holder_fact *f = endless(e, site);

	return f && f->has_new_entries &&
	       fill_goes_on(&f->fill, site->growth_count_per_s, GOES_ON_FASTER);
}

double holders_paced_s(const struct evidence *e, const struct report_site *site)
{
	const struct holder_fact *f = endless(e, site);

	return f && f->has_new_entries ? fill_paced_s(&f->fill, site->growth_count_per_s) : 0;
}

bool holders_keep_pace(const struct evidence *e, const struct report_site *site, double per_s)
{
	const struct holder_fact *f = endless(e, site);

	return f && fill_paced_s(&f->fill, per_s) > 0;
}

/* Entries a second that the site's objects come with. One that is new may be several of them: a
 * dict, and the list in it. */
static double come_with(const struct holder_fact *f, const struct report_site *site)
{
	bool is_known = f->has_new_entries && f->entries >= REPLACED_FEWEST;

	return site->growth_count_per_s *
	       (is_known && f->objects > f->entries ? (double)f->entries / f->objects : 1);
}

const char *holders_paced(const struct evidence *e, const struct report_site *site, double *per_s)
{
	const struct holder_fact *f = endless(e, site);
	double rate = f ? fill_paced_per_s(&f->fill, come_with(f, site)) : 0;

	if (!(rate > 0))
		return NULL;
	*per_s = rate;
	return f->fill.what;
}

bool holders_may_keep_pace(const struct evidence *e, const struct report_site *site)
{
	const struct holder_fact *f = endless(e, site);

	return f && fill_may_keep_pace(&f->fill, come_with(f, site));
}

bool holders_rooted(const struct evidence *e, const struct report_site *site)
{
	const struct holder_fact *f = holders_find(e, site->id, KIND_OBJECT);

	return f && f->is_known && keeps_alive(&f->holder) && (f->is_one || !lags(f, site));
}

bool holders_spared(const struct evidence *e, const struct report_site *site)
{
	const struct holder_fact *f = holders_find(e, site->id, KIND_OBJECT);

	if (!f || !f->is_known || f->holder.share < HOLDER_ROOTED)
		return false;
	return is_root(&f->holder, "unreferenced") ||
	       (is_root(&f->holder, "cycle") && !may_be_garbage(&f->holder));
}
