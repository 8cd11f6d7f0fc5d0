/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "session/survivors.h"

#include "base/thread.h"
#include "session/pools.h"
#include "session/session_priv.h"

#define MIN_NS	 50000000
#define MAX_NS	 2000000000
#define SLACK_NS 50000000
/* climbs may take one part in so many of our time: after minutes, something is due all the time */
#define SHARE  200
#define RECENT 64

_Static_assert(EVIDENCE_PARTS == HEAP_MAX_PARTS, "evidence has room for what an object has");

struct survivors {
	struct session *s;
	struct ladder *ladder;
	uint64_t not_before;	    /* no climb before: our cost is bounded */
	uint64_t refused;	    /* size classes (bits) that are no evidence */
	uint64_t lifted, lifted_ns; /* size classes that were no evidence until lifted_ns */
};

static int open_survivors(void *self, struct session *s)
{
	struct survivors *v = self;

	s->survivors = v;
	v->s = s;
	return ladder_new(s->heap, s->stacks, &v->ladder);
}

static bool close_survivors(void *self)
{
	struct survivors *v = self;

	ladder_free(v->ladder);
	return true;
}

/* Reads names of survivors' types while the target lives: they are a few of thousands. */
static void learn_names(struct survivors *v)
{
	uint64_t recent[RECENT] = {0};
	size_t n;
	const struct sample *x = ladder_samples(v->ladder, &n);

	for (size_t i = 0; i < n; i++) {
		uint64_t *named = &recent[x[i].type / 16 % RECENT];

		if (x[i].rung && *named != x[i].type)
			names_type(v->s->names, *named = x[i].type);
	}
}

static void log_ladder(const struct survivors *v)
{
	const struct ladder_stats *l = ladder_stats(v->ladder);
	size_t n;

	ladder_samples(v->ladder, &n);
	log_debug("ladder: %zu held, %llu taken, %llu unsettled, %llu gone, %llu void, %llu died",
		  n, (unsigned long long)l->taken, (unsigned long long)l->unsettled,
		  (unsigned long long)l->gone, (unsigned long long)l->voided,
		  (unsigned long long)l->died);
}

static uint64_t climb(void *self, uint64_t now_ns)
{
	struct survivors *v = self;
	uint64_t cpu_ns = thread_cpu_ns(), next = ladder_climb(v->ladder, now_ns), wait;

	session_forget_stale(v->s);
	if (py_jit_runs(v->s->rt))
		session_note(v->s,
			     "CPython's JIT does not keep the line that it is at: where objects "
			     "are born is told to the function, by its first line");
	learn_names(v);
	log_ladder(v);
	wait = (thread_cpu_ns() - cpu_ns) * SHARE;
	v->not_before = now_ns + (wait < MIN_NS ? MIN_NS : wait > MAX_NS ? MAX_NS : wait);
	return next && next < v->not_before ? v->not_before : next;
}

struct ladder *survivors_ladder(struct survivors *v)
{
	return v->ladder;
}

void survivors_plan(struct survivors *v, uint64_t when_ns)
{
	session_wake(v->s, v, when_ns < v->not_before ? v->not_before : when_ns);
}

void survivors_refuse(struct survivors *v, uint64_t classes)
{
	if (v->refused & ~classes) {
		v->lifted = v->refused & ~classes;
		v->lifted_ns = clock_ns();
	}
	v->refused = classes;
}

static bool is_evidence(const struct survivors *v, const struct sample *s)
{
	uint64_t class = 1ull << heap_class_index(s->part[0].cls);

	return s->rung && !(v->refused & class) &&
	       (!(v->lifted & class) || s->born_ns > v->lifted_ns);
}

const struct sample *survivors_samples(const struct survivors *v, size_t *n)
{
	return ladder_samples(v->ladder, n);
}

static void keep(void *self, struct map64 *stacks)
{
	const struct survivors *v = self;
	size_t n;
	const struct sample *x = ladder_samples(v->ladder, &n);

	for (size_t i = 0; i < n; i++)
		map64_put(stacks, x[i].stack);
	x = ladder_looked_at(v->ladder, &n);
	for (size_t i = 0; i < n; i++)
		map64_put(stacks, x[i].stack);
}

static double often_of(const struct session *s, uint64_t type)
{
	return s->places ? birthplaces_often(s->places, type) : 1;
}

static void copy(const struct sample *from, double often, struct survivor *to)
{
	*to = (struct survivor){
		.addr = from->addr,
		.type = from->type,
		.stack = from->stack,
		.born_ns = from->born_ns,
		.collections = from->collections,
		.content = from->fp.content,
		.bytes = from->bytes,
		.weight = from->weight,
		.often = often,
		.nth = from->nth,
		.burst = from->burst,
		.rung = from->rung,
		.parts = from->parts,
		.gc = from->gc,
		.ambiguous = from->ambiguous,
		.is_beside_all = !from->partial,
	};
	for (unsigned i = 0; i < from->parts; i++)
		to->part[i] = (struct survivor_part){from->part[i].addr, from->part[i].bytes,
						     from->part[i].cls};
}

static int observe(void *self, const struct observation *to)
{
	struct survivors *s = self;
	struct evidence_objects *o = &to->e->objects;
	const struct map64 *deaths = ladder_deaths(s->ladder);
	const struct ladder_stats *l = ladder_stats(s->ladder);
	struct report_lost *lost = to->e->seen.lost;
	size_t n;
	const struct sample *from = ladder_samples(s->ladder, &n);
	struct survivor *v = report_alloc(to->scratch, (n + 1) * sizeof(*v));
	struct evidence_count *d = report_alloc(to->scratch, (deaths->n + 1) * sizeof(*d));

	if (!v || !d)
		return fail(-ENOMEM, "out of memory");
	/* a sample that has survived no look says nothing */
	for (size_t i = 0; i < n; i++)
		if (is_evidence(s, &from[i]))
			copy(&from[i], often_of(s->s, from[i].type), &v[o->n++]);
	for (size_t i = 0; i < deaths->cap; i++)
		if (deaths->slot[2 * i])
			d[o->n_deaths++] = (struct evidence_count){deaths->slot[2 * i],
								   deaths->slot[2 * i + 1]};
	o->v = v;
	o->deaths = d;
	o->collections = pools_collections(s->s->pools);
	lost[LOST_STACK_UNKNOWN].n = l->no_stack;
	lost[LOST_CODE_REUSED].n = l->code_reused;
	lost[LOST_THINNED].n = l->thinned;
	return 0;
}

const struct source_ops survivors_source = {
	.slack_ns = SLACK_NS,
	.size = sizeof(struct survivors),
	.open = open_survivors,
	.step = climb,
	.observe = observe,
	.close = close_survivors,
	.keep = keep,
};
