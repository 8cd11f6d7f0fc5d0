/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "inquiry/unseen.h"

#include "base/thread.h"
#include "py/shape.h"

/* From here on births of a type count as missed: objects and looks that missed some, and their
 * share. */
struct limit {
	uint32_t fewest, looks;
	double share;
};
/* New memory: a stale object shows now and then, and was not missed. Misses in several looks, and
 * one in five of all, are real. */
static const struct limit carved_limit = {12, 3, 0.2};
/* Memory of dead objects: few deaths are seen, and hardly one of them wrongly (in one of 39 watches
 * of 12 s). */
static const struct limit reborn_limit = {4, 2, 0.02};
/* Objects in new memory that a look at a few places aims at; and those of one size of a type that
 * is missed. */
static const struct limit few_limit = {4, 0, 0.2};

/* After a look, the next waits for this many times the CPU time that it took: of that time, the
 * reading within a window slows the target, too. */
#define LOOK_SHARE 1000

#define ANY_CLASS  (-2)
#define SIZES_TOLD 6 /* sizes that get a sentence each: a report has no room for more */
#define FADE_LOOKS 64
#define CALM_LOOKS 300 /* docs/SCORING.md */

const char *unseen_not_asked(const struct py_runtime *rt, const struct heap *h)
{
	bool is = rt->allocator == PY_ALLOC_MIMALLOC ? heap_has_mimalloc(h)
						     : rt->allocator == PY_ALLOC_PYMALLOC;

	return is ? NULL : "new memory is not asked";
}

const char *unseen_doubt(const struct py_runtime *rt, const struct heap *h)
{
	if (!unseen_not_asked(rt, h) || py_shape_tested(rt->shape))
		return NULL;
	return "no build like this Python is tested, and new memory of its allocator cannot be "
	       "asked whether all births are seen";
}

/* Counts births that were hit but could not be recorded. */
static uint64_t unrecorded(const struct unseen_view *v)
{
	const volatile struct pl_stats *st = v->stats;

	return st->lost[PL_LOST_UNKNOWN_SITE] + st->lost[PL_LOST_OBJECT_UNREADABLE] +
	       st->lost[PL_LOST_BIRTHS_FULL];
}

bool unseen_is_due(const struct unseen *u, const struct ladder_aim *aim)
{
	return (aim ? u->all_looks : u->looks) < UNSEEN_FIRST_LOOKS || u->is_suspect ||
	       clock_ns() >= u->due_ns[aim != NULL];
}

void unseen_begin(struct unseen *u, const struct unseen_view *v, const struct ladder_aim *aim)
{
	unseen_drop(u, v);
	if (!unseen_is_due(u, aim))
		return;
	u->aim = aim ? *aim : (struct ladder_aim){0};
	u->few = (struct unseen_count){0};
	u->is_suspect = false;
	u->is_open = true;
	u->lost = unrecorded(v);
	u->from = v->stats->births;
	u->is_carving = !carving_begin(v->heap, &u->at);
	memset(v->died, 0, sizeof(*v->died) * PL_BIRTH_SLOTS);
	v->stats->recheck = v->stats->births + 1;
}

void unseen_drop(struct unseen *u, const struct unseen_view *v)
{
	v->stats->recheck = 0;
	u->is_open = u->is_done = false;
	u->n = 0;
}

void unseen_free(struct unseen *u)
{
	map64_free(&u->place);
	vec_free(&u->types);
}

/* The entry for objects of @type of one size class, or of all (ANY_CLASS). */
static struct unseen_type *type_of(struct unseen *u, uint64_t type, int cls)
{
	uint64_t *place = map64_put(&u->place, type ^ (uint64_t)(uint16_t)(cls + 1) << 48);
	struct unseen_type *t;

	if (!place)
		return NULL;
	if (*place)
		return &u->types.v[*place - 1];
	t = vec_push(&u->types);
	if (t)
		*place = u->types.n;
	return t;
}

static bool is_missed(const struct unseen_count *c, const struct limit *l)
{
	return c->missed >= l->fewest && c->looks >= l->looks &&
	       c->missed >= l->share * (c->missed + c->seen);
}

/* Counts an object whose birth was seen, or not. Returns how many were not, if the type counts as
 * missed; else 0. */
static uint32_t count(struct unseen *u, struct unseen_type *t, bool is_reborn, bool is_seen)
{
	struct unseen_count *c = is_reborn ? &t->reborn : &t->carved;

	if (is_seen) {
		c->seen++;
		return 0;
	}
	c->missed++;
	c->looks += c->looked != u->looks;
	c->looked = u->looks;
	if (!t->is_told) {
		t->is_told = is_missed(c, is_reborn ? &reborn_limit : &carved_limit);
		t->is_told_by_reborn = is_reborn;
	}
	return t->is_told ? c->missed : 0;
}

