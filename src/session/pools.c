/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "session/pools.h"

#include "base/pace.h"
#include "memory/points.h"
#include "session/session_priv.h"

#define BUCKET_S 1.0
#define AGAIN_NS 500000000
#define SLACK_NS 100000000

static const struct pace pace = {.least_ns = 100000000, .most_ns = 5000000000, .share = 400};

_Static_assert(EVIDENCE_CLASSES == HEAP_CLASSES, "evidence has room for what the heap has");

struct pools {
	struct session *s;
	struct trend_set *classes;
	struct heap_census census;
	uint64_t census_ns, due_ns; /* when the census was read; when the next one is due */
	uint64_t torn;
	uint64_t collections; /* as last read */
};

/* Begins the trends of a child with what it inherited: its heap grows from that. */
static void begin_with_inherited(struct pools *p)
{
	const struct heap_census *first = p->s->o.inherited;
	double value[HEAP_CLASSES];

	p->s->o.inherited = NULL; /* it is the caller's, and may be freed later */
	if (!first || !heap_can_count(p->s->heap) || first->t_ns > clock_ns())
		return;
	p->s->time.origin_ns = first->t_ns;
	for (unsigned k = 0; k < HEAP_CLASSES; k++)
		value[k] = (double)first->live[k];
	trend_set_add(p->classes, 0, value);
}

static int open_pools(void *self, struct session *s)
{
	struct pools *p = self;
	int err;

	s->pools = p;
	p->s = s;
	if (!heap_can_count(s->heap))
		session_note(s, "the heap's pools cannot be read (allocator: %s): rates are rough",
			     py_allocator_name(s->rt->allocator));
	err = trend_set_new(HEAP_CLASSES, BUCKET_S, &p->classes);
	if (!err)
		begin_with_inherited(p);
	return err;
}

static bool close_pools(void *self)
{
	struct pools *p = self;

	trend_set_free(p->classes);
	return true;
}

static uint64_t count(void *self, uint64_t now_ns)
{
	struct pools *p = self;
	double value[HEAP_CLASSES];
	struct heap_census c;

	if (!heap_can_count(p->s->heap))
		return 0;
	if (now_ns < p->due_ns) /* the first was asked for before its turn */
		return p->due_ns;
	if (heap_census(p->s->heap, &c))
		return now_ns + AGAIN_NS;
	p->census = c;
	p->census_ns = now_ns;
	p->torn += c.torn;
	for (unsigned k = 0; k < HEAP_CLASSES; k++)
		value[k] = (double)c.live[k];
	pools_collections(p);
	if (!p->s->time.is_stopped)
		trend_set_add(p->classes, session_ran_s(p->s, now_ns), value);
	p->due_ns = now_ns + pace_wait_ns(&pace, c.cost_ns, session_ran_s(p->s, now_ns));
	return p->due_ns;
}

const struct heap_census *pools_census(struct pools *p)
{
	if (!p->census_ns)
		count(p, clock_ns());
	return &p->census;
}

uint64_t pools_collections(struct pools *p)
{
	/* if it cannot be read now, the last one stays */
	py_full_collections(p->s->rt, &p->collections);
	return p->collections;
}

uint64_t pools_growing(const struct pools *p)
{
	struct trend_fit fit;
	uint64_t bits = 0;

	for (unsigned k = 0; k < HEAP_CLASSES; k++) {
		trend_set_fit(p->classes, k, &fit);
		if (fit.growing)
			bits |= 1ull << k;
	}
	return bits;
}

static int observe(void *self, const struct observation *to)
{
	const struct pools *p = self;
	struct evidence_objects *o = &to->e->objects;
	struct trend_points *v;

	to->e->seen.lost[LOST_TORN_READS].n = p->torn;
	o->counted_s = session_ran_s(p->s, p->census_ns ? p->census_ns : to->now_ns);
	o->stopped_s = (double)p->s->time.stopped_ns / 1e9;
	/* a good part of a short worker's life */
	if (p->census_ns && to->now_ns > p->census_ns && !p->s->time.is_stopped)
		o->uncounted_s = (double)(to->now_ns - p->census_ns) / 1e9;
	if (!heap_can_count(p->s->heap))
		return 0;
	v = report_alloc(to->scratch, HEAP_CLASSES * sizeof(*v));
	if (!v)
		return fail(-ENOMEM, "out of memory");
	for (size_t k = 0; k < HEAP_CLASSES; k++)
		points_copy(to->scratch, p->classes, k, &v[k]);
	o->classes = v;
	return 0;
}

const struct source_ops pools_source = {
	.slack_ns = SLACK_NS,
	.size = sizeof(struct pools),
	.open = open_pools,
	.step = count,
	.observe = observe,
	.close = close_pools,
};
