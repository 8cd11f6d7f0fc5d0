/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "session/unseen.h"

#include "base/thread.h"
#include "session/session_priv.h"
#include "session/survivors.h"

#include "pyleak.skel.h" /* uses the types of pyleak/abi.h */

/* Raw memory shows a stale object now and then, which is none that was missed: a type is missed
 * when it is so again and again, and more than one time in five. */
#define MISSED_FEWEST 12
#define MISSED_LOOKS  3
#define MISSED_SHARE  0.2

/* The first windows are all looked at: a build that hides births is known by them. Later ones, when
 * a look has been saved for: a part of our time, and what is read in a window is the target's, too.
 */
#define FIRST_LOOKS 16
#define LOOK_SHARE  1000

/* Births that came and are not on record. */
static uint64_t unrecorded(const struct session *s)
{
	const volatile struct pl_stats *st = s->kern.stats;

	return st->lost[PL_LOST_UNKNOWN_SITE] + st->lost[PL_LOST_OBJECT_UNREADABLE] +
	       st->lost[PL_LOST_BIRTHS_FULL];
}

void unseen_begin(struct unseen *u, const struct session *s)
{
	u->n = 0;
	u->is_open = false;
	if (u->looks >= FIRST_LOOKS && clock_ns() < u->due_ns)
		return;
	u->lost = unrecorded(s);
	u->is_open = !heap_carving_begin(s->heap, &u->at);
}

void unseen_drop(struct unseen *u)
{
	u->is_open = false;
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

static bool is_missed(const struct unseen_type *t)
{
	return t->missed >= MISSED_FEWEST && t->looks >= MISSED_LOOKS &&
	       t->missed >= MISSED_SHARE * (t->missed + t->seen);
}

static void tell(struct session *s, const struct unseen_type *t)
{
	char name[128];

	if (py_type_name(s->rt, t->type, name, sizeof(name)))
		snprintf(name, sizeof(name), "some");
	session_note(s,
		     "no line is told of %s objects, nor of others of their size: this build of "
		     "CPython makes them in places that are not known (%u of %u new ones were not "
		     "seen to be born)",
		     name, t->missed, t->missed + t->seen);
}

static void note_missed(struct unseen *u, struct session *s, struct unseen_type *t, int cls)
{
	t->missed++;
	t->looks += t->looked != u->looks;
	t->looked = u->looks;
	if (!t->is_told && !is_missed(t))
		return;
	u->missed += t->is_told ? 1 : t->missed;
	survivors_refuse(s->survivors, cls);
	if (!t->is_told)
		tell(s, t);
	t->is_told = true;
}

void unseen_end(struct unseen *u, const struct session *s)
{
	uint64_t began = thread_cpu_ns();

	u->n = 0;
	if (!u->is_open)
		return;
	u->is_open = false;
	u->looks++;
	u->n = heap_carving_end(s->heap, &u->at, u->v, HEAP_CARVED);
	u->to = __atomic_load_n(&s->kern.stats->births, __ATOMIC_ACQUIRE);
	if (unrecorded(s) != u->lost || s->kern.stats->asleep)
		u->n = 0;
	u->due_ns = clock_ns() + (thread_cpu_ns() - began) * LOOK_SHARE;
}

void unseen_settle(struct unseen *u, struct session *s, uint64_t from)
{
	struct map64 at = {0}; /* address -> 1, or 2 when its birth is on record */
	uint64_t began = thread_cpu_ns();

	if (u->to - from > PL_BIRTH_SLOTS)
		u->n = 0;
	for (size_t i = 0; i < u->n; i++) {
		uint64_t *place = map64_put(&at, u->v[i].addr);

		if (place)
			*place = 1;
	}
	for (uint64_t i = from; u->n && i < u->to; i++) {
		uint64_t *place = map64_get(&at, s->kern.births[i & (PL_BIRTH_SLOTS - 1)].object);

		if (place)
			*place = 2;
	}
	for (size_t i = 0; i < u->n; i++) {
		const uint64_t *place = map64_get(&at, u->v[i].addr);
		struct unseen_type *t = place ? type_of(u, u->v[i].type) : NULL;

		if (t && *place == 2)
			t->seen++;
		else if (t)
			note_missed(u, s, t, u->v[i].cls);
	}
	if (u->n)
		u->due_ns += (thread_cpu_ns() - began) * LOOK_SHARE;
	u->n = 0;
	map64_free(&at);
}
