/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Chooses windows on the sites that matter.
 * A window costs the target per site and per birth, and most births of a busy program are of sizes
 * that do not grow at all. Once the pools tell which size classes grow, most windows probe only the
 * sites where objects of those classes are born: they last longer at the same cost, and see more of
 * the leak. The set is closed under the size class: an object that is born again at a sample's
 * address lies in a block of the same class, so it comes from a probed site. Types whose class is
 * not known yet belong to the set. In some windows (of a server in half of them) all sites are
 * probed, to learn of new ones. If one of them belongs into the set, the samples that a young set
 * took in its classes are worth nothing: a temporary that was seen when it was born, but not when
 * its address was born again, would stay for ever.
 *
 * A server has few windows, and half of its births may be of a class that grows. There the census
 * tells which types grow, and the sites of those have a hundredth of the births. That set is closed
 * under the type: an object of the sample's type at the sample's address was born at a probed site.
 * A survivor of such a type was seen more often than others, and stands for fewer.
 */
#include "session/births_priv.h"
#include "session/blocks.h"
#include "session/memory.h"
#include "session/pools.h"

#define FEW_SITES     24	    /* builds with fewer have nothing to choose from */
#define LEARN_WINDOWS 4		    /* windows on all sites before the first choice */
#define FULL_EVERY    6		    /* one in so many windows is on all sites */
#define CHOOSE_NS     6000000000ull /* the pools need some seconds to show a new trend */
#define WORTH_BIRTHS  0.6  /* a focus on classes has this share of births at most, or ... */
#define WORTH_SITES   0.5  /* ... this share of the sites: else it is not worth it */
#define WORTH_TYPES   0.15 /* a focus on types has this share of the births at most */
#define YOUNG_NS      90000000000ull
#define FULL_VIEW_NS  30000000000ull /* if probes stay in: time between looks at all sites ... */
#define YOUNG_VIEW_NS 4000000000ull  /* ... and while the set is young */
#define MANY_PAIRS    65536	     /* beyond so many pairs of type and site all is learnt anew */

static void close_sets(struct focus *f)
{
	for (size_t i = 0; i < PLACES_FILES; i++) {
		probe_set_close(f->set[i]);
		f->set[i] = NULL;
	}
	f->aim = (struct ladder_aim){0};
	f->n_sites = 0;
}

/* Ends sets that were blind to births of @missed; drops samples of young sets, with the time of
 * their windows where these keep none. Older sets missed only rare births: the leak that they have
 * shown is worth more than a few temporaries. */
static void mend(struct births *b, const struct ladder_aim *missed)
{
	struct focus *f = &b->focus;

	log_debug("focus: blind to births of %zu types, of classes %llx since window %u",
		  missed->n_types, (unsigned long long)missed->classes, f->first_burst);
	if (clock_ns() - f->made_ns < YOUNG_NS) {
		ladder_drop_partial(b->ladder, f->first_burst, missed);
		birthplaces_take_back(&f->places, missed->type, missed->n_types, missed->classes);
		if (!memcmp(missed, &f->aim, sizeof(f->aim)))
			b->unlooked_ns += watched_take_back(&b->watched);
	}
	close_sets(f);
	b->focus.is_on = false; /* whoever attaches next finds no sets */
}

static void learn_classes(struct births *b, struct ladder_aim *missed)
{
	struct focus *f = &b->focus;
	size_t n;
	const struct sample *v = ladder_looked_at(b->ladder, &n);

	for (size_t i = 0; i < n; i++) {
		uint64_t class;

		if (!v[i].addr || !v[i].parts)
			continue;
		class = 1ull << heap_class_index(v[i].part[0].cls);
		if (birthplaces_learn_class(&f->places, v[i].type, class) &&
		    f->aim.classes & class &&
		    birthplaces_are_elsewhere(&f->places, v[i].type, f->want))
			missed->classes |= class;
	}
}

void focus_count(struct births *b, uint64_t from, uint64_t to)
{
	struct focus *f = &b->focus;

	if (b->s->sites->n >= FEW_SITES)
		birthplaces_count(&f->places, b->s->kern.births, from, to, f->aim.type,
				  f->is_on ? f->aim.n_types : 0, f->is_on ? f->aim.classes : 0);
}

void focus_learn(struct births *b, uint64_t from, uint64_t to)
{
	struct focus *f = &b->focus;
	struct ladder_aim missed = {0};

	if (b->s->sites->n < FEW_SITES)
		return;
	learn_classes(b, &missed);
	for (uint64_t i = from; i < to; i++) {
		const struct pl_birth *x = &b->s->kern.births[i & (PL_BIRTH_SLOTS - 1)];

		if (!x->type || x->site >= b->s->sites->n)
			continue;
		if (birthplaces_learn(&f->places, x->type, x->site) && !f->want[x->site]) {
			missed.classes |=
				birthplaces_classes(&f->places, x->type, 0) & f->aim.classes;
			if (ladder_aims_at(&f->aim, x->type))
				missed = f->aim;
		}
	}
	focus_count(b, from, to);
	if (ladder_has_aim(&missed))
		mend(b, &missed);
}

