/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds the way through C code by which most of what lives on was made. One caller of malloc
 * (xmalloc, operator new) serves many others, and the first block seen need not be one that stays.
 * So the stacks of several blocks of a pair are copied, those of big blocks sooner, and the blocks
 * that live vote for their ways: an old block counts more than a young one.
 */
#include "sym/native_ways.h"

#include "sym/sym.h"

#define SECOND		1000000000ull
#define OLD_S		60.0
#define DOUBTED		3 /* deaths since one was seen alive that make the best way doubtful */
#define ENOUGH_OF_DEPTH 4

static bool same_way(const struct native_stack *a, const struct native_stack *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->frame[i].addr != b->frame[i].addr || a->frame[i].file != b->frame[i].file)
			return false;
	return true;
}

static void drop_way(struct native_pair *p, uint32_t way)
{
	uint32_t last = --p->n_ways;

	free(p->way[way]);
	p->way[way] = p->way[last];
	p->from_depth[way] = p->from_depth[last];
	p->from_depth[last] = 0;
	if (p->best == last)
		p->best = way;
	for (size_t i = 0; i < p->made.n; i++)
		if (p->made.v[i].way == last)
			p->made.v[i].way = way;
}

/* Takes @st. Returns its index among the ways; NATIVE_WAYS: there is no room for another one. */
static uint32_t put_way(struct native_pair *p, struct native_stack *st)
{
	uint32_t i = 0;

	while (i < p->n_ways && !same_way(p->way[i], st))
		i++;
	if (i == p->n_ways && i < NATIVE_WAYS)
		p->way[p->n_ways++] = st;
	else
		free(st);
	return i;
}

/* Returns a place for one more block; NULL: none. When all places are taken and most of those
 * blocks are known to live, the oldest of these gives way: of young ones it is not known yet
 * whether they live on. */
static struct native_made *made_place(struct native_pair *p)
{
	struct native_made *oldest = NULL;
	size_t living = 0;

	if (p->made.n < NATIVE_MADE)
		return vec_push(&p->made);
	for (size_t i = 0; i < p->made.n; i++) {
		struct native_made *m = &p->made.v[i];

		if (!m->lives_ns)
			continue;
		living++;
		if (!oldest || m->copied_ns < oldest->copied_ns)
			oldest = m;
	}
	return living > NATIVE_MADE / 2 ? oldest : NULL;
}

static void put_caller(struct native_pair *p, const struct native_stack *st)
{
	size_t size = sizeof(*st) + sizeof(st->frame[0]);

	if (!p->caller && st->n)
		p->caller = calloc(1, size);
	if (!p->caller)
		return;
	memcpy(p->caller, st, size);
	p->caller->n = 1;
}

void native_ways_add(struct native_pair *p, struct native_stack *st,
		     const struct pl_native_copy *copy, uint64_t now_ns)
{
	struct native_made *m;
	uint32_t way;

	if (copy->size)
		put_caller(p, st);
	way = put_way(p, st);
	if (way < NATIVE_WAYS && p->depth && p->depth == (uint32_t)(copy->reg[SYM_RSP] >> 3))
		p->from_depth[way]++;
	m = way < NATIVE_WAYS ? made_place(p) : NULL;
	if (m)
		*m = (struct native_made){
			.addr = copy->addr,
			.born = copy->born,
			.size = copy->size,
			.copied_ns = now_ns,
			.way = way,
		};
}

static double weight_of(const struct native_pair *p, const struct native_made *m, uint64_t now_ns)
{
	double age_s = (double)(now_ns - m->copied_ns) / 1e9;
	double bytes = p->scale && m->size > p->scale ? (double)m->size / p->scale : 1;

	return bytes * (age_s < OLD_S ? age_s : OLD_S);
}

void native_ways_lose(struct native_pair *p, uint64_t before_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->made.n; i++)
		if (p->made.v[i].copied_ns >= before_ns)
			p->made.v[kept++] = p->made.v[i];
	p->made.n = kept;
}

static void forget_dead(struct native_pair *p, uint64_t now_ns, uint64_t patience_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->made.n; i++)
		if (p->made.v[i].seen_ns == now_ns || now_ns - p->made.v[i].copied_ns < patience_ns)
			p->made.v[kept++] = p->made.v[i];
	p->died += (uint32_t)(p->made.n - kept);
	p->made.n = kept;
}

size_t native_ways_vote(struct native_pair *p, uint64_t now_ns, uint64_t patience_ns)
{
	double votes[NATIVE_WAYS] = {0}, all = 0;
	bool used[NATIVE_WAYS] = {0};
	size_t old = 0, living = 0;

	forget_dead(p, now_ns, patience_ns);
	for (size_t i = 0; i < p->made.n; i++) {
		const struct native_made *m = &p->made.v[i];

		used[m->way] = true;
		if (m->lives_ns != now_ns)
			continue;
		votes[m->way] += weight_of(p, m, now_ns);
		all += weight_of(p, m, now_ns);
		living++;
		old += now_ns - m->copied_ns > SECOND;
	}
	for (uint32_t i = 0; i < p->n_ways; i++)
		if (votes[i] > votes[p->best])
			p->best = i;
	log_debug("native ways of %llx+%llx: %u, %zu of %zu blocks live, %zu for a second",
		  (unsigned long long)p->key.stack, (unsigned long long)p->key.caller, p->n_ways,
		  living, p->made.n, old);
	if (all > 0) {
		p->share = votes[p->best] / all;
		p->died = 0;
	}
	for (uint32_t i = p->n_ways; i-- > 0;)
		if (!used[i] && i != p->best && !p->from_depth[i])
			drop_way(p, i);
	return old;
}

void native_ways_depth(struct native_pair *p, uint32_t depth, double share)
{
	if (p->depth != depth)
		memset(p->from_depth, 0, sizeof(p->from_depth));
	p->depth = depth;
	p->depth_share = share;
}

/* Returns the way of all copies from the depth; NATIVE_WAYS: they are too few, or differ. */
static uint32_t way_of_depth(const struct native_pair *p)
{
	uint32_t all = 0, most = 0;

	for (uint32_t i = 0; i < p->n_ways; i++) {
		all += p->from_depth[i];
		if (p->from_depth[i] > p->from_depth[most])
			most = i;
	}
	return all >= ENOUGH_OF_DEPTH && p->from_depth[most] == all ? most : NATIVE_WAYS;
}

const struct native_stack *native_way_best(const struct native_pair *p)
{
	uint32_t way;

	if (p->died < DOUBTED)
		return p->n_ways ? p->way[p->best] : NULL;
	way = way_of_depth(p);
	return way < p->n_ways ? p->way[way] : p->caller;
}

void native_pair_free(struct native_pair *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->n_ways; i++)
		free(p->way[i]);
	free(p->caller);
	vec_free(&p->made);
	free(p);
}
