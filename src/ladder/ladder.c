/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The survivor ladder.
 *
 * Under LIFO reuse of memory the same type comes back to the same address all the time, so what was
 * read at an address must be bound to the birth that was recorded there. Three rules do that: the
 * last birth at an address wins; a birth seen during or after the look kills what the look saw; a
 * birth in any later burst kills a sample at its address. The fingerprint does the rest. */
#include "ladder/ladder.h"

#include "base/map64.h"
#include "ladder/born.h"
#include "ladder/contents.h"
#include "ladder/relief.h"

#ifndef LADDER_SAMPLES
#define LADDER_SAMPLES 24000 /* on the ladder; if there are more, every second one is left out */
#endif
#ifndef LADDER_LOOK
#define LADDER_LOOK 8192 /* objects read per look */
#endif
#define MAX_SHIFT 20
#define RELAX_NS  30000000000ull /* nearly empty for so long, the ladder admits more again */
#define GONE_NS	  100000000	 /* time until somebody has noticed that the target ended */

struct ladder {
	struct heap *heap;
	struct stacks *stacks;
	VEC(struct sample) sample;
	VEC(struct sample) look;
	struct heap_object *object; /* scratch, LADDER_LOOK */
	struct map64 index;	    /* of the last look: address -> place + 1 */
	struct map64 place; /* address of a sample -> its number + 1; has some that are gone, too */
	/* stack -> survivors that died later; also evidence_likes() keys of reliefs */
	struct map64 died;
	struct reliefs relief;
	struct born born;
	uint64_t look_end; /* births before this number were looked at; 0 = not all were */
	struct contents contents;
	unsigned shift;	     /* one in 2^shift births is admitted, and stands for as many */
	uint64_t shifted_ns; /* when shift was changed */
	uint64_t began_ns;   /* when the window began */
	uint64_t random;
	struct ladder_stats stats;
};

int ladder_new(struct heap *h, struct stacks *st, struct ladder **out)
{
	struct ladder *l = calloc(1, sizeof(*l));

	if (!l)
		return fail(-ENOMEM, "out of memory");
	l->heap = h;
	l->stacks = st;
	l->random = clock_ns() | 1;
	l->object = calloc(LADDER_LOOK, sizeof(*l->object));
	if (contents_open(&l->contents) || !l->object) {
		ladder_free(l);
		return fail(-ENOMEM, "out of memory");
	}
	*out = l;
	return 0;
}

void ladder_free(struct ladder *l)
{
	if (!l)
		return;
	vec_free(&l->sample);
	vec_free(&l->look);
	free(l->object);
	map64_free(&l->died);
	reliefs_free(&l->relief);
	map64_free(&l->index);
	map64_free(&l->place);
	born_free(&l->born);
	contents_close(&l->contents);
	free(l);
}

/* Record @i of births; one that is still being written (several GILs) has no object. */
static const struct pl_birth *birth_at(const struct pl_birth *ring, uint64_t i)
{
	static const struct pl_birth none;
	const struct pl_birth *b = &ring[i & (PL_BIRTH_SLOTS - 1)];

	return b->lap == ((i / PL_BIRTH_SLOTS + 1) & 0xffff) ? b : &none;
}

/* Collects the last birth at each address, as samples without content. */
static void collect(struct ladder *l, const struct pl_birth *ring, uint64_t from, uint64_t to)
{
	map64_clear(&l->index);
	reliefs_begin(&l->relief);
	l->look.n = 0;
	for (uint64_t i = to; i-- > from;) {
		const struct pl_birth *b = birth_at(ring, i);
		uint64_t *place = map64_put(&l->index, b->object);
		struct sample *s;

		if (place && *place && *place != UINT64_MAX)
			reliefs_add(&l->relief, b, l->look.v, (size_t)*place - 1);
		if (!place || *place)
			continue;
		*place = UINT64_MAX; /* a later birth owns this address */
		if (!b->type || l->look.n >= LADDER_LOOK)
			continue;
		s = vec_push(&l->look);
		if (!s)
			return;
		*place = l->look.n;
		s->addr = b->object;
		s->type = b->type;
		s->stack = b->stack ? b->stack : EVIDENCE_NO_FRAME;
		s->birth = i;
		s->weight = 1;
	}
}

