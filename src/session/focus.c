/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Windows on the sites that matter.
 * A window costs the target per site and per birth, and most births of a busy program are of sizes
 * that do not grow at all. Once the pools tell which size classes grow, most windows probe only the
 * sites where objects of those classes are born: they last longer for the same money and see more
 * of the leak. The set is closed under the size class: whatever could be reborn at a sample's
 * address comes from a block of the same class, so from a probed site. Types whose class is not
 * known yet are in. Every few windows (of a server half of them) all sites are probed, to learn of
 * new ones: when one of them belongs into the set, what a young set saw in its classes is worth
 * nothing. A temporary of the same class, seen where it was born and not where its address was born
 * again, stays for ever.
 */
#include "session/births_priv.h"
#include "session/blocks.h"
#include "session/memory.h"
#include "session/pools.h"

#define FEW_SITES     24	    /* builds with fewer have nothing to choose from */
#define LEARN_WINDOWS 4		    /* with all sites, before the first choice */
#define FULL_EVERY    6		    /* windows */
#define CHOOSE_NS     6000000000ull /* the pools need some seconds to show a new trend */
#define WORTH_BIRTHS  0.6	    /* of all births at most this share in the focus, else ... */
#define WORTH_SITES   0.5	    /* ... or of the sites: then it is worth its event */
#define YOUNG_NS      90000000000ull
#define FULL_VIEW_NS  30000000000ull /* without a look at all sites, when the probes stay in */
#define YOUNG_VIEW_NS 4000000000ull  /* ... and while the set has yet to prove itself */
#define MANY_PAIRS    65536	     /* of types and sites: beyond, all is learnt anew */

/* True: it was not known. */
static bool learn_pair(struct focus *f, uint64_t type, uint16_t site)
{
	uint64_t *seen = map64_put(&f->known, (type << 12 | site) ^ type >> 52);
	struct focus_pair *p;

	if (!seen || (*seen)++)
		return false;
	p = vec_push(&f->pairs);
	if (p)
		*p = (struct focus_pair){type, site};
	return true;
}

/* Where a type's bodies were seen; @unknown for a type that was never seen whole. */
static uint64_t classes_of(const struct focus *f, uint64_t type, uint64_t unknown)
{
	const uint64_t *mask = map64_get(&f->mask, type);

	return mask ? *mask : unknown;
}

/* A body of @type was seen in a class of the sets: is it born where they do not look? */
static uint64_t learn_class(struct focus *f, uint64_t type, uint64_t class)
{
	uint64_t *mask = map64_put(&f->mask, type);

	if (!mask || *mask & class)
		return 0;
	*mask |= class;
	for (size_t i = 0; f->classes & class && i < f->pairs.n; i++)
		if (f->pairs.v[i].type == type && !f->want[f->pairs.v[i].site])
			return class;
	return 0;
}

static void close_sets(struct focus *f)
{
	for (size_t i = 0; i < SITES_FILES; i++) {
		probe_set_close(f->set[i]);
		f->set[i] = NULL;
	}
	f->classes = 0;
	f->n_sites = 0;
}

/* The sets were blind to births of these classes. A set that has stood for long missed a rare one:
 * what a leak has shown by then is worth more than the few temporaries in it. */
static void mend(struct births *b, uint64_t classes)
{
	struct focus *f = &b->focus;

	log_debug("focus: blind to births of classes %llx since window %u",
		  (unsigned long long)classes, f->first_burst);
	if (clock_ns() - f->made_ns < YOUNG_NS)
		ladder_drop_partial(b->ladder, f->first_burst, classes);
	close_sets(f);
	b->focus.is_on = false; /* whoever attaches next finds no sets */
}

void focus_learn(struct births *b, uint64_t from, uint64_t to)
{
	struct focus *f = &b->focus;
	size_t n;
	const struct sample *v = ladder_looked_at(b->ladder, &n);
	uint64_t missed = 0;

	if (b->s->sites->n < FEW_SITES)
		return;
	for (size_t i = 0; i < n; i++)
		if (v[i].addr && v[i].parts)
			missed |= learn_class(f, v[i].type,
					      1ull << heap_class_index(v[i].part[0].cls));
	for (uint64_t i = from; i < to; i++) {
		const struct pl_birth *x = &b->s->kern.births[i & (PL_BIRTH_SLOTS - 1)];

		if (!x->type || x->site >= b->s->sites->n)
			continue;
		if (learn_pair(f, x->type, x->site) && !f->want[x->site])
			missed |= classes_of(f, x->type, 0) & f->classes;
		if (!b->focus.is_on)
			f->births[x->site]++;
	}
	if (missed)
		mend(b, missed);
}

