/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "inquiry/unseen.h"

#include "base/thread.h"

/* A type is missed from here on. */
struct limit {
	uint32_t fewest, looks;
	double share;
};
/* Raw memory shows a stale object now and then, which is none that was missed: again and again, and
 * more than one time in five, it is. */
static const struct limit carved_limit = {12, 3, 0.2};
/* Few deaths are seen, and hardly one of them wrongly: one in 39 watches of 12 s. */
static const struct limit reborn_limit = {4, 2, 0.02};

/* Later windows are looked at when that has been saved for: a part of our time, and what is read in
 * a window is the target's, too. */
#define LOOK_SHARE 1000

/* Births that came and are not on record. */
static uint64_t unrecorded(const struct unseen_view *v)
{
	const volatile struct pl_stats *st = v->stats;

	return st->lost[PL_LOST_UNKNOWN_SITE] + st->lost[PL_LOST_OBJECT_UNREADABLE] +
	       st->lost[PL_LOST_BIRTHS_FULL];
}

void unseen_begin(struct unseen *u, const struct unseen_view *v)
{
	unseen_drop(u, v);
	if (u->looks >= UNSEEN_FIRST_LOOKS && clock_ns() < u->due_ns)
		return;
	u->is_open = true;
	u->lost = unrecorded(v);
	u->is_carving = !heap_carving_begin(v->heap, &u->at);
	if (v->rt->free_threaded) /* its counts are kept in another way */
		return;
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

static struct unseen_type *type_of(struct unseen *u, uint64_t type)
{
	uint64_t *place = map64_put(&u->place, type);
	struct unseen_type *t;

	if (!place)
		return NULL;
	if (*place)
		return &u->types.v[*place - 1];
	t = vec_push(&u->types);
	if (!t)
		return NULL;
	*place = u->types.n;
	t->type = type;
	return t;
}

static bool is_missed(const struct unseen_count *c, const struct limit *l)
{
	return c->missed >= l->fewest && c->looks >= l->looks &&
	       c->missed >= l->share * (c->missed + c->seen);
}

static void note_missed(struct unseen *u, const struct unseen_view *v, struct unseen_type *t,
			struct unseen_count *c, int cls)
{
	const struct limit *limit = c == &t->reborn ? &reborn_limit : &carved_limit;

	log_debug("unseen: %s object of type %#llx", c == &t->reborn ? "reborn" : "new",
		  (unsigned long long)t->type);
	c->missed++;
	c->looks += c->looked != u->looks;
	c->looked = u->looks;
	if (!t->is_told && !is_missed(c, limit))
		return;
	u->missed += t->is_told ? 1 : c->missed;
	if (t->is_told)
		v->refuse(v->ctx, t->type, cls, 0, 0);
	else
		v->refuse(v->ctx, t->type, cls, c->missed, c->missed + c->seen);
	t->is_told = true;
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
	u->looks++;
	u->n = u->is_carving ? heap_carving_end(v->heap, &u->at, u->v, HEAP_CARVED) : 0;
	u->to = __atomic_load_n(&v->stats->births, __ATOMIC_ACQUIRE);
	u->is_done = unrecorded(v) == u->lost && !v->stats->asleep;
	u->due_ns = clock_ns() + (thread_cpu_ns() - began) * LOOK_SHARE;
}

static void settle_carved(struct unseen *u, const struct unseen_view *v, uint64_t from)
{
	struct map64 at = {0}; /* address -> 1, or 2 when its birth is on record */

	for (size_t i = 0; i < u->n; i++) {
		uint64_t *place = map64_put(&at, u->v[i].addr);

		if (place)
			*place = 1;
	}
	for (uint64_t i = from; u->n && i < u->to; i++) {
		uint64_t *place = map64_get(&at, v->births[i & (PL_BIRTH_SLOTS - 1)].object);

		if (place)
			*place = 2;
	}
	for (size_t i = 0; i < u->n; i++) {
		const uint64_t *place = map64_get(&at, u->v[i].addr);
		struct unseen_type *t = place ? type_of(u, u->v[i].type) : NULL;

		if (t && *place == 2)
			t->carved.seen++;
		else if (t)
			note_missed(u, v, t, &t->carved, u->v[i].cls);
	}
	map64_free(&at);
}

static void settle_reborn(struct unseen *u, const struct unseen_view *v, uint64_t from,
			  const struct sample *look, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct unseen_type *t;

		if (!look[i].addr || !look[i].parts || look[i].birth < from)
			continue;
		t = type_of(u, look[i].type);
		if (t && v->died[look[i].birth & (PL_BIRTH_SLOTS - 1)])
			note_missed(u, v, t, &t->reborn, look[i].part[0].cls);
		else if (t)
			t->reborn.seen++;
	}
}

void unseen_settle(struct unseen *u, const struct unseen_view *v, uint64_t from,
		   const struct sample *look, size_t n)
{
	uint64_t began = thread_cpu_ns();

	if (!u->is_done || u->to - from > PL_BIRTH_SLOTS) {
		unseen_drop(u, v);
		return;
	}
	settle_carved(u, v, from);
	settle_reborn(u, v, from, look, n);
	u->due_ns += (thread_cpu_ns() - began) * LOOK_SHARE;
	unseen_drop(u, v);
}