static void fill(struct sample *s, const struct heap_object *o)
{
	s->fp = o->fp;
	s->gc = o->gc;
	s->bytes = o->bytes;
	s->parts = (uint8_t)(o->parts < HEAP_MAX_PARTS ? o->parts : HEAP_MAX_PARTS);
	for (unsigned p = 0; p < s->parts; p++) {
		s->part[p].addr = o->part[p].addr;
		s->part[p].cls = (int8_t)o->part[p].cls;
		s->part[p].bytes =
			o->part[p].bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)o->part[p].bytes;
	}
}

static struct heap_object ask(const struct sample *s)
{
	return (struct heap_object){.addr = s->addr, .type = s->type};
}

/* Drops a bytes object that is another object's buffer: it counts with that. */
static void hide_buffers(struct ladder *l)
{
	for (size_t i = 0; i < l->look.n; i++) {
		uint64_t *place =
			l->object[i].buffer ? map64_get(&l->index, l->object[i].buffer) : NULL;

		if (place && *place && *place != UINT64_MAX)
			l->look.v[*place - 1].addr = 0;
	}
}

void ladder_begin(struct ladder *l, uint64_t now_ns)
{
	l->began_ns = now_ns;
}

uint64_t ladder_look(struct ladder *l, const struct pl_birth *ring, uint64_t from, uint64_t to,
		     uint64_t collections, uint32_t burst, bool partial)
{
	uint64_t now = clock_ns();

	born_begin(&l->born);
	collect(l, ring, from, to);
	l->look_end = l->look.n < LADDER_LOOK ? to : 0;
	for (size_t i = 0; i < l->look.n; i++)
		l->object[i] = ask(&l->look.v[i]);
	heap_read_objects(l->heap, l->object, l->look.n, HEAP_FULL);
	for (size_t i = 0; i < l->look.n; i++) {
		struct sample *s = &l->look.v[i];

		/* an object that its __del__ kept was "born" by the line that had dropped it */
		if (!l->object[i].addr || l->object[i].is_static || l->object[i].is_finalized ||
		    !l->object[i].fp.n) {
			s->addr = 0;
			l->stats.gone++;
			continue;
		}
		fill(s, &l->object[i]);
		s->born_ns = now;
		s->due_ns = now + (uint64_t)(survivor_age_s[0] * 1e9);
		s->collections = collections;
		s->burst = burst;
		s->partial = partial;
	}
	hide_buffers(l);
	return l->look.n < LADDER_LOOK ? 0 : l->look.v[LADDER_LOOK - 1].birth - from;
}

bool ladder_kill_new(struct ladder *l, const struct pl_birth *ring, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		const struct pl_birth *b = birth_at(ring, i);
		uint64_t *place = map64_get(&l->index, b->object);
		struct sample *s =
			place && *place && *place != UINT64_MAX ? &l->look.v[*place - 1] : NULL;

		if (!b->object) { /* it may be at any address */
			ladder_drop_look(l, to - from);
			return false;
		}
		if (i < l->look_end)
			born_add(&l->born, b->type);
		if (!s || !s->addr || s->birth >= i)
			continue;
		s->addr = 0;
		l->stats.unsettled++;
	}
	return true;
}

static void count_death(struct ladder *l, const struct sample *s)
{
	uint64_t *at = s->rung >= SURVIVED_RUNGS ? map64_put(&l->died, s->stack) : NULL;

	if (at)
		*at += (uint64_t)s->weight;
}

/* Drops a sample of which it is not known whether it lives. */
static void drop_one(struct ladder *l, struct sample *s)
{
	s->addr = 0;
	l->stats.died++;
}

static void kill_one(struct ladder *l, struct sample *s)
{
	const uint64_t *heir = map64_get(&l->index, s->addr);

	if (heir && *heir && *heir <= l->look.n)
		reliefs_count_late(s, &l->look.v[*heir - 1], &l->contents, &l->died);
	count_death(l, s);
	drop_one(l, s);
}

void ladder_kill_old(struct ladder *l, const struct pl_birth *ring, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		uint64_t object = birth_at(ring, i)->object, *at = map64_get(&l->place, object);
		struct sample *s = at && *at <= l->sample.n ? &l->sample.v[*at - 1] : NULL;

		if (s && s->addr == object)
			kill_one(l, s);
	}
}

void ladder_drop_look(struct ladder *l, uint64_t births)
{
	l->stats.voided += births;
	l->look.n = 0;
	born_begin(&l->born);
}