static uint64_t growing_classes(const struct session *s)
{
	uint64_t bits = pools_growing(s->pools);

	if (memory_malloc_grows(s->memory) && !blocks_are_exact(s->blocks))
		bits |= 1ull << HEAP_MALLOC;
	return bits;
}

/* Marks the wanted sites; returns their number, and their share of all births. */
static size_t select_sites(const struct births *b, uint64_t classes, bool *want, double *share)
{
	const struct focus *f = &b->focus;
	double all = 0, in = 0;
	size_t n = 0;

	for (size_t i = 0; i < f->pairs.n; i++)
		if (classes_of(f, f->pairs.v[i].type, UINT64_MAX) & classes)
			want[f->pairs.v[i].site] = true;
	for (size_t i = 0; i < b->s->sites->n; i++) {
		all += f->births[i];
		in += want[i] ? f->births[i] : 0;
		n += want[i];
	}
	*share = all > 0 ? in / all : 1;
	return n;
}

static void make_sets(struct births *b, uint64_t classes, const bool *want, size_t n)
{
	size_t first = 0;
	int err = 0;

	close_sets(&b->focus);
	for (size_t i = 0; i < b->s->sites->n_files && !err; i++) {
		err = sites_open_set(b->s, &b->s->sites->file[i], want + first, "focus",
				     &b->focus.set[i]);
		first += b->s->sites->file[i].points.n;
	}
	if (err) {
		log_debug("no focus: %s", fail_text());
		close_sets(&b->focus);
		return;
	}
	b->focus.classes = classes;
	b->focus.n_sites = n;
	b->focus.first_burst = b->bursts;
	b->focus.made_ns = clock_ns();
	memcpy(b->focus.want, want, sizeof(b->focus.want));
}

static void choose_again(struct births *b)
{
	struct focus *f = &b->focus;
	uint64_t classes = growing_classes(b->s);
	bool want[PL_MAX_SITES] = {false};
	double share;
	size_t n;

	if (!classes || classes == f->classes)
		return;
	n = select_sites(b, classes, want, &share);
	if (!n || (share > WORTH_BIRTHS && (double)n > WORTH_SITES * (double)b->s->sites->n)) {
		close_sets(f);
		return;
	}
	make_sets(b, classes, want, n);
	log_debug("focus: %zu of %zu sites, %.0f %% of the births, classes %llx", n, b->s->sites->n,
		  100 * share, (unsigned long long)classes);
}

/* Before a window, for the sets close. As at the start, some seconds of windows on all sites
 * follow. */
static void learn_anew(struct focus *f, uint64_t now)
{
	close_sets(f);
	map64_free(&f->mask);
	map64_free(&f->known);
	vec_free(&f->pairs);
	f->looked_ns = now;
}

/* A server has few windows, and what grows by little shows late: half of them, two in turn, for
 * every other one is aimed, until a line is called a leak. */
static bool is_full_turn(const struct session *s, unsigned turn)
{
	return s->ledger.serves && !s->is_settled ? turn & 2 : turn % FULL_EVERY == 0;
}

void focus_choose(struct births *b)
{
	struct focus *f = &b->focus;
	uint64_t now = clock_ns();

	/* A program that makes types as it goes. */
	if (f->pairs.n > MANY_PAIRS)
		learn_anew(f, now);
	if (b->s->sites->n < FEW_SITES || b->bursts < LEARN_WINDOWS ||
	    !heap_can_count(b->s->heap)) {
		b->focus.is_on = false;
		return;
	}
	if (now - f->looked_ns > CHOOSE_NS) {
		f->looked_ns = now;
		choose_again(b);
	}
	b->focus.is_on = f->classes && !is_full_turn(b->s, ++f->turn);
}

uint64_t focus_full_view_ns(const struct focus *f, uint64_t now)
{
	return now - f->made_ns < YOUNG_NS ? YOUNG_VIEW_NS : FULL_VIEW_NS;
}

void focus_full_next(struct focus *f)
{
	f->turn = FULL_EVERY - 1;
}

size_t focus_sites(const struct births *b)
{
	return b->focus.is_on ? b->focus.n_sites : b->s->sites->n;
}

void focus_log(const struct births *b)
{
	for (size_t i = 0; i < b->s->sites->n; i++)
		if (b->focus.births[i])
			log_debug("focus: %u births at site %zu", b->focus.births[i], i + 1);
}

void focus_free(struct focus *f)
{
	learn_anew(f, 0);
}