static uint64_t growing_classes(const struct session *s)
{
	uint64_t bits = pools_growing(s->pools);

	if (memory_malloc_grows(s->memory, NULL) && !blocks_are_exact(s->blocks))
		bits |= 1ull << HEAP_MALLOC;
	return bits;
}

static void make_sets(struct births *b, const struct ladder_aim *aim, const bool *want, size_t n)
{
	size_t first = 0;
	int err = 0;

	close_sets(&b->focus);
	for (size_t i = 0; i < b->s->sites->files.n && !err; i++) {
		err = sites_open_set(b->s, &b->s->sites->files.v[i], want + first, "focus",
				     &b->focus.set[i]);
		first += b->s->sites->files.v[i].points.n;
	}
	if (err) {
		log_debug("no focus: %s", fail_text());
		close_sets(&b->focus);
		return;
	}
	watched_begin_set(&b->watched);
	birthplaces_begin_set(&b->focus.places);
	b->focus.aim = *aim;
	b->focus.n_sites = n;
	b->focus.first_burst = b->bursts;
	b->focus.made_ns = clock_ns();
	memcpy(b->focus.want, want, sizeof(b->focus.want));
}

/* The type with this name that was seen being born; 0 = none was. */
static uint64_t type_called(const struct births *b, const char *name)
{
	const struct birthplaces *places = &b->focus.places;

	for (size_t i = 0; i < places->pairs.n; i++)
		if (!strcmp(names_type(b->s->names, places->pairs.v[i].type), name))
			return places->pairs.v[i].type;
	return 0;
}

/* Chooses sites of types that the census sees growing, if they are few: types of whole documents
 * are born everywhere. Types that no window has met are looked for where many types are born. */
static bool choose_types(struct births *b)
{
	struct focus *f = &b->focus;
	struct ladder_aim aim = {0};
	char name[LADDER_TYPES + 1][TYPES_NAME];
	size_t grow = types_growing(b->s->types, name, ARRAY_SIZE(name)), n;
	bool want[PL_MAX_SITES] = {false};
	double share;

	if (grow > LADDER_TYPES)
		return false;
	for (size_t i = 0; i < grow; i++) {
		uint64_t type = type_called(b, name[i]);

		if (type && birthplaces_add(&f->places, type, WORTH_TYPES, b->s->sites->n, want))
			aim.type[aim.n_types++] = type;
	}
	if (grow && !aim.n_types)
		aim.n_types = birthplaces_add(&f->places, 0, WORTH_TYPES, b->s->sites->n, want);
	share = birthplaces_share(&f->places, want, b->s->sites->n, &n);
	if (!n)
		return false;
	if (!memcmp(&aim, &f->aim, sizeof(aim)))
		return true;
	make_sets(b, &aim, want, n);
	log_debug("focus: %zu of %zu sites, %.1f %% of the births, %zu types that grow", n,
		  b->s->sites->n, 100 * share, aim.n_types);
	return true;
}

static void choose_classes(struct births *b)
{
	struct focus *f = &b->focus;
	struct ladder_aim aim = {.classes = growing_classes(b->s)};
	bool want[PL_MAX_SITES] = {false};
	double share;
	size_t n;

	if (!aim.classes || aim.classes == f->aim.classes)
		return;
	birthplaces_of_classes(&f->places, aim.classes, want);
	share = birthplaces_share(&f->places, want, b->s->sites->n, &n);
	if (!n || (share > WORTH_BIRTHS && (double)n > WORTH_SITES * (double)b->s->sites->n)) {
		close_sets(f);
		return;
	}
	make_sets(b, &aim, want, n);
	log_debug("focus: %zu of %zu sites, %.0f %% of the births, classes %llx", n, b->s->sites->n,
		  100 * share, (unsigned long long)aim.classes);
}

/* Forgets all that was learnt: before a window, as it closes the sets. As at the start, all sites
 * are probed then for some seconds. */
static void learn_anew(struct focus *f, uint64_t now)
{
	close_sets(f);
	birthplaces_forget(&f->places);
	f->looked_ns = now;
}

/* Is this window on all sites? One in FULL_EVERY is, of a server half, as a small leak shows late:
 * two in a row, as every other window waits for work. That ends when the verdict is leak, or a type
 * is known to grow. */
static bool is_full_turn(const struct births *b, unsigned turn)
{
	bool is_scarce = b->s->ledger.serves && !b->s->is_settled;

	return is_scarce && !b->focus.aim.n_types ? turn & 2 : turn % FULL_EVERY == 0;
}

void focus_choose(struct births *b)
{
	struct focus *f = &b->focus;
	uint64_t now = clock_ns();

	/* some programs make types all the time */
	if (f->places.pairs.n > MANY_PAIRS)
		learn_anew(f, now);
	f->is_on = false;
	if (b->s->sites->n < FEW_SITES || b->bursts < LEARN_WINDOWS || !heap_can_count(b->s->heap))
		return;
	if (now - f->looked_ns > CHOOSE_NS) {
		f->looked_ns = now;
		if (!b->s->ledger.serves || !choose_types(b)) {
			if (f->aim.n_types)
				close_sets(f); /* those types do not grow any more */
			choose_classes(b);
		}
	}
	b->focus.is_on = ladder_has_aim(&f->aim) && !is_full_turn(b, ++f->turn);
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

void focus_free(struct focus *f)
{
	learn_anew(f, 0);
}