static bool is_aimed_at(const struct ladder_aim *aim, const struct sample *s)
{
	return ladder_aims_at(aim, s->type) ||
	       (s->parts && aim->classes >> heap_class_index(s->part[0].cls) & 1);
}

static void drop_partial(struct ladder *l, struct sample *v, size_t n, uint32_t burst,
			 const struct ladder_aim *missed)
{
	for (size_t i = 0; i < n; i++) {
		v[i].nth = born_may_be(&l->born, v[i].type, missed) ? 0 : v[i].nth;
		if (v[i].addr && v[i].partial && v[i].burst >= burst && is_aimed_at(missed, &v[i]))
			drop_one(l, &v[i]);
	}
}

void ladder_keep(struct ladder *l, const struct ladder_aim *aim)
{
	l->born.aim = *aim;
	for (struct sample *s = l->look.v, *end = s + l->look.n; s < end; s++)
		if (s->addr && !is_aimed_at(aim, s))
			s->addr = 0;
}

void ladder_drop_partial(struct ladder *l, uint32_t burst, const struct ladder_aim *missed)
{
	drop_partial(l, l->sample.v, l->sample.n, burst, missed);
	drop_partial(l, l->look.v, l->look.n, burst, missed);
}

static void find_places(struct ladder *l)
{
	map64_clear(&l->place);
	for (size_t i = 0; i < l->sample.n; i++) {
		uint64_t *at = map64_put(&l->place, l->sample.v[i].addr);

		if (at)
			*at = i + 1;
	}
}

/* Keeps memory bounded: drops every second sample, and the others count double. @new_only: only of
 * those that have not survived anything yet. */
static void thin(struct ladder *l, bool new_only)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->sample.n; i++) {
		struct sample *s = &l->sample.v[i];
		bool spared = new_only && s->rung > 0;

		if (!spared && random_next(&l->random) & 1) {
			l->stats.thinned++;
			continue;
		}
		if (!spared)
			s->weight *= 2;
		l->sample.v[kept++] = *s;
	}
	l->sample.n = kept;
	find_places(l);
}

/* Thins survivors, and admits fewer from now on, so that each second of the run has as many. If
 * only older ones were thinned, again and again, the few left of the first seconds would stand for
 * thousands each. */
static void thin_survivors(struct ladder *l, uint64_t now)
{
	thin(l, false);
	if (l->shift < MAX_SHIFT)
		l->shift++;
	l->shifted_ns = now;
}

static bool is_left_out(struct ladder *l)
{
	if (!(random_next(&l->random) >> 16 & ((1u << l->shift) - 1)))
		return false;
	l->stats.thinned++;
	return true;
}

void ladder_admit(struct ladder *l)
{
	born_admit(&l->born);
	reliefs_count(&l->relief, l->look.v, l->look.n, &l->contents, l->stacks, &l->died);
	for (size_t i = 0; i < l->look.n; i++) {
		struct sample *s = &l->look.v[i];
		const struct stack *st = stacks_current(l->stacks, s->stack);
		uint64_t *place;

		if (!s->addr)
			continue;
		s->stack = st ? st->id : s->stack;
		s->is_told = st && st->told_ns >= l->began_ns;
		s->nth = born_until(&l->born, s->type,
				    s->parts ? 1ull << heap_class_index(s->part[0].cls) : 0);
		l->stats.taken++;
		if (s->fp.content)
			contents_note(&l->contents, s->fp.content);
		if (is_left_out(l))
			continue;
		if (l->sample.n >= 2 * LADDER_SAMPLES)
			thin(l, true);
		place = vec_reserve(&l->sample, l->sample.n + 1) ? map64_put(&l->place, s->addr)
								 : NULL;
		if (!place)
			continue;
		s->weight *= (float)(1u << l->shift);
		l->sample.v[l->sample.n++] = *s;
		*place = l->sample.n;
	}
	l->look.n = 0;
}

/* Settles a survivor's stack for good, without frames that are not sure. The survivor counts even
 * if nothing is known of its stack: else its growth would be given to others. */
static void settle_stack(struct ladder *l, struct sample *s)
{
	struct stack *st = stacks_find(l->stacks, s->stack);

	if (s->stack == EVIDENCE_NO_FRAME)
		return;
	/* A stack that was told since its window began has its own names, though the code may be
	 * gone by now. But other short-lived code in its place may have the same hash. */
	if (st && (stacks_verify(l->stacks, st) || ((s->is_told || st->told_ns > s->born_ns) &&
						    !stacks_place_is_shared(l->stacks, st))))
		return;
	l->stats.no_stack += !st;
	l->stats.code_reused += st != NULL;
	st = st ? stacks_without_stale(l->stacks, st) : NULL;
	s->stack = st ? st->id : EVIDENCE_NO_STACK;
}