static void refuse(struct unseen *u, const struct unseen_view *v, const struct carved *x,
		   uint32_t missed, uint32_t all)
{
	unsigned cls = heap_class_index(x->cls);
	char name[128], size[64] = ", nor of others of their size", why[400];

	u->refused |= 1ull << cls;
	if (py_type_name(v->rt, x->type, name, sizeof(name)))
		snprintf(name, sizeof(name), "some");
	if (cls != HEAP_MALLOC)
		snprintf(size, sizeof(size), " of %u to %u bytes, nor of others of that size",
			 16 * cls + 1, 16 * cls + 16);
	if (__builtin_popcountll(u->refused) <= SIZES_TOLD)
		snprintf(why, sizeof(why),
			 "no line is told of %s objects%s: this build of CPython makes them in "
			 "places that are not known (%u of %u new ones were not seen to be born)",
			 name, size, missed, all);
	else
		snprintf(why, sizeof(why),
			 "no line is told of objects of other sizes either: they are made in "
			 "places that are not known, too");
	v->refuse(v->ctx, u->refused, why);
}

/* Counts looks in a row that saw all births of a class. Only a look with a proof counts
 * (@is_proof): it saw an object of a type, and in a way, that would have been missed before. */
static void note_calm(struct unseen *u, unsigned cls, bool is_seen, bool is_proof)
{
	if (!is_seen) {
		u->calm[cls].looks = 0;
		u->calm[cls].looked = u->looks;
	} else if (is_proof && u->calm[cls].looked != u->looks) {
		u->calm[cls].looks++;
		u->calm[cls].looked = u->looks;
	}
}

/* Counts only objects that the look aims at: others may have been born at places without probes. */
static void note_few(struct unseen *u, const struct carved *x, bool is_reborn, bool is_seen)
{
	unsigned cls = heap_class_index(x->cls);

	if (u->refused >> cls & 1 ||
	    !(u->aim.classes >> cls & 1 || ladder_aims_at(&u->aim, x->type)))
		return;
	if (is_reborn) {
		u->is_suspect = u->is_suspect || !is_seen;
		return;
	}
	u->few.seen += is_seen;
	u->few.missed += !is_seen;
}

/* Counts an object whose birth was seen or not, and refuses its size class when too many of its
 * type were not. A type may be made unseen in some of its sizes only, or now and then in each: both
 * are counted. */
static void note(struct unseen *u, const struct unseen_view *v, const struct carved *x,
		 bool is_reborn, bool is_seen)
{
	const int classes[] = {x->cls, ANY_CLASS};
	/* a rebirth proves something only if deaths of its type are seen: else it is taken for the
	 * object before */
	const bool sees = v->stats->dying == x->type;
	struct unseen_count of_size = {0};
	uint32_t missed = 0, all = 0;
	bool was_told = false, is_proof = false;

	if (ladder_has_aim(&u->aim)) {
		note_few(u, x, is_reborn, is_seen);
		return;
	}
	if (!is_seen)
		log_debug("unseen: %s object of type %#llx, class %d", is_reborn ? "reborn" : "new",
			  (unsigned long long)x->type, x->cls);
	/* objects of a size that is refused say nothing about other sizes */
	for (size_t i = 0; i < ARRAY_SIZE(classes) && !was_told; i++) {
		struct unseen_type *t = type_of(u, x->type, classes[i]);
		uint32_t n;

		if (!t)
			continue;
		was_told = t->is_told;
		is_proof = t->is_told && t->is_told_by_reborn == is_reborn && (!is_reborn || sees);
		n = count(u, t, is_reborn, is_seen);
		if (!i)
			of_size = t->carved;
		if (n <= missed)
			continue;
		missed = n;
		all = n + (is_reborn ? t->reborn.seen : t->carved.seen);
	}
	note_calm(u, heap_class_index(x->cls), is_seen, is_proof);
	if (!missed)
		return;
	u->missed += was_told ? 1 : missed;
	/* A stale object of a type that is missed in other sizes proves nothing of this one. */
	if (!(u->refused >> heap_class_index(x->cls) & 1) &&
	    (is_reborn || is_missed(&of_size, &few_limit)))
		refuse(u, v, x, missed, all);
}