/* Takes a due sample to its next rung, with what is at its address now. False: it is dead. */
static bool climb_one(struct ladder *l, struct sample *s, const struct heap_object *o, uint64_t now)
{
	/* nobody has written to an object that is swapped out */
	if (!o->swapped && (!o->addr || !heap_same_object(&s->fp, &o->fp))) {
		count_death(l, s);
		l->stats.died++;
		return false;
	}
	if (s->rung == 0)
		settle_stack(l, s);
	if (!o->swapped)
		fill(s, o);
	if (s->fp.content && contents_often(&l->contents, s->fp.content))
		s->ambiguous = true;
	while (s->rung < SURVIVOR_RUNGS &&
	       now >= s->born_ns + (uint64_t)(survivor_age_s[s->rung] * 1e9))
		s->rung++;
	if (s->rung < SURVIVOR_RUNGS)
		s->due_ns = s->born_ns + (uint64_t)(survivor_age_s[s->rung] * 1e9);
	else
		s->due_ns = now + (uint64_t)(survivor_age_s[SURVIVOR_RUNGS - 1] * 1e9);
	return true;
}

/* Over all samples: when the first is due, how many have survived, and the first dead one. */
struct climbed {
	uint64_t next;
	size_t old, dead;
};

static void see(struct climbed *c, const struct sample *s, size_t at)
{
	if (s->addr && (!c->next || s->due_ns < c->next))
		c->next = s->due_ns;
	if (!s->addr && at < c->dead)
		c->dead = at;
	c->old += s->addr && s->rung > 0;
}

/* Moves samples into the gaps of dead ones; most that die are young: few follow the first gap. */
static void close_gaps(struct ladder *l, size_t kept)
{
	for (size_t i = kept; i < l->sample.n; i++) {
		const struct sample *s = &l->sample.v[i];
		uint64_t *at = map64_get(&l->place, s->addr);

		if (!at)
			continue;
		l->sample.v[kept++] = *s;
		*at = kept;
	}
	l->sample.n = kept;
	if (l->place.n > kept + LADDER_LOOK)
		find_places(l);
}

uint64_t ladder_climb(struct ladder *l, uint64_t now)
{
	struct sample *due[LADDER_LOOK < 256 ? LADDER_LOOK : 256];
	struct climbed c = {.dead = l->sample.n};
	size_t i = 0;

	while (i < l->sample.n) {
		size_t n = 0;

		for (; i < l->sample.n && n < ARRAY_SIZE(due); i++)
			if (l->sample.v[i].addr && l->sample.v[i].due_ns <= now) {
				l->object[n] = ask(&l->sample.v[i]);
				due[n++] = &l->sample.v[i];
			} else {
				see(&c, &l->sample.v[i], i);
			}
		if (!heap_read_objects(l->heap, l->object, n, HEAP_FULL) && n &&
		    heap_is_gone(l->heap))
			return now + GONE_NS;
		for (size_t k = 0; k < n; k++) {
			if (!climb_one(l, due[k], &l->object[k], now))
				due[k]->addr = 0;
			see(&c, due[k], (size_t)(due[k] - l->sample.v));
		}
	}
	close_gaps(l, c.dead);
	if (c.old > LADDER_SAMPLES / 2 && l->sample.n > LADDER_SAMPLES) {
		thin_survivors(l, now);
	} else if (l->sample.n > LADDER_SAMPLES) {
		thin(l, true);
	} else if (l->shift && l->sample.n < LADDER_SAMPLES / 4 && now - l->shifted_ns > RELAX_NS) {
		l->shift--;
		l->shifted_ns = now;
	}
	return c.next;
}

const struct sample *ladder_samples(const struct ladder *l, size_t *n)
{
	*n = l->sample.n;
	return l->sample.v;
}

const struct map64 *ladder_deaths(const struct ladder *l)
{
	return &l->died;
}

const struct sample *ladder_looked_at(const struct ladder *l, size_t *n)
{
	*n = l->look.n;
	return l->look.v;
}

const struct ladder_stats *ladder_stats(const struct ladder *l)
{
	return &l->stats;
}