/* Halves all counts, so that rare misses of days do not add up to a refusal. */
static void fade(struct unseen *u)
{
	for (size_t i = 0; i < u->types.n; i++) {
		struct unseen_count *const c[] = {&u->types.v[i].carved, &u->types.v[i].reborn};

		for (size_t k = 0; k < ARRAY_SIZE(c); k++) {
			c[k]->seen /= 2;
			c[k]->missed /= 2;
			c[k]->looks /= 2;
		}
	}
}

void unseen_end_rechecks(const struct unseen_view *v)
{
	v->stats->recheck = 0;
}

void unseen_end(struct unseen *u, const struct unseen_view *v)
{
	uint64_t began = thread_cpu_ns();

	if (!u->is_open)
		return;
	u->is_open = false;
	u->all_looks++;
	u->n = u->is_carving ? carving_end(v->heap, &u->at, u->v, CARVED_MAX) : 0;
	u->to = __atomic_load_n(&v->stats->births, __ATOMIC_ACQUIRE);
	u->looks += !ladder_has_aim(&u->aim);
	u->is_done = unrecorded(v) == u->lost && !v->stats->asleep;
	u->due_ns[ladder_has_aim(&u->aim)] = clock_ns() + (thread_cpu_ns() - began) * LOOK_SHARE;
}

enum on_record { NOTHING, ANOTHER_TYPE, ITS_TYPE };

/* Settles objects in new memory: the birth was not seen if no birth of that type is on record
 * there. If one of another type is, the object may have died since and made place for it: that
 * proves nothing. */
static void settle_carved(struct unseen *u, const struct unseen_view *v, uint64_t from)
{
	uint8_t found[CARVED_MAX] = {NOTHING};
	struct map64 at = {0}; /* address -> place in u->v + 1 */

	for (size_t i = 0; i < u->n; i++) {
		uint64_t *place = map64_put(&at, u->v[i].addr);

		if (place)
			*place = i + 1;
	}
	for (uint64_t i = from; u->n && i < u->to; i++) {
		const struct pl_birth *b = &v->births[i & (PL_BIRTH_SLOTS - 1)];
		const uint64_t *place = map64_get(&at, b->object);

		if (place && *place && b->type == u->v[*place - 1].type)
			found[*place - 1] = ITS_TYPE;
		else if (place && *place && !found[*place - 1])
			found[*place - 1] = ANOTHER_TYPE;
	}
	for (size_t i = 0; i < u->n && at.n; i++)
		if (found[i] != ANOTHER_TYPE || u->v[i].is_fixed)
			note(u, v, &u->v[i], false, found[i] == ITS_TYPE);
	map64_free(&at);
}

static void settle_reborn(struct unseen *u, const struct unseen_view *v, uint64_t from,
			  const struct sample *look, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (look[i].addr && look[i].parts && look[i].birth >= from)
			note(u, v,
			     &(struct carved){look[i].addr, look[i].type, look[i].part[0].cls,
					      false},
			     true, !v->died[look[i].birth & (PL_BIRTH_SLOTS - 1)]);
}

/* Tells of all sizes again when enough looks in a row have seen all births. This happens once: a
 * size that is refused again stays so. */
static void lift(struct unseen *u, const struct unseen_view *v)
{
	if (!u->refused || u->was_lifted)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(u->calm); i++)
		if (u->refused >> i & 1 && u->calm[i].looks < CALM_LOOKS)
			return;
	unseen_free(u);
	u->refused = u->missed = 0;
	u->was_lifted = true;
	v->refuse(v->ctx, 0,
		  "lines are told of all sizes again: all births were seen in many looks in a row");
}

void unseen_settle(struct unseen *u, const struct unseen_view *v, uint64_t from,
		   const struct sample *look, size_t n)
{
	uint64_t began = thread_cpu_ns();

	if (!u->is_done || u->to - from > PL_BIRTH_SLOTS) {
		unseen_drop(u, v);
		return;
	}
	/* looks at a program that rests see nothing, and do not count */
	if (!ladder_has_aim(&u->aim) && (u->n || u->to != u->from) &&
	    !(++u->busy_looks % FADE_LOOKS))
		fade(u);
	settle_carved(u, v, from);
	settle_reborn(u, v, from, look, n);
	if (is_missed(&u->few, &few_limit))
		u->is_suspect = true;
	if (u->is_suspect)
		log_debug("unseen: objects that a few places should have shown: all are next");
	lift(u, v);
	u->due_ns[ladder_has_aim(&u->aim)] += (thread_cpu_ns() - began) * LOOK_SHARE;
	unseen_drop(u, v);
}
